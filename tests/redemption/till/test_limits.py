"""Stock and caps are measured against what is not reversed, whenever they were set: versions are approved over HTTP."""

from __future__ import annotations

import asyncio
import contextvars
import itertools
import time
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from app.campaign.terms.grant import Period
from app.kit.clock import now
from app.kit.db.database import execute, fetch_value, transaction
from app.membership.queries import tombstones as tombstones_queries
from app.redemption.books.actions import verify as verify_actions
from app.redemption.till.actions import redeem as redeem_actions
from app.redemption.till.actions.limits import count_places, fence_limits
from app.redemption.till.actions.redeem import ROUNDS_MAX
from app.redemption.till.queries import limits as limits_queries
from app.redemption.till.queries.lanes import redeem_many
from app.redemption.till.queries.limits import FENCE_SECONDS_MAX
from app.redemption.till.redeeming import compute_period_ends_on, compute_period_on
from app.values.days import SHANGHAI, shanghai_day
from tests.redemption.till.test_lanes import make_item
from tests.support.campaigns import act, benefit_body, campaign_body, edit, find_live, make_desk, put_live
from tests.support.partners import make_partner
from tests.support.redeeming import code_of, find_mine, make_benefit, make_shopper, redeem, reverse, show_code
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from httpx2 import AsyncClient

    from tests.support.campaigns import Desk
    from tests.support.redeeming import Shopper

STEP = {"atLeast": 600, "grant": {"type": "percentOff", "percent": 5, "maxFen": 10000}}


class Shop:
    """A benefit at a till, whose publisher changes its limits."""

    def __init__(self, client: AsyncClient, desk: Desk, campaign: dict[str, Any]) -> None:
        self.client = client
        self.desk = desk
        self.campaign = campaign
        self.benefit_id = UUID(campaign["benefits"][0]["id"])

    async def set_limits(self, **limits: Any) -> None:
        """Put another version in force, with these limits and no others; no process is made to read it."""
        body = campaign_body(limited(**limits))
        assert (await edit(self.client, self.desk.editor, self.campaign, body)).status_code == 200
        assert (await act(self.client, self.desk.editor, self.campaign, "submit")).status_code == 200
        answer = await act(self.client, self.desk.reviewer, self.campaign, "approve")
        assert answer.status_code == 200, answer.text

    async def sell(self, shopper: Shopper | None = None, **body: Any) -> str:
        """Redeem once and say how it went: the id of the redemption or the refusal."""
        code = show_code(shopper or await make_shopper())
        answer = await redeem(self.client, self.desk.partner, self.benefit_id, code=code, **body)
        return str(answer.json()["id"]) if answer.status_code == 201 else code_of(answer)

    async def undo(self, redemption_id: str) -> None:
        assert (await reverse(self.client, self.desk.partner, redemption_id)).status_code == 200

    async def totals(self) -> tuple[int, int | None, int | None]:
        """Return what the publisher reads: redeemed, used, remaining."""
        await find_live(self.campaign["benefits"][0])
        path = f"/v1/official/campaigns/{self.campaign['id']}/totals"
        (row,) = (await self.client.get(path, headers=self.desk.editor.headers)).json()["benefits"]
        return row["redeemed"], row["used"], row["remaining"]

    async def remaining(self, shopper: Shopper) -> int | None:
        """Return what the citizen's phone says is left for them."""
        await find_live(self.campaign["benefits"][0])
        left: int | None = (await find_mine(self.client, shopper, self.benefit_id))["remainingForMe"]
        return left

    async def need_whole(self) -> None:
        """Check the invariants of this benefit."""
        checks = (verify_actions.check_stock, verify_actions.check_stock_held, verify_actions.check_uses)
        for check in (*checks, verify_actions.check_caps):
            assert str(self.benefit_id) not in (await check() or ""), check.__name__


def limited(**limits: Any) -> dict[str, Any]:
    return benefit_body(**{"perCitizen": None, "eligibility": {"type": "scoreAtLeast", "value": 600}, **limits})


async def open_shop(client: AsyncClient, **limits: Any) -> Shop:
    desk = await make_desk()
    shop = Shop(client, desk, await put_live(client, desk, limited(**limits)))
    await find_live(shop.campaign["benefits"][0])
    return shop


def is_sold(outcome: str) -> bool:
    return len(outcome) == len(str(uuid4()))


async def test_a_stock_set_later_counts_what_is_out(client: AsyncClient) -> None:
    shop = await open_shop(client)
    for _ in range(2):
        assert is_sold(await shop.sell())
    assert await shop.totals() == (2, None, None)
    await shop.set_limits(stock=2)
    assert await shop.sell() == "stock_gone"
    assert await shop.totals() == (2, 2, 0)
    assert await shop.remaining(await make_shopper()) == 0
    await shop.need_whole()


async def test_a_stock_lowered_below_what_is_out_gives_nothing_more(client: AsyncClient) -> None:
    shop = await open_shop(client, stock=5)
    for _ in range(3):
        assert is_sold(await shop.sell())
    await shop.set_limits(stock=2)
    assert await shop.sell() == "stock_gone"
    assert await shop.totals() == (3, 3, 0)
    await shop.need_whole()
    await shop.set_limits(stock=4)
    assert is_sold(await shop.sell())
    assert await shop.sell() == "stock_gone"
    assert await shop.totals() == (4, 4, 0)
    await shop.need_whole()


async def test_a_stock_removed_and_set_again_counts_what_was_given_without_it(client: AsyncClient) -> None:
    shop = await open_shop(client, stock=1)
    assert is_sold(await shop.sell())
    await shop.set_limits()
    for _ in range(2):
        assert is_sold(await shop.sell())
    await shop.set_limits(stock=3)
    assert await shop.sell() == "stock_gone"
    await shop.set_limits(stock=4)
    assert is_sold(await shop.sell())
    assert await shop.sell() == "stock_gone"
    await shop.need_whole()


@pytest.mark.parametrize("is_counted_before", [False, True])
async def test_what_was_given_without_limits_is_given_back_all_the_same(
    client: AsyncClient, *, is_counted_before: bool
) -> None:
    shop, shopper = await open_shop(client), await make_shopper()
    sold = [await shop.sell(shopper) for _ in range(2)]
    await shop.set_limits(stock=2, perCitizen={"count": 2, "period": "year"})
    if is_counted_before:
        assert await shop.sell() == "stock_gone"
        assert await shop.sell(shopper) == "cap_reached"
    await shop.undo(sold[0])
    await shop.need_whole()
    assert is_sold(await shop.sell(shopper))
    assert await shop.sell() == "stock_gone"
    await shop.need_whole()


PERIODS = ("day", "month", "year", "campaign")


@pytest.mark.parametrize("before", [None, *PERIODS])
@pytest.mark.parametrize("after", PERIODS)
async def test_a_cap_counts_what_a_person_had_before_it(client: AsyncClient, before: str | None, after: str) -> None:
    shop = await open_shop(client, perCitizen={"count": 9, "period": before} if before else None)
    shopper = await make_shopper()
    for _ in range(2):
        assert is_sold(await shop.sell(shopper))
    await shop.set_limits(perCitizen={"count": 3, "period": after})
    assert await shop.remaining(shopper) == 1
    assert is_sold(await shop.sell(shopper))
    assert await shop.sell(shopper) == "cap_reached"
    assert is_sold(await shop.sell())
    await shop.need_whole()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"perCitizen": {"count": 2, "period": "month"}}, {"grant": [{"count": 2, "period": "month"}]}),
        ({"grant": [{"count": 2, "period": "month"}]}, {"perCitizen": {"count": 2, "period": "month"}}),
        ({"grant": [{"count": 2, "period": "day"}]}, {"grant": [{"count": 2, "period": "year"}]}),
        ({"grant": [None]}, {"grant": [{"count": 2, "period": "day"}]}),
        ({}, {"grant": [{"count": 2, "period": "campaign"}]}),
    ],
)
async def test_a_cap_that_moves_between_benefit_and_step_forgets_nothing(
    client: AsyncClient, before: dict[str, Any], after: dict[str, Any]
) -> None:
    def fields(of: dict[str, Any]) -> dict[str, Any]:
        steps = [STEP | ({"perCitizen": cap} if cap else {}) for cap in of.get("grant", [])]
        return of | ({"grant": {"type": "steps", "by": "score", "steps": steps}} if steps else {})

    shop, shopper = await open_shop(client, **fields(before)), await make_shopper()
    for _ in range(2):
        assert is_sold(await shop.sell(shopper))
    await shop.set_limits(**fields(after))
    assert await shop.sell(shopper) == "cap_reached"
    await shop.need_whole()


async def test_a_cap_removed_and_set_again_counts_what_was_had_without_it(client: AsyncClient) -> None:
    cap = {"count": 2, "period": "month"}
    shop, shopper = await open_shop(client, perCitizen=cap), await make_shopper()
    assert is_sold(await shop.sell(shopper))
    await shop.set_limits()
    assert is_sold(await shop.sell(shopper))
    await shop.set_limits(perCitizen=cap)
    assert await shop.sell(shopper) == "cap_reached"
    await shop.set_limits(perCitizen={"count": 3, "period": "month"})
    assert is_sold(await shop.sell(shopper))
    assert await shop.sell(shopper) == "cap_reached"
    await shop.need_whole()


async def test_what_was_had_in_an_earlier_period_does_not_count(client: AsyncClient) -> None:
    shop, shopper = await open_shop(client), await make_shopper()
    earlier, _ = [await shop.sell(shopper) for _ in range(2)]
    first = shanghai_day(now()).replace(day=1)
    await execute(
        "UPDATE redemption SET redeemed_at = ($2::date::timestamp AT TIME ZONE 'Asia/Shanghai') - interval '1 second' "
        "WHERE id = $1",
        UUID(earlier), first,
    )  # fmt: skip
    await shop.set_limits(perCitizen={"count": 2, "period": "month"})
    assert is_sold(await shop.sell(shopper))
    assert await shop.sell(shopper) == "cap_reached"
    await shop.need_whole()


async def test_what_was_had_under_a_left_account_counts(client: AsyncClient) -> None:
    shop, before, after = await open_shop(client), await make_shopper(), await make_shopper()
    assert is_sold(await shop.sell(before))
    await tombstones_queries.insert_tombstone(
        before.id, person_hash=before.id.bytes * 2, cap_holder_id=before.cap_holder_id, left_at=now(),
        forget_at=now() + timedelta(days=365),
    )  # fmt: skip
    await execute("UPDATE citizen SET cap_holder_id = gen_random_uuid() WHERE id = $1", before.id)
    await execute("UPDATE citizen SET cap_holder_id = $2 WHERE id = $1", after.id, before.cap_holder_id)
    await shop.set_limits(perCitizen={"count": 2, "period": "year"})
    assert await shop.remaining(after) == 1
    assert is_sold(await shop.sell(after))
    assert await shop.sell(after) == "cap_reached"
    await shop.need_whole()


@pytest.mark.parametrize(
    ("before", "after", "counted"),
    [("month", "day", 1), ("year", "day", 1), ("year", "month", 2), ("day", "month", 2), ("day", "year", 3),
     ("month", "year", 3), ("campaign", "year", 3), ("year", "campaign", 3)],
)  # fmt: skip
async def test_periods_that_begin_on_one_day_are_distinguished(
    app: object, before: Period, after: Period, counted: int
) -> None:
    """On New Year's Day day, month and year begin together: the count of one is not the other's."""
    del app
    benefit_id = await make_benefit(await make_partner())
    citizen_id, cap_holder_id, year = uuid4(), uuid4(), shanghai_day(now()).year

    async def have(on: date, period: Period, version: int, cap: int) -> str:
        item = make_item(
            benefit_id=benefit_id, citizen_id=citizen_id, cap_holder_id=cap_holder_id, campaign_version=version,
            cap=cap, period_on=compute_period_on(period, on), period_ends_on=compute_period_ends_on(period, on),
        )  # fmt: skip
        (outcome,) = await redeem_many([item])
        if outcome.outcome == "uncounted":
            await redeem_actions._count(item)
            (outcome,) = await redeem_many([item])
        at = datetime(on.year, on.month, on.day, 12, tzinfo=SHANGHAI)
        await execute("UPDATE redemption SET redeemed_at = $2 WHERE id = $1", item.id, at)
        return outcome.outcome

    for on in (date(year, 1, 1), date(year, 1, 20), date(year, 3, 1)):
        assert await have(on, before, 1, cap=9) == "redeemed"
    await execute("UPDATE benefit SET limits_version = 2, limited_at = now() WHERE id = $1", benefit_id)
    assert await have(date(year, 1, 1), after, 2, cap=counted) == "cap_reached"
    assert await have(date(year, 1, 1), after, 2, cap=counted + 1) == "redeemed"
    assert await have(date(year, 1, 1), after, 2, cap=counted + 1) == "cap_reached"
    assert str(benefit_id) not in (await verify_actions.check_uses() or "")


async def test_nothing_passes_between_old_limits_and_new(app: object) -> None:
    """A redemption under way when limits change is counted by them or judged by them; none escapes both."""
    del app
    benefit_id = await make_benefit(await make_partner())
    old = make_item(benefit_id=benefit_id, cap=None)
    assert (await redeem_many([old]))[0].outcome == "redeemed"  # the server has prepared the statement
    async with transaction():
        await execute("UPDATE benefit SET limits_version = 2, limited_at = now() WHERE id = $1", benefit_id)
        await fence_limits([benefit_id])
        late = asyncio.create_task(
            redeem_many([make_item(benefit_id=benefit_id, cap=None)]), context=contextvars.Context()
        )
        await wait_until_waiting("RowExclusiveLock")
    assert (await late)[0].outcome == "stale"


async def test_who_changes_limits_waits_for_redemptions_under_way(app: object) -> None:
    del app
    benefit_id = await make_benefit(await make_partner(), stock=1)
    await count_places(uuid4(), benefit_id)
    item = make_item(benefit_id=benefit_id, stock=1)
    async with transaction():
        await execute("SELECT FROM benefit_usage WHERE benefit_id = $1 FOR UPDATE", benefit_id)
        late = asyncio.create_task(redeem_many([item]), context=contextvars.Context())
        await wait_until_waiting("ShareLock")  # for the transaction that holds the row
        change = asyncio.create_task(change_limits(benefit_id), context=contextvars.Context())
        await wait_until_waiting("ShareRowExclusiveLock")
    assert (await late)[0].outcome == "redeemed"
    assert await change == 1


async def test_limits_do_not_change_when_somebody_keeps_them_waiting(client: AsyncClient) -> None:
    """A write that lasts longer than the fence waits leaves the limits as they are; the change is to be repeated."""
    shop = await open_shop(client, stock=2)
    assert is_sold(await shop.sell())
    assert (await edit(client, shop.desk.editor, shop.campaign, campaign_body(limited(stock=1)))).status_code == 200
    assert (await act(client, shop.desk.editor, shop.campaign, "submit")).status_code == 200
    async with transaction():
        await execute("UPDATE benefit_usage SET used = used WHERE benefit_id = $1", shop.benefit_id)
        begun = time.monotonic()
        change = asyncio.create_task(
            act(client, shop.desk.reviewer, shop.campaign, "approve"), context=contextvars.Context()
        )
        assert (await change).status_code == 503
        assert time.monotonic() - begun >= FENCE_SECONDS_MAX
    assert is_sold(await shop.sell())
    assert (await act(client, shop.desk.reviewer, shop.campaign, "approve")).status_code == 200
    assert await shop.sell() == "stock_gone"
    assert await shop.totals() == (2, 2, 0)


async def change_limits(benefit_id: UUID) -> int:
    """Change the limits of a benefit and return how many redemptions were there to be counted."""
    async with transaction():
        await fence_limits([benefit_id])
        return int(await fetch_value("SELECT count(*) FROM redemption WHERE benefit_id = $1", benefit_id))


async def wait_until_waiting(mode: str) -> None:
    """Wait until somebody waits for a lock of this mode."""
    sql = """
        SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
        WHERE NOT granted AND mode = $1 AND datname = current_database()
        """
    await wait_until(lambda: fetch_value(sql, mode))


async def test_a_place_that_is_never_counted_is_no_endless_loop(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, rounds = await open_shop(client, stock=1), []

    async def count_nothing(*_: UUID) -> None:
        rounds.append(1)

    monkeypatch.setattr(redeem_actions, "count_places", count_nothing)
    answer = await redeem(client, shop.desk.partner, shop.benefit_id, code=show_code(await make_shopper()))
    assert (answer.status_code, code_of(answer)) == (503, "overloaded")
    assert int(answer.headers["Retry-After"]) >= 1
    assert len(rounds) == ROUNDS_MAX
    monkeypatch.undo()
    assert is_sold(await shop.sell())


async def test_places_are_counted_month_by_month(client: AsyncClient) -> None:
    shop = await open_shop(client)
    sold = [await shop.sell() for _ in range(4)]
    for days, redemption_id in zip((400, 31, 30), sold, strict=False):
        at = now() - timedelta(days=days)
        await execute("UPDATE redemption SET redeemed_at = $2 WHERE id = $1", UUID(redemption_id), at)
    windows = await limits_queries.list_months(shop.desk.partner.institution_id)
    assert len(windows) >= 13
    assert all(one.ends_at == next_one.begins_at for one, next_one in itertools.pairwise(windows))
    await shop.set_limits(stock=4)
    assert await shop.sell() == "stock_gone"
    await shop.need_whole()
