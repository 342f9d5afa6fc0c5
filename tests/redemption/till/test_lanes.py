"""What a batch does to its neighbours: nothing. Straight on the lane and the statement, where faults can be planted."""

from __future__ import annotations

import asyncio
import re
import secrets
from datetime import timedelta
from uuid import uuid4

import asyncpg
import msgspec
import pytest
from httpx2 import AsyncClient

from app.kit.clock import now, uuid7
from app.kit.db.database import execute
from app.kit.db.failure import DatabaseUnreached
from app.kit.errors import OutcomeUnknown
from app.redemption.till.actions import lanes as lanes_actions
from app.redemption.till.actions import redeem as redeem_actions
from app.redemption.till.actions.lanes import LANES, PACE_SECONDS, redeem_batch, redeem_lane, scan_lane
from app.redemption.till.actions.limits import count_places
from app.redemption.till.queries import lanes as lanes_queries
from app.redemption.till.queries.lanes import RedeemItem, RedeemOutcome, ReplayedOutcome, write_redeem
from tests.support.partners import make_partner
from tests.support.redeeming import code_of, count, make_benefit, make_shopper, redeem, scan, show_code
from tests.support.waiting import next_turn

pytestmark = pytest.mark.usefixtures("app")


def make_item(**fields: object) -> RedeemItem:
    """Make a redemption of an unlimited benefit by a person of their own."""
    at = now()
    item = RedeemItem(
        id=uuid7(at), institution_id=uuid4(), idempotency_key=secrets.token_hex(12), request_digest=b"digest",
        reference=secrets.token_hex(8), slot_day=at.date(), code_id=f"{secrets.randbelow(10**20):020d}",
        scan_id=uuid7(at), citizen_id=uuid4(), cap_holder_id=uuid4(), step=0, period_on=at.date().replace(day=1),
        period_ends_on=at.date() + timedelta(days=31), cap=2,
        store_id=uuid4(), terminal_id=uuid4(), scenario="garage", benefit_id=uuid4(), benefit_code="B", title="优惠",
        campaign_version=1, stock=None, amount_fen=1000, discount_fen=100, at=at,
        scan_expires_at=at + timedelta(seconds=300), reversible_until=at + timedelta(days=1), answer=b"{}",
    )  # fmt: skip
    return msgspec.structs.replace(item, **fields)


def outcomes_of(results: object) -> list[str]:
    """Name each outcome."""
    return [r.outcome if isinstance(r, RedeemOutcome) else type(r).__name__ for r in results]  # type: ignore[attr-defined]


async def test_a_poison_item_fails_alone() -> None:
    items = [make_item() for _ in range(9)]
    items[4] = make_item(amount_fen=-5, discount_fen=None)
    results = outcomes_of(await redeem_batch(items))
    assert results == ["redeemed"] * 4 + ["CheckViolationError"] + ["redeemed"] * 4


async def test_a_reference_lost_in_a_race_is_a_refusal_not_an_error() -> None:
    institution_id = uuid4()
    pairs = [[make_item(institution_id=institution_id, reference=f"r{n}") for n in range(20)] for _ in range(2)]
    first, second = await asyncio.gather(redeem_batch(pairs[0]), redeem_batch(pairs[1]))
    both = list(zip(outcomes_of(first), outcomes_of(second), strict=True))
    assert all(sorted(pair) == ["redeemed", "reference_taken"] for pair in both)


async def test_opposite_orders_do_not_deadlock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two batches with the same references the other way round; without the ORDER BY they deadlock every time."""
    errors: list[BaseException] = []
    plain = lanes_queries.redeem_many

    async def watched(items: list[RedeemItem]) -> list[RedeemOutcome]:
        try:
            return await plain(items)
        except asyncpg.DeadlockDetectedError as error:
            errors.append(error)
            raise

    monkeypatch.setattr(lanes_queries, "redeem_many", watched)
    for _ in range(10):
        institution_id = uuid4()
        forth = [make_item(institution_id=institution_id, reference=f"r{n:03}") for n in range(40)]
        back = [make_item(institution_id=institution_id, reference=f"r{n:03}") for n in reversed(range(40))]
        await asyncio.gather(redeem_batch(forth), redeem_batch(back))
    assert errors == []


async def test_a_caller_gone_mid_batch_harms_nobody() -> None:
    items = [make_item() for _ in range(8)]
    tasks = [asyncio.ensure_future(redeem_lane.submit(item)) for item in items]
    await next_turn()
    tasks[0].cancel()
    tasks[5].cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(r).__name__ for r in results].count("CancelledError") == 2
    assert all(r.outcome == "redeemed" for r in results if isinstance(r, RedeemOutcome))
    # what was submitted was done all the same: the key gets the answer
    again = await redeem_batch([items[0]])
    assert outcomes_of(again) == ["replayed"]


async def test_a_freed_place_goes_to_the_next_in_line() -> None:
    benefit_id, person = uuid4(), uuid4()
    await count_places(uuid4(), benefit_id)
    await redeem_batch([make_item(benefit_id=benefit_id, cap_holder_id=person, cap=1)])
    at_cap = make_item(benefit_id=benefit_id, stock=1, cap=1, cap_holder_id=person)
    fresh = make_item(benefit_id=benefit_id, stock=1, cap=1)
    results = await asyncio.gather(redeem_lane.submit(at_cap), redeem_lane.submit(fresh))
    assert outcomes_of(results) == ["cap_reached", "redeemed"]


async def test_a_crowd_at_its_cap_takes_no_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """One place left, 200 people who had theirs, and one who had not: nobody is asked to try again."""
    benefit_id, crowd = uuid4(), [uuid4() for _ in range(200)]
    await count_places(uuid4(), benefit_id)
    had = [make_item(benefit_id=benefit_id, cap_holder_id=person, stock=201, cap=1) for person in crowd]
    assert set(outcomes_of(await asyncio.gather(*map(redeem_lane.submit, had)))) == {"redeemed"}
    seen: list[str] = []
    plain = lanes_queries.redeem_many

    async def watched(items: list[RedeemItem]) -> list[RedeemOutcome]:
        outcomes = await plain(items)
        seen.extend(outcomes_of(outcomes))
        return outcomes

    monkeypatch.setattr(lanes_queries, "redeem_many", watched)
    tries = [make_item(benefit_id=benefit_id, cap_holder_id=person, stock=201, cap=1) for person in crowd]
    fresh = make_item(benefit_id=benefit_id, stock=201, cap=1)
    results = await asyncio.gather(*map(redeem_lane.submit, [*tries, fresh]))
    assert outcomes_of(results) == ["cap_reached"] * 200 + ["redeemed"]
    assert len(seen) == 201
    assert "again" not in seen


async def test_a_crowd_is_turned_away_by_earlier_redemptions_where_limits_have_changed() -> None:
    """A cap that came later has no counts yet: earlier redemptions are counted, and take no place either."""
    benefit_id, crowd = await make_benefit(await make_partner()), [(uuid4(), uuid4()) for _ in range(20)]
    had = [
        make_item(benefit_id=benefit_id, citizen_id=citizen, cap_holder_id=holder, cap=None)
        for citizen, holder in crowd
    ]
    assert set(outcomes_of(await redeem_batch(had))) == {"redeemed"}
    await execute("UPDATE benefit SET limits_version = 2, limited_at = now() WHERE id = $1", benefit_id)
    await count_places(had[0].institution_id, benefit_id)
    await execute("UPDATE benefit_usage SET used = 20 WHERE benefit_id = $1", benefit_id)
    limits = {"benefit_id": benefit_id, "stock": 21, "cap": 1, "campaign_version": 2}
    tries = [make_item(citizen_id=citizen, cap_holder_id=holder, **limits) for citizen, holder in crowd]
    everybody = [*tries, make_item(**limits)]
    assert outcomes_of(await lanes_queries.redeem_many(everybody)) == ["uncounted"] * 21
    for item in everybody:
        await redeem_actions._count(item)
    assert outcomes_of(await lanes_queries.redeem_many(everybody)) == ["cap_reached"] * 20 + ["redeemed"]


UNHEARD_OF = [
    asyncpg.ConnectionDoesNotExistError("gone"), TimeoutError(), OSError("reset"), DatabaseUnreached(),
    asyncpg.InternalClientError("cannot switch to state 14; another operation (2) is in progress"),
    asyncpg.PostgresError("x"), AttributeError("'NoneType' object has no attribute 'connect'"), RuntimeError(),
]  # fmt: skip


@pytest.mark.parametrize("error", UNHEARD_OF, ids=lambda one: type(one).__name__)
async def test_a_lost_connection_is_tried_once_more_and_then_unknown(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    plain, calls = lanes_queries.redeem_many, []

    async def flaky(items: list[RedeemItem]) -> list[RedeemOutcome]:
        calls.append(len(items))
        if len(calls) == 1:
            raise error
        return await plain(items)

    monkeypatch.setattr(lanes_queries, "redeem_many", flaky)
    assert outcomes_of(await redeem_batch([make_item(), make_item()])) == ["redeemed", "redeemed"]
    assert calls == [2, 2]

    async def dead(_: list[RedeemItem]) -> list[RedeemOutcome]:
        raise error

    monkeypatch.setattr(lanes_queries, "redeem_many", dead)
    results = await redeem_batch([make_item() for _ in range(3)])
    assert all(isinstance(r, OutcomeUnknown) for r in results)


@pytest.mark.parametrize("error", UNHEARD_OF, ids=lambda one: type(one).__name__)
async def test_an_effect_committed_before_the_connection_broke_is_found(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    plain, item = lanes_queries.redeem_many, make_item(answer=b'{"first":true}')

    async def commits_then_breaks(items: list[RedeemItem]) -> list[RedeemOutcome]:
        monkeypatch.setattr(lanes_queries, "redeem_many", plain)
        await plain(items)
        raise error

    monkeypatch.setattr(lanes_queries, "redeem_many", commits_then_breaks)
    (result,) = await redeem_batch([item])
    assert isinstance(result, ReplayedOutcome)
    assert (result.outcome, result.answer) == ("replayed", b'{"first":true}')


@pytest.mark.parametrize("error", UNHEARD_OF, ids=lambda one: type(one).__name__)
async def test_a_till_never_gets_500_for_what_may_be_done(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Committed, and every look afterwards fails too; the repeat of the key gets the answer."""
    partner = await make_partner()
    benefit_id, code, key = await make_benefit(partner), show_code(await make_shopper()), secrets.token_hex(12)
    plain = lanes_queries.redeem_many

    async def commits_then_breaks(items: list[RedeemItem]) -> list[RedeemOutcome]:
        await plain(items)
        raise error

    async def breaks(*_: object) -> list[lanes_queries.EarlierAnswer]:
        raise error

    with monkeypatch.context() as broken:
        broken.setattr(lanes_queries, "redeem_many", commits_then_breaks)
        broken.setattr(lanes_queries, "find_earlier_answers", breaks)
        answer = await redeem(client, partner, benefit_id, code=code, key=key, reference=key)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["retryable"]) == (503, "outcome_unknown", True)
    assert int(answer.headers["retry-after"]) >= 1
    repeated = await redeem(client, partner, benefit_id, code=code, key=key, reference=key)
    assert (repeated.status_code, repeated.headers["idempotency-replayed"]) == (201, "true")
    assert await count("redemption", idempotency_key=key) == 1


async def test_scans_that_fail_twice_are_unavailable(client: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    partner = await make_partner()
    calls: list[int] = []

    async def breaks(items: list[lanes_queries.ScanItem]) -> list[lanes_queries.ScanOutcome]:
        calls.append(len(items))
        raise asyncpg.InternalClientError("cannot switch to state 14")

    monkeypatch.setattr(lanes_queries, "scan_many", breaks)
    answer = await scan(client, partner, show_code(await make_shopper()))
    assert (answer.status_code, code_of(answer), calls) == (503, "unavailable", [1, 1])


def test_items_that_would_meet_in_a_batch_are_separated() -> None:
    item = make_item()
    for fields in (
        {"idempotency_key": item.idempotency_key, "institution_id": item.institution_id},
        {"reference": item.reference, "institution_id": item.institution_id},
        {"citizen_id": item.citizen_id, "benefit_id": item.benefit_id},
        {"code_id": item.code_id, "slot_day": item.slot_day},
    ):
        other = make_item(**fields)
        assert set(lanes_actions.redeem_conflicts(item)) & set(lanes_actions.redeem_conflicts(other)), fields
    assert not set(lanes_actions.redeem_conflicts(item)) & set(lanes_actions.redeem_conflicts(make_item()))
    by_scan = make_item(code_id=None)
    twin = make_item(code_id=None, scan_id=by_scan.scan_id, benefit_id=by_scan.benefit_id)
    assert set(lanes_actions.redeem_conflicts(by_scan)) & set(lanes_actions.redeem_conflicts(twin))


@pytest.mark.parametrize("has_stock", [False, True])
def test_the_parameters_of_the_statement_are_the_fields_of_an_item(*, has_stock: bool) -> None:
    statement = write_redeem(has_stock=has_stock)
    given = re.search(r"AS given \(([^)]+)\)", statement)
    assert given is not None
    assert tuple(given[1].replace(",", " ").split()) == (*RedeemItem.__struct_fields__, "n")
    assert [int(number) for number in re.findall(r"\$(\d+)::", statement)] == [
        n + 1 for n in range(len(RedeemItem.__struct_fields__))
    ]


def test_a_batch_without_a_stock_has_no_step_for_one() -> None:
    unlimited, limited = write_redeem(has_stock=False), write_redeem(has_stock=True)
    assert "stocked" in limited
    assert "candidate" in limited
    for step in ("stocked", "candidate", "counted AS", "stock_gone", "--["):
        assert step not in unlimited, step
    assert "--[" not in limited


def test_writes_have_one_lane_each_with_a_pace() -> None:
    assert (LANES, 0.001 <= PACE_SECONDS <= 0.006) == (1, True)
    for one in (redeem_lane, scan_lane):
        assert (one._free_lanes, one._pace_seconds) == (LANES, PACE_SECONDS)
