"""What an institution may find out at its tills, by all benefits over a year; the attacks that must fail."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.campaign.terms.document import CampaignDocument
from app.campaign.terms.eligibility import Facts, HeldHonour
from app.campaign.terms.judge import judge_eligibility
from app.campaign.terms.observer import (
    AGE_DISTANCE_MIN,
    INSTITUTION_HONOURS_MAX,
    INSTITUTION_THRESHOLDS_MAX,
    KINDS_OF_PEOPLE_MAX,
    OBSERVED_DAYS,
    Observed,
    compute_asked,
    compute_in_use,
    compute_kinds,
    is_observed,
    judge_observer,
)
from app.kit.clock import now
from app.kit.db.database import execute, fetch_value
from app.values.days import shanghai_day
from tests.support.campaigns import PATH, Desk, act, benefit_body, campaign_body, draft, edit, make_desk, put_live
from tests.support.officials import make_official
from tests.support.switching import LEDGER_LEVELS, LEVELS

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response

DAY = date(2026, 11, 27)
GRADES = [("VOL_STAR", "1"), ("VOL_STAR", "2"), ("VOL_STAR", "3"), ("RED_LIST", None), ("MORAL_MODEL", "city"),
          ("BRAVERY", "1"), ("MERIT", "3")]  # fmt: skip


def score(value: int) -> dict[str, Any]:
    return {"type": "scoreAtLeast", "value": value}


def age(**edges: int) -> dict[str, Any]:
    return {"type": "ageBetween", **edges}


def honour(code: str, grade: str | None = None) -> dict[str, Any]:
    return {"type": "hasHonour", "honour": code, **({"gradeAtLeast": grade} if grade else {})}


def document(*eligibilities: dict[str, Any], grant: dict[str, Any] | None = None) -> CampaignDocument:
    benefits = [
        {"code": f"B{n}", "title": "x", "kind": "priority", "scenario": "shop", "eligibility": eligibility,
         "grant": grant or {"type": "service", "text": "x"}}
        for n, eligibility in enumerate(eligibilities)
    ]  # fmt: skip
    text = {"title": "x", "summary": "x", "startsAt": "2026-01-01T00:00:00Z", "endsAt": "2027-01-01T00:00:00Z"}
    return msgspec.convert({**text, "benefits": benefits}, CampaignDocument)


def judged(new: CampaignDocument, *others: CampaignDocument) -> list[str]:
    return [fault.code for fault in judge_observer(new, [Observed(each, DAY) for each in others], LEVELS)]


TOO_FINE = ["thresholds_too_close"]
OLD = ["ages_too_close"]
CASES: dict[str, tuple[CampaignDocument, list[CampaignDocument], list[str]]] = {
    "twenty apart": (document(score(600), score(620)), [], []),
    "nineteen from a level's edge": (document(score(660)), [document({"type": "levelAtLeast", "level": "L5"})], []),
    "ten apart in one campaign": (document(score(600), score(610)), [], TOO_FINE),
    "ten apart in two": (document(score(610)), [document(score(600))], TOO_FINE),
    "ten from a level": (document(score(660)), [document({"type": "levelAtLeast", "level": "L4"})], TOO_FINE),
    "the same again": (document(score(600)), [document(score(600))], []),
    "what is asked already costs nothing": (document(score(610)), [document(score(600), score(610))], []),
    "what is asked of nobody": (document({"type": "everyone"}), [document(score(600), score(610))], []),
    "zero is everyone": (document(score(0), score(10)), [], []),
    "ages five years apart": (document(age(min=60), age(min=65)), [], []),
    "ages four years apart": (document(age(min=60), age(min=64)), [], OLD),
    "up to 59 and from 60 are one": (document(age(min=60)), [document(age(max=59))], []),
    "up to 60 and from 60 are two": (document(age(min=60)), [document(age(max=60))], OLD),
    "a single year": (document(age(min=60, max=60)), [document(age(min=60))], OLD),
    "everybody is eighteen": (document(age(min=18), age(min=20)), [], []),
    "nobody is older": (document(age(max=120), age(min=118)), [], []),
    "steps count": (
        document(score(600), grant={"type": "steps", "by": "score", "steps": [
            {"atLeast": value, "grant": {"type": "freeMinutes", "minutes": value}} for value in (600, 640)]}),
        [document(score(650))], TOO_FINE),
    "hidden in a tree": (
        document({"type": "all", "of": [honour("RED_LIST"), {"type": "any", "of": [score(610), age(min=63)]}]}),
        [document(score(600), age(min=60))], [*TOO_FINE, *OLD]),
    "six honours": (document(*(honour(*each) for each in GRADES[:6])), [], []),
    "seven honours": (document(honour(*GRADES[6])), [document(*(honour(*each) for each in GRADES[:6]))],
                      ["too_many_honours"]),
    "the weakest grade is the honour": (
        document(honour("VOL_STAR")), [document(*(honour(*each) for each in GRADES[:6]))], []),
}  # fmt: skip


@pytest.mark.parametrize(("new", "others", "codes"), CASES.values(), ids=CASES.keys())
def test_what_is_too_fine(new: CampaignDocument, others: list[CampaignDocument], codes: list[str]) -> None:
    assert judged(new, *others) == codes


def test_every_fault_names_its_benefit_in_both_languages() -> None:
    [fault] = judge_observer(document(score(500), score(610)), [Observed(document(score(600)), DAY)], LEVELS)
    assert fault.pointer == "/benefits/1"
    assert "610" in fault.zh
    assert "600" in fault.en


@pytest.mark.parametrize("extra", [0, 1])
def test_twelve_thresholds(extra: int) -> None:
    values = [500 + 20 * n for n in range(INSTITUTION_THRESHOLDS_MAX + extra)]
    others = [document(*map(score, values[:7]), score(0))]
    assert judged(document(*map(score, values[5:])), *others) == ["too_many_thresholds"] * extra


def test_a_level_counts_as_its_edge_in_the_rules_in_force() -> None:
    asked = [document(*({"type": "levelAtLeast", "level": level} for level in ("L4", "C", "AAA")), score(20))]
    assert compute_asked(asked, LEVELS).thresholds == {20, 650}
    assert compute_asked(asked, LEDGER_LEVELS).thresholds == {20, 600, 1050}


@pytest.mark.parametrize(("thresholds", "honours", "kinds"), [(12, 1, 26), (2, 5, 96), (0, 6, 64), (1, 6, 128)])
def test_thresholds_and_honours_multiply(thresholds: int, honours: int, kinds: int) -> None:
    codes = ["RED_LIST", "GOOD_CITIZEN", "INTEGRITY_PERFORMER", "BRAVERY", "MERIT", "MORAL_MODEL"]
    new = document(*(score(500 + 20 * n) for n in range(thresholds)), *map(honour, codes[:honours]))
    assert compute_kinds(compute_asked([new], LEVELS)) == kinds
    assert judged(new) == ["too_many_kinds_of_people"] * (kinds > KINDS_OF_PEOPLE_MAX)


def test_one_benefit_with_many_conditions_has_two_answers() -> None:
    tree = {"type": "any", "of": [honour(*each) for each in GRADES[3:]] + [score(600)]}
    assert compute_kinds(compute_asked([document(tree)], LEVELS)) == 2


leaf = st.one_of(
    st.sampled_from([500, 520, 600, 650]).map(score),
    st.sampled_from([25, 40, 60]).map(lambda edge: age(min=edge)),
    st.sampled_from([25, 39, 60]).map(lambda edge: age(max=edge)),
    st.sampled_from(GRADES).map(lambda each: honour(*each)),
    st.just({"type": "levelAtLeast", "level": "L4"}),
)
tree = st.one_of(
    leaf,
    st.builds(lambda kind, of: {"type": kind, "of": of}, st.sampled_from(["all", "any"]), st.lists(leaf, min_size=1)),
)
people = st.builds(
    lambda score, years, held: Facts(
        score=score, level="L4" if score >= 650 else "L1", birth_on=date(2026 - years, 1, 1), levels=LEVELS,
        honours=tuple(HeldHonour(code, grade, rank, date(2030, 1, 1)) for code, grade, rank in held)),
    st.integers(400, 700), st.integers(18, 90),
    st.lists(st.sampled_from([("VOL_STAR", "1", 1), ("VOL_STAR", "2", 2), ("VOL_STAR", "3", 3), ("RED_LIST", None, 1),
                              ("MORAL_MODEL", "city", 2), ("BRAVERY", "1", 1), ("MERIT", "3", 1)])),
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(tree, min_size=1, max_size=5), st.lists(people, max_size=60))
def test_no_more_kinds_of_people_than_computed(trees: list[dict[str, Any]], somebody: list[Facts]) -> None:
    """However benefits combine, people fall into no more classes than the bound says."""
    new = document(*trees)
    answers = {
        tuple(judge_eligibility(benefit.eligibility, facts, DAY).is_eligible for benefit in new.benefits)
        for facts in somebody
    }
    assert len(answers) <= compute_kinds(compute_asked([new], LEVELS))


def test_a_year_is_three_hundred_and_sixty_five_days() -> None:
    assert is_observed(DAY - timedelta(days=OBSERVED_DAYS), DAY)
    assert not is_observed(DAY - timedelta(days=OBSERVED_DAYS + 1), DAY)
    assert is_observed(DAY + timedelta(days=100), DAY)


def test_the_last_day_of_each_thing_in_use() -> None:
    old, new = DAY - timedelta(days=50), DAY + timedelta(days=9)
    seen = [Observed(document(score(600), age(max=59)), old), Observed(document(score(600), honour("RED_LIST")), new)]
    in_use = compute_in_use(seen, LEVELS)
    assert (in_use.thresholds, in_use.ages, in_use.honours) == (
        ((600, new),),
        ((60, old),),
        ((("RED_LIST", None), new),),
    )
    assert in_use.kinds_of_people == 8


# Over HTTP: the attacks.


def benefits(prefix: str, *eligibilities: dict[str, Any]) -> list[dict[str, Any]]:
    return [benefit_body(code=f"{prefix}{n}", eligibility=each) for n, each in enumerate(eligibilities)]


async def post(client: AsyncClient, desk: Desk, *bodies: dict[str, Any]) -> Response:
    return await client.post(PATH, json=campaign_body(*bodies), headers=desk.editor.headers)


def codes_of(answer: Response) -> set[str]:
    assert answer.status_code == 422, answer.text
    return {error["code"] for error in answer.json()["errors"]}


async def test_twelve_benefits_with_one_threshold_each_do_not_read_the_score(client: AsyncClient) -> None:
    desk = await make_desk()
    assert codes_of(await post(client, desk, *benefits("T", *(score(580 + 10 * n) for n in range(12))))) == {
        "thresholds_too_close"
    }


@pytest.mark.parametrize(
    ("first", "then", "code"),
    [
        ([score(580 + 20 * n) for n in range(INSTITUTION_THRESHOLDS_MAX)],
         [score(590 + 20 * n) for n in range(INSTITUTION_THRESHOLDS_MAX)], "thresholds_too_close"),
        ([score(400 + 20 * n) for n in range(INSTITUTION_THRESHOLDS_MAX)], [score(700)], "too_many_thresholds"),
        ([age(min=20 + AGE_DISTANCE_MIN * n) for n in range(10)], [age(min=22), age(max=33)], "ages_too_close"),
        ([honour(*each) for each in GRADES[:INSTITUTION_HONOURS_MAX]], [honour(*GRADES[-1])], "too_many_honours"),
    ],
    ids=["between the first", "beyond twelve", "ages", "honours"],
)  # fmt: skip
async def test_ending_a_campaign_does_not_make_room_for_the_next(
    client: AsyncClient, first: list[dict[str, Any]], then: list[dict[str, Any]], code: str
) -> None:
    desk = await make_desk()
    live = await put_live(client, desk, *benefits("A", *first))
    assert code in codes_of(await post(client, desk, *benefits("B", *then)))
    assert (await act(client, desk.editor, live, "end")).status_code == 200
    assert code in codes_of(await post(client, desk, *benefits("B", *then)))
    # Another institution has seen nothing of it.
    assert (await post(client, await make_desk(), *benefits("B", *then))).status_code == 201
    await last_seen(live["id"], OBSERVED_DAYS)
    assert code in codes_of(await post(client, desk, *benefits("B", *then)))
    await last_seen(live["id"], OBSERVED_DAYS + 1)
    assert (await post(client, desk, *benefits("B", *then))).status_code == 201


async def last_seen(campaign_id: str, days: int) -> None:
    """Let a campaign that has ended have been in force until so many days ago, and for a month before."""
    begun, ended = now() - timedelta(days=days + 30), now() - timedelta(days=days)
    await execute("UPDATE campaign SET stopped_at = $2 WHERE id = $1", UUID(campaign_id), ended)
    await execute(
        """UPDATE campaign_version SET decided_at = $2,
           document = document || jsonb_build_object('startsAt', $2::timestamptz) WHERE campaign_id = $1""",
        UUID(campaign_id), begun,
    )  # fmt: skip


async def test_a_new_version_does_not_move_a_threshold_by_ten(client: AsyncClient) -> None:
    desk = await make_desk()
    live = await put_live(client, desk, *benefits("A", score(600)))
    assert codes_of(await edit(client, desk.editor, live, campaign_body(*benefits("A", score(610))))) == {
        "thresholds_too_close"
    }
    assert (await edit(client, desk.editor, live, campaign_body(*benefits("A", score(620))))).status_code == 200
    await act(client, desk.editor, live, "submit")
    assert (await act(client, desk.reviewer, live, "approve")).status_code == 200
    # The superseded version is remembered beside the live one.
    assert codes_of(await post(client, desk, *benefits("C", score(590)))) == {"thresholds_too_close"}
    assert (await post(client, desk, *benefits("C", score(600)))).status_code == 201


async def test_what_was_never_in_force_is_not_counted(client: AsyncClient) -> None:
    desk = await make_desk()
    tomorrow = {"startsAt": (now() + timedelta(days=1)).isoformat()}
    future = await put_live(client, desk, *benefits("F", score(600)), **tomorrow)
    assert codes_of(await post(client, desk, *benefits("B", score(610)))) == {"thresholds_too_close"}
    await act(client, desk.editor, future, "end")
    assert (await post(client, desk, *benefits("B", score(610)))).status_code == 201


async def test_two_approvals_at_once_cannot_break_it_together(client: AsyncClient) -> None:
    """Each is good alone, and the second is judged beside the first, in whichever order they come."""
    for _ in range(5):
        desk = await make_desk()
        other = await make_official(roles=["reviewer"])
        waiting = [await draft(client, desk, *benefits(f"R{value}", score(value))) for value in (600, 610)]
        for campaign in waiting:
            assert (await act(client, desk.editor, campaign, "submit")).status_code == 200
        answers = await asyncio.gather(
            act(client, desk.reviewer, waiting[0], "approve"), act(client, other, waiting[1], "approve")
        )
        assert sorted(answer.status_code for answer in answers) == [200, 422]
        [refused] = [answer for answer in answers if answer.status_code == 422]
        assert codes_of(refused) == {"thresholds_too_close"}


async def test_resuming_is_judged_beside_what_came_meanwhile(client: AsyncClient) -> None:
    desk = await make_desk()
    paused = await put_live(client, desk, *benefits("P", score(600)))
    assert (await act(client, desk.editor, paused, "pause")).status_code == 200
    assert (await act(client, desk.editor, paused, "resume")).status_code == 200
    assert (await act(client, desk.editor, paused, "pause")).status_code == 200
    assert codes_of(await post(client, desk, *benefits("M", score(610)))) == {"thresholds_too_close"}
    await last_seen(paused["id"], OBSERVED_DAYS + 1)
    await put_live(client, desk, *benefits("M", score(610)))
    assert codes_of(await act(client, desk.editor, paused, "resume")) == {"thresholds_too_close"}
    assert await fetch_value("SELECT state FROM campaign WHERE id = $1", UUID(paused["id"])) == "paused"


async def test_a_resumption_and_an_approval_at_once(client: AsyncClient) -> None:
    for _ in range(3):
        desk = await make_desk()
        paused = await put_live(client, desk, *benefits("P", score(600)))
        await act(client, desk.editor, paused, "pause")
        await last_seen(paused["id"], OBSERVED_DAYS + 1)
        waiting = await draft(client, desk, *benefits("M", score(610)))
        await act(client, desk.editor, waiting, "submit")
        answers = await asyncio.gather(
            act(client, desk.editor, paused, "resume"), act(client, desk.reviewer, waiting, "approve")
        )
        assert sorted(answer.status_code for answer in answers) == [200, 422]


async def test_the_reviewer_and_the_editor_read_what_is_in_use(client: AsyncClient) -> None:
    desk = await make_desk()
    ended = await put_live(client, desk, *benefits("E", score(600), age(max=59)))
    await act(client, desk.editor, ended, "end")
    body = campaign_body(*benefits("N", score(650), honour("VOL_STAR", "3")))
    checked = await client.post(f"{PATH}/check", json=body, headers=desk.editor.headers)
    assert checked.status_code == 200, checked.text
    assert checked.json()["faults"] == []
    today, end = str(shanghai_day(now())), str(shanghai_day(now() + timedelta(days=30)))
    review = checked.json()["review"]
    assert review["thresholds"] == [{"value": 600, "lastOn": today}, {"value": 650, "lastOn": end}]
    assert review["ages"] == [{"value": 60, "lastOn": today}]
    assert review["honours"] == [{"honour": "VOL_STAR", "gradeAtLeast": "3", "lastOn": end}]
    assert (review["kindsOfPeople"], review["kindsOfPeopleMax"]) == (12, KINDS_OF_PEOPLE_MAX)
    campaign = await draft(client, desk, *body["benefits"])
    await act(client, desk.editor, campaign, "submit")
    read = await client.get(f"{PATH}/{campaign['id']}/review", headers=desk.reviewer.headers)
    assert read.json()["review"] == review
    too_fine = campaign_body(*benefits("N", score(610)))
    checked = await client.post(f"{PATH}/check", json=too_fine, headers=desk.editor.headers)
    assert [fault["code"] for fault in checked.json()["faults"]] == ["thresholds_too_close"]
    assert (
        await fetch_value("SELECT count(*) FROM campaign WHERE institution_id = $1", desk.partner.institution_id) == 2
    )
    foreign = await client.get(f"{PATH}/{campaign['id']}/review", headers=(await make_desk()).editor.headers)
    assert foreign.status_code == 404
