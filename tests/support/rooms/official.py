"""A colleague, and people on their way to an account."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import pyotp

from tests.support.officials import ENROLMENTS, PASSWORD, enrol, invite, make_official
from tests.support.right import Right

if TYPE_CHECKING:
    from httpx2 import AsyncClient

    from tests.support.world import World


async def furnish(client: AsyncClient, world: World) -> dict[str, str]:
    """Make a colleague, somebody who has begun to enrol, and somebody who has and waits for an administrator."""
    institution_id = world.partner.institution_id
    colleague = await make_official(roles=["editor"], institution_id=institution_id)
    begun, done = [
        await invite(client, world.administrator, institutionId=str(institution_id), roles=["administrator"])
        for _ in range(2)
    ]
    opened = await client.post(ENROLMENTS, json={"code": begun["enrolmentCode"]})
    answer, _ = await enrol(client, done["enrolmentCode"])
    assert answer.json()["state"] == "enrolled", answer.text
    return {
        "official": str(colleague.id),
        "enrolment_code": begun["enrolmentCode"], "enrolment_secret": opened.json()["totpSecret"],
        "enrolled_official": done["official"]["id"],
    }  # fmt: skip


def _totp(world: World) -> dict[str, Any]:
    code = pyotp.TOTP(world.editor.totp_secret).now()
    return {"username": world.editor.username, "password": PASSWORD, "totp": code}


def _completion(world: World) -> dict[str, Any]:
    totp = pyotp.TOTP(world.ids["enrolment_secret"]).now()
    return {"code": world.ids["enrolment_code"], "password": PASSWORD, "totp": totp}


def _official(world: World) -> dict[str, Any]:
    return {"username": f"u{secrets.token_hex(6)}", "roles": ["editor"], "institutionId": world.ids["institution"]}


OFFICIAL = {"officialId": "official"}

RIGHT = {
    "loginOfficial": Right(body=_totp),
    "openEnrolment": Right(body=lambda world: {"code": world.ids["enrolment_code"]}),
    "completeEnrolment": Right(body=_completion),
    "createOfficial": Right("administrator", body=_official),
    "listOfficials": Right("administrator"),
    "getOfficial": Right("administrator", OFFICIAL),
    "confirmOfficial": Right("centre_administrator", {"officialId": "enrolled_official"}, needs_etag=True),
    "suspendOfficial": Right("administrator", OFFICIAL, needs_etag=True),
    "resumeOfficial": Right("administrator", OFFICIAL, needs_etag=True),
    "resetOfficial": Right("administrator", OFFICIAL, needs_etag=True),
    "logoutOfficial": Right("editor"),
    "listAuditEntries": Right("centre_auditor"),
}
