"""One owner's whole world: an institution with everything it has, and a citizen who has been there."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from app.campaign.catalogue.actions import catalogue
from app.kit.clock import now, shanghai_day
from app.kit.db.cache import refresh_all
from app.kit.db.database import fetch_all
from tests.support.campaigns import Desk, act, benefit_body, draft, make_desk, put_live
from tests.support.citizens import Joined, join
from tests.support.files import make_imports
from tests.support.importing import item_of, make_proposals, outcomes_of
from tests.support.notices import find_notice, tell
from tests.support.objecting import make_objections
from tests.support.officials import ENROLMENTS, OfficialLogin, enrol, invite, make_official
from tests.support.partners import Partner, make_key
from tests.support.pointing import open_app
from tests.support.redeeming import redeem, scan
from tests.support.rule_books import make_books

if TYPE_CHECKING:
    from httpx2 import AsyncClient

PURPOSE = "pos_blood"
CONSENT = {"purpose": PURPOSE, "version": 1}


class World(msgspec.Struct, frozen=True, kw_only=True):
    """Who is who, and by a name each the ids of everything that is theirs."""

    citizen: Joined
    partner: Partner
    editor: OfficialLogin
    administrator: OfficialLogin
    centre_editor: OfficialLogin
    centre_reviewer: OfficialLogin
    centre_administrator: OfficialLogin
    centre_auditor: OfficialLogin
    centre_caseworker: OfficialLogin
    centre_importer: OfficialLogin
    ids: dict[str, str]
    rule_book: dict[str, Any]

    def headers_of(self, who: str) -> dict[str, str]:
        """Return the headers of one of these people."""
        headers: dict[str, str] = getattr(self, who).headers
        return headers


async def make_world(client: AsyncClient) -> World:
    """Make an institution with campaigns in every state, and a citizen with records, scans and redemptions there."""
    desk = await make_desk(stores=2)
    partner, institution_id = desk.partner, desk.partner.institution_id
    await make_key(institution_id, scopes=("read",))
    colleague = await make_official(roles=["editor"], institution_id=institution_id)
    citizen = await _make_member(client)
    campaigns = await _make_campaigns(client, desk)
    centre_editor = await make_official(roles=["editor"])
    books = await make_books(client, centre_editor, desk.reviewer)
    app = await open_app(partner)
    administrator = await make_official(roles=["administrator"], institution_id=institution_id)
    return World(
        citizen=citizen,
        partner=partner,
        editor=desk.editor,
        administrator=administrator,
        centre_editor=centre_editor,
        centre_reviewer=desk.reviewer,
        rule_book=books.document,
        centre_administrator=await make_official(roles=["administrator"]),
        centre_auditor=await make_official(roles=["auditor"]),
        centre_caseworker=await make_official(roles=["caseworker"]),
        centre_importer=await make_official(roles=["importer"]),
        ids={
            "citizen": str(citizen.id),
            "consent": PURPOSE,
            "day": str(shanghai_day(now())),
            "institution": str(institution_id),
            "store": str(partner.store_ids[0]),
            "spare_store": str(partner.store_ids[1]),
            "terminal": str(partner.terminal_ids[0]),
            "spare_terminal": str(partner.terminal_ids[1]),
            "official": str(colleague.id),
            **await _make_enrolments(client, administrator, institution_id),
            "notice": str(await _tell(citizen)),
            **await _find_keys(institution_id),
            **campaigns,
            **await _make_scenarios(client),
            **books.ids,
            "app_source": app.source,
            "app_secret": app.secret,
            **await make_imports(client),
            **await make_proposals(client, citizen),
            **await make_objections(client, citizen, app.source),
            **await _visit(client, partner, citizen, campaigns),
        },
    )


async def _make_enrolments(client: AsyncClient, asker: OfficialLogin, institution_id: UUID) -> dict[str, str]:
    """Invite somebody who has begun to enrol, and somebody who has and waits for a second administrator."""
    begun, done = [
        await invite(client, asker, institutionId=str(institution_id), roles=["administrator"]) for _ in range(2)
    ]
    opened = await client.post(ENROLMENTS, json={"code": begun["enrolmentCode"]})
    answer, _ = await enrol(client, done["enrolmentCode"])
    assert answer.json()["state"] == "enrolled", answer.text
    return {
        "enrolment_code": begun["enrolmentCode"], "enrolment_secret": opened.json()["totpSecret"],
        "enrolled_official": done["official"]["id"],
    }  # fmt: skip


async def _make_member(client: AsyncClient) -> Joined:
    citizen = await join(client)
    answer = await client.post("/v1/me/consents", json=CONSENT, headers=citizen.headers)
    assert answer.status_code == 200, answer.text
    assert await outcomes_of(client, item_of(citizen)) == ["accepted"]
    return citizen


async def _tell(citizen: Joined) -> UUID:
    return (await find_notice(await tell(citizen.id))).id


async def _make_campaigns(client: AsyncClient, desk: Desk) -> dict[str, str]:
    """Return the ids of a live campaign and its two benefits, of a draft, and of two that wait for review."""
    gifts = [benefit_body(code=make_code(), eligibility={"type": "everyone"}) for _ in range(5)]
    live = await put_live(client, desk, *gifts[:2])
    drafted = await draft(client, desk, gifts[2])
    waiting = [await draft(client, desk, gift) for gift in gifts[3:]]
    for campaign in waiting:
        assert (await act(client, desk.editor, campaign, "submit")).status_code == 200
    await refresh_all([catalogue])
    return {
        "live_campaign": live["id"],
        "benefit": live["benefits"][0]["id"],
        "spare_benefit": live["benefits"][1]["id"],
        "draft_campaign": drafted["id"],
        "submitted_campaign": waiting[0]["id"],
        "other_submitted_campaign": waiting[1]["id"],
    }


async def _make_scenarios(client: AsyncClient) -> dict[str, str]:
    """Return the code of a scenario, and the ids of two that are proposed."""
    maker, checker = await make_official(roles=["administrator"]), await make_official(roles=["administrator"])
    ids = []
    for _ in range(3):
        body = {"code": f"s_{secrets.token_hex(4)}", "titleZh": "场景", "titleEn": "a scenario", "use": "leisure"}
        answer = await client.post(
            "/v1/official/scenarios", json={**body, "needsName": False, "needsWithoutScore": False},
            headers=maker.headers,
        )  # fmt: skip
        assert answer.status_code == 202, answer.text
        ids.append(answer.json()["id"])
    headers = {**checker.headers, "If-Match": answer.headers["etag"]}
    done = await client.post(f"/v1/official/scenario-proposals/{ids[2]}/confirm", headers=headers)
    assert done.status_code == 200, done.text
    return {"scenario": body["code"], "scenario_proposal": ids[0], "other_scenario_proposal": ids[1]}


async def _visit(client: AsyncClient, partner: Partner, citizen: Joined, campaigns: dict[str, str]) -> dict[str, str]:
    scanned = await scan(client, partner, await issue_code(client, citizen))
    assert scanned.status_code == 201, scanned.text
    scan_id = scanned.json()["scanId"]
    redeemed = await redeem(client, partner, UUID(campaigns["benefit"]), scanId=scan_id, amountFen=1000)
    assert redeemed.status_code == 201, redeemed.text
    return {"scan": scan_id, "redemption": redeemed.json()["id"], "reference": redeemed.json()["reference"]}


async def _find_keys(institution_id: UUID) -> dict[str, str]:
    class Key(msgspec.Struct):
        id: UUID

    sql = "SELECT id FROM api_key WHERE institution_id = $1 ORDER BY cardinality(scopes) DESC"
    first, second = await fetch_all(Key, sql, institution_id)
    return {"key": str(first.id), "spare_key": str(second.id)}


async def issue_code(client: AsyncClient, citizen: Joined) -> str:
    """Return the code a citizen's phone shows now."""
    answer = await client.post("/v1/me/codes", json={"count": 1}, headers=citizen.headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["codes"][0]["text"])


def make_code() -> str:
    """Return a benefit code nobody has."""
    return f"B_{secrets.token_hex(6).upper()}"


def without_trace(problem: dict[str, Any]) -> dict[str, Any]:
    """Return an answer without what differs from request to request by design."""
    return {name: value for name, value in problem.items() if name != "traceId"}
