"""Scenarios: proposed by one official of the centre and confirmed by another, and never for a denied use."""

from __future__ import annotations

import asyncio
import csv
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
import pytest

from app.kit.clock import uuid7
from app.kit.db.database import execute, fetch_value
from app.record.flagged import DENIED_USES_FILE
from tests.support.campaigns import PATH, benefit_body, campaign_body, draft, make_desk
from tests.support.officials import OfficialLogin, make_official

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response

SCENARIOS = "/v1/official/scenarios"
PROPOSALS = "/v1/official/scenario-proposals"
DENIED = {row["code"]: row for row in csv.DictReader(DENIED_USES_FILE.read_text(encoding="utf-8").splitlines())}


def scenario_body(**changes: Any) -> dict[str, Any]:
    body = {"code": f"s{uuid7().hex[-12:]}", "titleZh": "滑雪", "titleEn": "skiing", "use": "leisure"}
    return {**body, "needsName": False, "needsWithoutScore": False, **changes}


@pytest.fixture
async def pair(app: object) -> tuple[OfficialLogin, OfficialLogin]:
    """Two administrators of the centre."""
    assert app is not None
    return await make_official(roles=["administrator"]), await make_official(roles=["administrator"])


async def propose(client: AsyncClient, official: OfficialLogin, body: dict[str, Any]) -> Response:
    return await client.post(SCENARIOS, json=body, headers=official.headers)


async def decide(
    client: AsyncClient, official: OfficialLogin, proposed: Response, action: str = "confirm", **body: Any
) -> Response:
    assert proposed.status_code == 202, proposed.text
    headers = {**official.headers, "If-Match": proposed.headers["etag"]}
    return await client.post(f"{PROPOSALS}/{proposed.json()['id']}/{action}", json=body or None, headers=headers)


async def test_scenarios_are_listed_with_their_uses(client: AsyncClient) -> None:
    headers = (await make_official(roles=["auditor"])).headers
    listed = {row["code"]: row for row in (await client.get(SCENARIOS, headers=headers)).json()["data"]}
    assert {"medical", "parking", "library", "transit", "lending"} <= set(listed)
    assert listed["transit"]["needsWithoutScore"]
    assert listed["medical"]["needsName"]
    uses = (await client.get("/v1/official/scenario-uses", headers=headers)).json()["data"]
    assert {use["code"]: (use["titleZh"], use["titleEn"]) for use in uses if use["isDenied"]} == {
        code: (row["title_zh"], row["title_en"]) for code, row in DENIED.items()
    }
    assert {row["use"] for row in listed.values()} <= {use["code"] for use in uses if not use["isDenied"]}


async def test_a_scenario_is_there_once_another_official_confirms_it(
    client: AsyncClient, pair: tuple[OfficialLogin, OfficialLogin]
) -> None:
    maker, checker = pair
    desk, body = await make_desk(), scenario_body(needsWithoutScore=True)
    there = benefit_body(scenario=body["code"], withoutScore="原价照常入场")
    proposed = await propose(client, maker, body)
    assert (proposed.json()["state"], proposed.json()["scenario"]) == ("waiting", body)
    unknown = await client.post(PATH, json=campaign_body(there), headers=desk.editor.headers)
    assert unknown.json()["errors"][0]["code"] == "scenario_unknown"
    assert (await client.get(f"{SCENARIOS}/{body['code']}", headers=maker.headers)).status_code == 404
    own = await decide(client, maker, proposed)
    assert (own.status_code, own.json()["code"]) == (403, "proposer_is_confirmer")
    confirmed = await decide(client, checker, proposed)
    assert (confirmed.status_code, confirmed.json()["state"]) == (200, "confirmed")
    assert (await draft(client, desk, there))["benefits"][0]["withoutScore"] == "原价照常入场"
    again = await propose(client, maker, body)
    assert (again.status_code, again.json()["code"]) == (409, "scenario_taken")
    entries = "SELECT string_agg(action, ' ' ORDER BY number) FROM audit_entry WHERE subject = $1"
    assert await fetch_value(entries, f"scenario:{body['code']}") == "scenario.propose scenario.confirm"


async def test_a_change_goes_the_same_way_and_the_scenario_stays_until_then(
    client: AsyncClient, pair: tuple[OfficialLogin, OfficialLogin]
) -> None:
    maker, checker = pair
    body = scenario_body()
    await decide(client, checker, await propose(client, maker, body))
    path = f"{SCENARIOS}/{body['code']}"
    seen = await client.get(path, headers=maker.headers)
    assert seen.json() == body
    change = {name: value for name, value in body.items() if name != "code"} | {"needsName": True}

    async def put(if_match: str | None) -> Response:
        headers = maker.headers | ({"If-Match": if_match} if if_match else {})
        return await client.put(path, json=change, headers=headers)

    assert ((await put(None)).status_code, (await put('"7"')).status_code) == (428, 412)
    proposed = await put(seen.headers["etag"])
    twice = await put(seen.headers["etag"])
    assert (twice.status_code, twice.json()["code"]) == (409, "scenario_taken")
    assert (await client.get(path, headers=maker.headers)).json() == body
    assert (await decide(client, checker, proposed)).status_code == 200
    now_there = await client.get(path, headers=maker.headers)
    assert (now_there.json()["needsName"], now_there.headers["etag"]) == (True, '"2"')
    denied = await client.put(
        path, json={**change, "titleZh": "入学"}, headers={**maker.headers, "If-Match": now_there.headers["etag"]}
    )
    assert (denied.status_code, denied.json()["code"]) == (422, "scenario_invalid")
    assert (await client.put(f"{SCENARIOS}/nothing", json=change, headers=maker.headers)).status_code == 404


async def test_a_decision_needs_the_etag_and_comes_once(
    client: AsyncClient, pair: tuple[OfficialLogin, OfficialLogin]
) -> None:
    maker, checker = pair
    proposed = await propose(client, maker, scenario_body())
    path = f"{PROPOSALS}/{proposed.json()['id']}"
    assert (await client.post(f"{path}/confirm", headers=checker.headers)).status_code == 428
    stale = {**checker.headers, "If-Match": '"2"'}
    assert (await client.post(f"{path}/confirm", headers=stale)).status_code == 412
    third = await make_official(roles=["administrator"])
    answers = await asyncio.gather(*(decide(client, one, proposed) for one in (checker, third, checker)))
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412]
    read = await client.get(path, headers=checker.headers)
    late = await client.post(f"{path}/confirm", headers={**third.headers, "If-Match": read.headers["etag"]})
    assert (late.status_code, late.json()["code"]) == (409, "scenario_proposal_decided")


async def test_a_proposal_may_be_rejected_by_its_maker_too(
    client: AsyncClient, pair: tuple[OfficialLogin, OfficialLogin]
) -> None:
    maker, _ = pair
    body = scenario_body()
    proposed = await propose(client, maker, body)
    rejected = await decide(client, maker, proposed, "reject", note="写错了")
    assert (rejected.status_code, rejected.json()["state"], rejected.json()["note"]) == (200, "rejected", "写错了")
    listed = await client.get(PROPOSALS, params={"state": "rejected", "limit": 100}, headers=maker.headers)
    assert proposed.json()["id"] in [row["id"] for row in listed.json()["data"]]
    assert (await propose(client, maker, body)).status_code == 202


async def test_the_database_too_refuses_one_person(
    client: AsyncClient, pair: tuple[OfficialLogin, OfficialLogin]
) -> None:
    proposed = await propose(client, pair[0], scenario_body())
    with pytest.raises(asyncpg.CheckViolationError, match="scenario_proposer_is_not_confirmer"):
        await execute(
            """UPDATE scenario_proposal SET state = 'confirmed', decided_by = proposed_by, decided_at = now()
               WHERE id = $1""",
            UUID(proposed.json()["id"]),
        )


@pytest.mark.parametrize("use", sorted(DENIED))
async def test_a_denied_use_cannot_be_created(client: AsyncClient, use: str) -> None:
    administrator = await make_official(roles=["administrator"])
    body = scenario_body(use=use)
    answer = await propose(client, administrator, body)
    assert (answer.status_code, answer.json()["code"]) == (422, "use_denied")
    assert DENIED[use]["title_zh"] in answer.json()["reasons"][0]["text"]
    assert await fetch_value("SELECT count(*) FROM scenario_proposal WHERE code = $1", body["code"]) == 0


LABELS = {
    "schooling": ("子女入学", "school places"), "hiring": ("企业招聘", "jobs"), "welfare": ("低保申领", "aid"),
    "basic_care": ("急诊", "hospital"), "public_entry": ("小区门禁", "gates"), "tenancy": ("租房", "homes"),
    "insurance": ("保险", "cover"), "policing": ("治安", "order"), "english": ("便民", "hiring"),
    "apart": ("入 学", "places"), "traditional": ("錄用", "jobs"), "a topic": ("信访接待", "desk"),
    "a punishment": ("失信惩戒", "list"),
}  # fmt: skip


@pytest.mark.parametrize(("zh", "en"), LABELS.values(), ids=LABELS.keys())
async def test_a_denied_use_under_another_label_is_refused_too(client: AsyncClient, zh: str, en: str) -> None:
    administrator = await make_official(roles=["administrator"])
    answer = await propose(client, administrator, scenario_body(use="borrowing", titleZh=zh, titleEn=en))
    assert (answer.status_code, answer.json()["code"]) == (422, "scenario_invalid"), answer.text
    assert answer.json()["errors"][0]["code"] == "word_denied"


async def test_a_doubtful_word_is_acknowledged_by_the_official_who_confirms(
    client: AsyncClient, pair: tuple[OfficialLogin, OfficialLogin]
) -> None:
    maker, checker = pair
    proposed = await propose(client, maker, scenario_body(titleZh="寺庙旅游"))
    assert [flag["word"] for flag in proposed.json()["flags"]] == ["寺庙"]
    refused = await decide(client, checker, proposed)
    assert (refused.status_code, refused.json()["code"]) == (422, "flags_not_acknowledged")
    assert (await decide(client, checker, proposed, acknowledgedFlags=["寺庙"])).status_code == 200


async def test_who_may_propose_and_from_what(client: AsyncClient, pair: tuple[OfficialLogin, OfficialLogin]) -> None:
    centre, desk = pair[0], await make_desk()
    own = await make_official(roles=["administrator"], institution_id=desk.partner.institution_id)
    waiting = await propose(client, centre, scenario_body())
    for headers in (own.headers, desk.editor.headers):
        assert (await client.post(SCENARIOS, json=scenario_body(), headers=headers)).status_code == 403
        assert (await client.get(PROPOSALS, headers=headers)).status_code == 403
        assert (await client.get(f"{PROPOSALS}/{waiting.json()['id']}", headers=headers)).status_code == 403
    assert (await decide(client, own, waiting)).status_code == 403
    unknown = await propose(client, centre, scenario_body(use="war"))
    assert (unknown.status_code, unknown.json()["code"]) == (422, "use_unknown")
    for change in ({"code": "有"}, {"code": "x" * 41}, {"titleZh": ""}, {"needsName": None}, {"more": 1}):
        assert (await propose(client, centre, scenario_body(**change))).status_code == 400


@pytest.mark.parametrize("code", ["x", "X_1", "a.b", "a-b", "1a", "_a", "ski\n"])
async def test_a_scenario_code_that_no_scan_could_name_is_refused(client: AsyncClient, code: str) -> None:
    centre = await make_official(roles=["administrator"])
    answer = await propose(client, centre, scenario_body(code=code))
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/code")
