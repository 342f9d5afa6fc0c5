"""What would help a citizen, over HTTP: the distance, what it opens, what they could do, what weighs."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from app.campaign.hints.routes import HINTS_LIMIT, HINTS_PER_MINUTE_MAX
from app.kit.clock import now
from app.kit.db.database import transaction
from app.score.current.actions.rescore import rescore
from app.values.days import shanghai_day
from tests.support.citizens import join, log_in
from tests.support.histories import new_record
from tests.support.partners import make_partner
from tests.support.recording import put_records
from tests.support.redeeming import make_benefit

if TYPE_CHECKING:
    from uuid import UUID

    from httpx2 import AsyncClient

HINTS = "/v1/me/score/hints"


async def get(client: AsyncClient, headers: dict[str, str], language: str = "zh-CN") -> Any:
    answer = await client.get(HINTS, headers={**headers, "Accept-Language": language})
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()


async def put(citizen_id: UUID, *codes: str, **facts: Any) -> None:
    at = now()
    records = [new_record(citizen_id, code, **{"event_on": shanghai_day(at), **facts}) for code in codes]
    async with transaction():
        assert set(await put_records(records, at=at, entered_by=None)) == {"accepted"}
        await rescore([citizen_id], at=at)


def actions_of(hints: Any) -> dict[str, Any]:
    return {action["indicator"]: action for action in hints["actions"]}


async def test_how_far_it_is_and_what_can_be_done(client: AsyncClient) -> None:
    member = await join(client)
    hints = await get(client, member.headers)
    assert (hints["value"], hints["level"]) == (590, {"code": "L2", "title": "中等"})
    assert hints["next"] == {"level": "L3", "title": "良好", "pointsNeeded": 10}
    assert hints["text"] == "距良好还差10分"
    assert hints["burdens"] == []
    actions = actions_of(hints)
    assert actions["POS_VOL_HOURS"] == {
        "indicator": "POS_VOL_HOURS", "title": "志愿服务时长", "points": 4, "quantity": 10, "unit": "小时",
        "needsConsent": None, "text": "在志愿服务平台报名参加活动，时长由平台报送",
    }  # fmt: skip
    assert (actions["BASE_TAX_OK"]["points"], actions["POS_REPORT_FAKE"]["points"]) == (10, 20)
    assert not set(actions) & {"POS_DONATE_MONEY", "POS_AWARD", "POS_JUDGMENT_SELF", "POS_MARROW", "BASE_CLEAN"}
    points = [action["points"] for action in hints["actions"] if action["points"] is not None]
    assert points == sorted(points, reverse=True)
    assert min(points) > 0


async def test_in_english(client: AsyncClient) -> None:
    member = await join(client)
    hints = await get(client, member.headers, "en-GB")
    assert hints["text"] == "10 points to good"
    hours = actions_of(hints)["POS_VOL_HOURS"]
    assert (hours["title"], hours["unit"]) == ("Volunteer hours in the year", "hours")
    assert hours["text"].startswith("Join activities")


async def test_a_consent_is_named_never_asked_for_with_points(client: AsyncClient) -> None:
    member = await join(client)
    blood = actions_of(await get(client, member.headers))["POS_BLOOD"]
    assert (blood["points"], blood["quantity"], blood["needsConsent"]) == (None, None, "pos_blood")
    assert blood["text"] == "须您单独同意才会计分，是否同意由您决定"
    await client.post("/v1/me/consents", json={"purpose": "pos_blood", "version": 1}, headers=member.headers)
    blood = actions_of(await get(client, member.headers))["POS_BLOOD"]
    assert (blood["points"], blood["needsConsent"]) == (10, None)


async def test_what_is_full_is_not_suggested_and_what_is_nearly_full_adds_the_rest(client: AsyncClient) -> None:
    member = await join(client)
    await put(member.id, *["POS_CLUE"] * 4, *["POS_SUPERVISE"] * 3)
    actions = actions_of(await get(client, member.headers))
    assert actions["POS_CLUE"]["points"] == 4
    assert "POS_SUPERVISE" not in actions  # 12 of 12
    await put(member.id, "POS_CLUE")
    assert "POS_CLUE" not in actions_of(await get(client, member.headers))
    await put(member.id, "POS_MEDIATE", grade="3")
    assert "POS_MEDIATE" not in actions_of(await get(client, member.headers))


async def test_an_exclusive_group_counts_once(client: AsyncClient) -> None:
    """Forty patrol hours give 16 points: volunteer hours add something only from the rung of fifty on."""
    member = await join(client)
    await put(member.id, "POS_PATROL", quantity=40)
    actions = actions_of(await get(client, member.headers))
    assert (actions["POS_VOL_HOURS"]["quantity"], actions["POS_VOL_HOURS"]["points"]) == (50, 20 - 16)
    assert (actions["POS_PATROL"]["quantity"], actions["POS_PATROL"]["points"]) == (10, 4)


async def test_a_full_dimension_leaves_nothing_of_it(client: AsyncClient) -> None:
    member = await join(client)
    await put(member.id, "POS_AWARD", grade="nation")
    await put(member.id, "POS_SERVICE_MERIT", grade="1")
    hints = await get(client, member.headers)
    assert (hints["next"], hints["text"]) == (None, "您已是最高等级：极好")
    assert (await get(client, member.headers, "en"))["text"] == "You are at the highest level: outstanding"
    assert not [code for code in actions_of(hints) if code.startswith("POS_") and code != "POS_BLOOD"]
    assert "BASE_TAX_OK" in actions_of(hints)


async def test_benefits_a_higher_score_opens(client: AsyncClient) -> None:
    member = await join(client)
    partner = await make_partner()
    near = await make_benefit(partner, eligibility={"type": "scoreAtLeast", "value": 591}, title="近")
    next_one = await make_benefit(
        partner, eligibility={"type": "all", "of": [{"type": "scoreAtLeast", "value": 592}, {"type": "everyone"}]}
    )
    far = await make_benefit(partner, eligibility={"type": "scoreAtLeast", "value": 601})
    paused = await make_benefit(partner, eligibility={"type": "scoreAtLeast", "value": 591}, state="paused")
    later = await make_benefit(
        partner, eligibility={"type": "scoreAtLeast", "value": 591}, startsAt=now() + timedelta(days=1)
    )
    honour = await make_benefit(partner, eligibility={"type": "hasHonour", "honour": "BRAVERY"})
    hints = await get(client, member.headers)
    shown = {benefit["id"]: benefit for benefit in hints["benefits"]}
    assert not {str(paused), str(later), str(honour)} & set(shown)
    assert [one["pointsNeeded"] for one in hints["benefits"]] == sorted(
        one["pointsNeeded"] for one in hints["benefits"]
    )
    first = shown[str(near)]
    assert (first["title"], first["scenario"], first["pointsNeeded"], first["opensAtNextLevel"]) == (
        "近", "garage", 1, True,
    )  # fmt: skip
    assert first["institution"]
    assert first["reasons"] == [{"code": "score_below", "text": "需要591分，您是590分，还差1分"}]
    assert shown[str(next_one)]["pointsNeeded"] == 2
    if str(far) in shown:  # other tests' benefits may be nearer
        assert shown[str(far)]["opensAtNextLevel"] is False
    listed = (await client.get("/v1/me/benefits?eligible=false&limit=100", headers=member.headers)).json()["data"]
    reasons = {one["id"]: one["reasons"] for one in listed}
    assert reasons.get(str(near), first["reasons"]) == first["reasons"]


async def test_what_weighs_ends_by_itself_and_may_be_repaired(client: AsyncClient) -> None:
    member = await join(client)
    day = shanghai_day(now()) - timedelta(days=30)
    await put(member.id, "NEG_CONTRACT_JUDG", event_on=day, document="（2026）闽02民终1号")
    await put(member.id, "NEG_TAX_ARREARS", event_on=day, document="公告1号")
    hints = await get(client, member.headers)
    contract, arrears = hints["burdens"]
    explained = (await client.get("/v1/me/score/explanation", headers=member.headers)).json()["contributions"]
    until = next(given["validUntil"] for given in explained if given["indicator"] == "NEG_CONTRACT_JUDG")
    ends_on = date.fromisoformat(until) + timedelta(days=1)
    assert (contract["indicator"], contract["points"], contract["endsOn"]) == ("NEG_CONTRACT_JUDG", -40, str(ends_on))
    assert contract["text"] == f"自{ends_on}起自动停止计分；也可申请信用修复，修复后立即不再计分"
    assert (arrears["indicator"], arrears["endsOn"]) == ("NEG_TAX_ARREARS", None)
    assert arrears["text"] == "了结之日起立即停止计分；也可申请信用修复，修复后立即不再计分"
    english = (await get(client, member.headers, "en"))["burdens"][0]
    assert english["text"].startswith(f"It stops counting by itself on {ends_on}; you may also ask for credit repair")


async def test_under_a_ceiling_nothing_is_promised(client: AsyncClient) -> None:
    member = await join(client)
    await put(member.id, "POS_AWARD", grade="nation")
    await put(member.id, "POS_SERVICE_MERIT", grade="1")
    await put(member.id, "POS_VOL_HOURS", quantity=300)
    await put(member.id, "NEG_COURT_LISTED", document="d")
    hints = await get(client, member.headers)
    assert hints["value"] == 499
    assert [action for action in hints["actions"] if action["points"] is not None] == []
    assert [burden["indicator"] for burden in hints["burdens"]] == ["NEG_COURT_LISTED"]


async def test_what_is_promised_is_what_comes(client: AsyncClient) -> None:
    """Every suggestion done gives exactly the points it promised."""
    for code in ("POS_VOL_HOURS", "POS_REPORT_SAFETY", "USE_LIB_ONTIME", "POS_CARE"):
        member = await join(client)
        await put(member.id, "POS_PATROL", quantity=15)
        hint = actions_of(before := await get(client, member.headers))[code]
        grade = "1" if code == "POS_CARE" else None
        await put(member.id, code, quantity=hint["quantity"], grade=grade)
        assert (await get(client, member.headers))["value"] - before["value"] == hint["points"]


async def test_what_counts_for_nothing_itself_may_still_matter(client: AsyncClient) -> None:
    """Of one act the award counts and the penalty does not; but the penalty ends the presumption of good faith."""
    member = await join(client)
    await put(member.id, "POS_AWARD", grade="city", act_id="one", document="d")
    await put(member.id, "NEG_PENALTY", grade="low", act_id="one", document="d")
    hints = await get(client, member.headers)
    assert hints["value"] == 500 + 30 + 50
    assert actions_of(hints)["POS_CLUE"]["points"] == 4


async def test_asking_changes_nothing(client: AsyncClient) -> None:
    member = await join(client)
    first = await get(client, member.headers)
    assert await get(client, member.headers) == first
    changes = (await client.get("/v1/me/score/changes", headers=member.headers)).json()["data"]
    assert len(changes) == 1
    records = (await client.get("/v1/me/records", headers=member.headers)).json()["data"]
    assert [record["code"] for record in records] == ["BASE_ID_VERIFIED"]


async def test_who_may_not_and_how_often(client: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    new = await log_in(client)
    answer = await client.get(HINTS, headers=new.headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_joined")
    assert (await client.get(HINTS)).status_code == 401
    member = await join(client)
    monkeypatch.setattr(HINTS_LIMIT, "limit_here", 1)
    assert [(await client.get(HINTS, headers=member.headers)).status_code for _ in range(2)] == [200, 429]
    assert HINTS_PER_MINUTE_MAX == 12
