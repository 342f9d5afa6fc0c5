"""One administrator tries to be two people: by every account they can lay hands on and every operation there is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from app.kit.clock import uuid7
from app.kit.db.database import execute, fetch_value
from app.official.actions import secret as secret_actions
from app.official.actions import session as session_actions
from tests.support.description import BY_ID, OPERATIONS
from tests.support.officials import CHEAP, OFFICIALS, PASSWORD, OfficialLogin, code_of, enrol, headers_of, make_official
from tests.support.partners import make_partner

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response


@pytest.fixture(autouse=True)
def in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash passwords cheaply and refuse at once; neither is what these tests are about."""
    monkeypatch.setattr(secret_actions, "HASHER", CHEAP)
    monkeypatch.setattr(session_actions, "REFUSED_SECONDS_MIN", 0)


async def log_in(client: AsyncClient, username: str, secret: str, *, password: str = PASSWORD) -> Response:
    body = {"username": username, "password": password, "totp": code_of(secret)}
    return await client.post("/v1/official/login", json=body)


class Crook:
    """A single administrator: every account they can lay hands on, by every operation an administrator may call."""

    def __init__(self, client: AsyncClient, login: OfficialLogin) -> None:
        self.client = client
        self.login = login
        self.used: set[str] = set()

    async def do(self, operation_id: str, path: str, body: object = None, *, etag: str | None = None) -> Response:
        """Call an operation."""
        self.used.add(operation_id)
        headers = self.login.headers | ({"If-Match": etag} if etag else {})
        return await self.client.request(BY_ID[operation_id].method, path, headers=headers, json=body)

    async def move(self, operation_id: str, official_id: str) -> Response:
        """Do something to an account as it now is, and whatever the ETag, with older ones, too."""
        path = f"{OFFICIALS}/{official_id}"
        seen = await self.do("getOfficial", path)
        action = re.sub(r"Official$", "", operation_id)
        for etag in ('"1"', '"2"', "*", None):
            await self.do(operation_id, f"{path}/{action}", etag=etag)
        return await self.do(operation_id, f"{path}/{action}", etag=seen.headers.get("etag"))

    async def create(self, roles: list[str], institution_id: str | None) -> tuple[str, str, str]:
        """Invite somebody; return id, username and code."""
        body = {"username": f"ghost-{uuid7().hex[-12:]}", "roles": roles, "institutionId": institution_id}
        made = (await self.do("createOfficial", OFFICIALS, body)).json()
        return made["official"]["id"], made["official"]["username"], made["enrolmentCode"]

    async def can_be(self, username: str, secret: str) -> bool:
        """Whether they get in as somebody, with the credentials they chose."""
        await execute("UPDATE official SET totp_last_step = 0 WHERE username = $1", username)
        return (await log_in(self.client, username, secret)).status_code == 200


@pytest.mark.parametrize("roles", [["administrator"], ["administrator", "reviewer", "editor", "importer"]])
async def test_a_single_administrator_never_becomes_a_second_person(client: AsyncClient, roles: list[Any]) -> None:
    crook = Crook(client, await make_official(roles=roles))
    partner, victims = await make_partner(), [await make_official(roles=["reviewer"]), await make_official(roles=roles)]
    institution = str(partner.institution_id)
    local = await make_official(roles=["administrator"], institution_id=partner.institution_id)
    ghosts: dict[str, tuple[str, str]] = {}
    for wanted, tenant in (
        (["reviewer"], None), (["editor"], None), (["administrator"], None), (["importer", "caseworker"], None),
        (["editor"], institution), (["administrator"], institution), (["editor", "administrator"], institution),
    ):  # fmt: skip
        official_id, username, code = await crook.create(wanted, tenant)
        _, secret = await enrol(client, code)
        ghosts[official_id] = (username, secret)
    for victim in (*victims, local):
        taken = (await crook.move("resetOfficial", str(victim.id))).json()
        if "enrolmentCode" not in taken:  # the older ETag was the right one: ask again, for the code
            taken = (await crook.move("resetOfficial", str(victim.id))).json()
        _, secret = await enrol(client, taken["enrolmentCode"])
        ghosts[str(victim.id)] = (victim.username, secret)
    for operation_id in ("confirmOfficial", "suspendOfficial", "resumeOfficial", "confirmOfficial"):
        for official_id in (*ghosts, str(crook.login.id)):
            await crook.move(operation_id, official_id)
    assert [name for name, secret in ghosts.values() if await crook.can_be(name, secret)] == []
    for official_id, (username, _) in list(ghosts.items()):  # and once more, with codes of accounts that waited
        answer = await crook.move("resetOfficial", official_id)
        code = answer.json().get("enrolmentCode")
        if code is None:
            continue
        _, secret = await enrol(client, code)
        await crook.move("confirmOfficial", official_id)
        assert not await crook.can_be(username, secret)
    await crook.do("listOfficials", OFFICIALS)
    waiting = "SELECT count(*) FROM official WHERE id = ANY($1::uuid[]) AND state NOT IN ('invited', 'enrolled')"
    assert await fetch_value(waiting, list(ghosts)) == 0
    about_staff = {one.id for one in OPERATIONS if one.path.startswith(OFFICIALS) and "administrator" in one.roles}
    assert crook.used >= about_staff, "an operation on accounts the crook has not tried"


async def test_an_institutions_single_administrator_makes_no_second_one(client: AsyncClient) -> None:
    partner = await make_partner()
    local = await make_official(roles=["administrator"], institution_id=partner.institution_id)
    crook = Crook(client, local)
    editor = await make_official(roles=["editor"], institution_id=partner.institution_id)
    ghost, username, code = await crook.create(["administrator"], str(partner.institution_id))
    _, secret = await enrol(client, code)
    own_editor, editor_name, editor_code = await crook.create(["editor"], str(partner.institution_id))
    _, editor_secret = await enrol(client, editor_code)
    await crook.move("resetOfficial", str(editor.id))
    for official_id in (ghost, str(editor.id)):
        await crook.move("confirmOfficial", official_id)
    assert not await crook.can_be(username, secret)
    assert await crook.can_be(editor_name, editor_secret)
    spoken = await headers_of(UUID(own_editor))
    assert (await client.get("/v1/official/campaigns/inbox", headers=spoken)).status_code == 403
