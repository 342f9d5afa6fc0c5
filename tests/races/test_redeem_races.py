"""Any number of racing requests: exactly once. Real concurrency on two worker processes."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import signal
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from httpx2 import HTTPError

from app.kit.db.database import execute, fetch_value, transaction
from tests.redemption.books.test_verify import find_broken
from tests.support.campaigns import act, benefit_body, campaign_body, edit, make_desk, put_live
from tests.support.live import all_at_once, settle
from tests.support.partners import make_partner
from tests.support.redeeming import code_of, count, make_benefit, make_shopper, redeem, reverse, scan, show_code
from tests.support.waiting import wait_until, wait_until_blocking

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from httpx2 import AsyncClient, Response

    from tests.support.campaigns import Desk
    from tests.support.live import LiveServer
    from tests.support.partners import Partner
    from tests.support.redeeming import Shopper

pytestmark = pytest.mark.xdist_group("races")


def order(client: AsyncClient, partner: Partner, benefit_id: UUID, **facts: Any) -> Callable[[], Awaitable[Response]]:
    """Return a redemption that may be sent again: its key and its reference are always the same."""
    key, reference = secrets.token_hex(12), secrets.token_hex(12)
    return partial(redeem, client, partner, benefit_id, key=key, reference=reference, **facts)


async def test_200_clients_with_different_keys_redeem_one_code_once(server: LiveServer) -> None:
    partner = await make_partner(terminals=20)
    benefit_id = await make_benefit(partner)
    shopper = await make_shopper()
    await settle(server, partner)
    code = show_code(shopper)
    async with server.client() as client:
        answers = await all_at_once(
            [order(client, partner, benefit_id, code=code, terminal=n % 20) for n in range(200)]
        )
    assert sorted({a.status_code for a in answers}) == [201, 409]
    assert sum(a.status_code == 201 for a in answers) == 1
    assert {code_of(a) for a in answers if a.status_code == 409} == {"already_redeemed"}
    assert await count("redemption", citizen_id=shopper.id) == 1


async def test_two_stores_get_one_owner(server: LiveServer) -> None:
    partner = await make_partner(stores=2)
    shoppers = [await make_shopper() for _ in range(20)]
    await settle(server, partner)
    async with server.client() as client:
        calls = [
            partial(scan, client, partner, code, terminal=n % 2) for code in map(show_code, shoppers) for n in range(10)
        ]
        answers = await all_at_once(calls)
    assert {a.status_code for a in answers} == {201, 409}
    for shopper in shoppers:
        assert await count("scan", citizen_id=shopper.id) == 1


async def test_200_repeats_of_one_key_get_equal_answers(server: LiveServer) -> None:
    partner = await make_partner()
    benefit_id = await make_benefit(partner)
    shopper = await make_shopper()
    await settle(server, partner)
    call = partial(redeem, key=secrets.token_hex(12), reference="one", code=show_code(shopper))
    async with server.client() as client:
        answers = await all_at_once([partial(call, client, partner, benefit_id) for _ in range(200)])
    assert {a.status_code for a in answers} == {201}
    assert len({a.content for a in answers}) == 1
    assert sum("Idempotency-Replayed" not in a.headers for a in answers) == 1
    assert await count("redemption", citizen_id=shopper.id) == 1


async def test_500_buyers_of_a_stock_of_100_get_exactly_100(server: LiveServer) -> None:
    partner = await make_partner(terminals=10)
    benefit_id = await make_benefit(partner, stock=100)
    shoppers = await asyncio.gather(*(make_shopper() for _ in range(500)))
    await settle(server, partner)
    async with server.client() as client:
        answers = await all_at_once(
            [
                order(client, partner, benefit_id, code=show_code(shopper), terminal=n % 10)
                for n, shopper in enumerate(shoppers)
            ]
        )
    assert sum(a.status_code == 201 for a in answers) == 100
    assert {code_of(a) for a in answers if a.status_code != 201} == {"stock_gone"}
    assert await fetch_value("SELECT used FROM benefit_usage WHERE benefit_id = $1", benefit_id) == 100
    assert await count("redemption", benefit_id=benefit_id) == 100


async def test_100_racers_never_pass_a_cap_of_2(server: LiveServer) -> None:
    partner = await make_partner(terminals=10)
    benefit_id = await make_benefit(partner, perCitizen={"count": 2, "period": "month"})
    shopper = await make_shopper()
    await settle(server, partner)
    codes = [show_code(shopper) for _ in range(100)]
    async with server.client() as client:
        answers = await all_at_once(
            [order(client, partner, benefit_id, code=code, terminal=n % 10) for n, code in enumerate(codes)]
        )
    assert sum(a.status_code == 201 for a in answers) == 2
    assert {code_of(a) for a in answers if a.status_code != 201} == {"cap_reached"}


async def test_a_capped_citizen_does_not_take_a_fresh_ones_place(server: LiveServer) -> None:
    partner = await make_partner(terminals=2)
    benefit_id = await make_benefit(partner, stock=2, perCitizen={"count": 1, "period": "campaign"})
    capped, fresh = await make_shopper(), await make_shopper()
    await settle(server, partner)
    async with server.client() as client:
        assert (await redeem(client, partner, benefit_id, code=show_code(capped))).status_code == 201
        refused, served = await all_at_once(
            [
                order(client, partner, benefit_id, code=show_code(capped)),
                order(client, partner, benefit_id, code=show_code(fresh), terminal=1),
            ]
        )
    assert served.status_code == 201
    assert code_of(refused) in {"cap_reached", "stock_gone"}, "in whichever order: the place is the fresh one's"


async def test_one_redemption_is_reversed_once(server: LiveServer) -> None:
    partner = await make_partner()
    benefit_id = await make_benefit(partner, stock=5, perCitizen={"count": 2, "period": "day"})
    await settle(server, partner)
    async with server.client() as client:
        receipt = (await redeem(client, partner, benefit_id, code=show_code(await make_shopper()))).json()
        answers = await all_at_once(
            [partial(reverse, client, partner, receipt["id"], key=secrets.token_hex(12)) for _ in range(50)]
        )
    assert sum(a.status_code == 200 for a in answers) == 1
    assert {code_of(a) for a in answers if a.status_code != 200} == {"already_reversed"}
    assert await fetch_value("SELECT used FROM benefit_usage WHERE benefit_id = $1", benefit_id) == 0


async def test_reversing_and_ringing_up_again_never_counts_twice(server: LiveServer) -> None:
    """One scan, one reference: ten tills reverse what is redeemed, and redeem it again, all at once."""
    partner = await make_partner()
    benefit_id = await make_benefit(partner, stock=3, perCitizen={"count": 1, "period": "month"})
    shopper = await make_shopper()
    await settle(server, partner)
    async with server.client() as client:
        scan_id = (await scan(client, partner, show_code(shopper))).json()["scanId"]
        answered: set[str] = set()

        async def ring_up_and_reverse() -> None:
            for _ in range(10):
                answer = await redeem(client, partner, benefit_id, scanId=scan_id, reference="order-1")
                answered.add(code_of(answer))
                redemption_id = await fetch_value(
                    "SELECT id FROM redemption WHERE benefit_id = $1 AND state = 'redeemed'", benefit_id
                )
                if redemption_id is not None:
                    answered.add(code_of(await reverse(client, partner, str(redemption_id))))

        await asyncio.gather(*(ring_up_and_reverse() for _ in range(10)))
    assert answered <= {"", "already_redeemed", "already_reversed", "reference_taken", "cap_reached"}
    turns = "SELECT array_agg(reference_turn ORDER BY reference_turn) FROM redemption WHERE benefit_id = $1"
    redeemed = await count("redemption", benefit_id=benefit_id)
    assert redeemed > 1
    assert await fetch_value(turns, benefit_id) == list(range(redeemed))
    assert await find_broken(benefit_id) == set()


STOCKS = (None, 30, 60, 45, None, 90)
ANSWERS_A_ROUND = 60
PERIODS = ("day", "month", None, "year", "campaign")


async def test_limits_that_change_while_people_redeem_hold_from_their_first_moment(server: LiveServer) -> None:
    """Two workers redeem and reverse while stock and cap are set, lowered, removed and set again, round after round.

    In whatever order things happened: what was given before a limit is not undone, and nothing beyond it is given.
    """
    async with server.client() as client:
        desk = await make_desk()
        benefit = benefit_body(perCitizen=None, eligibility={"type": "scoreAtLeast", "value": 600})
        campaign = await put_live(client, desk, benefit)
        benefit_id = UUID(campaign["benefits"][0]["id"])
        shoppers = [await make_shopper() for _ in range(40)]
        await settle(server, desk.partner)
        is_over = False
        answered: list[str] = []

        async def shop(mine: list[Shopper]) -> None:
            for shopper in itertools.cycle(mine):
                if is_over:
                    return
                answer = await redeem(client, desk.partner, benefit_id, code=show_code(shopper))
                answered.append(code_of(answer))
                if answer.status_code == 201 and secrets.randbelow(3) == 0:
                    assert (await reverse(client, desk.partner, answer.json()["id"])).status_code == 200

        tills = [asyncio.create_task(shop(shoppers[n::8])) for n in range(8)]
        try:
            for number in range(len(STOCKS) * 2):
                stock, period = STOCKS[number % len(STOCKS)], PERIODS[number % len(PERIODS)]
                cap = {"count": 3, "period": period} if period else None
                limits = {**benefit, "stock": stock, "perCitizen": cap}
                await _put_in_force(client, desk, campaign, limits)
                # the very moment it is in force, and once more when every process has heard of it
                out = await count("redemption", benefit_id=benefit_id, state="redeemed")
                assert await find_broken(benefit_id) == set(), number
                heard = len(answered)
                await wait_until(partial(_have_heard, answered, heard + ANSWERS_A_ROUND))
                assert await find_broken(benefit_id) == set(), number
                redeemed = await count("redemption", benefit_id=benefit_id, state="redeemed")
                assert stock is None or redeemed <= max(stock, out), number
        finally:
            is_over = True
            await asyncio.gather(*tills)
    assert set(answered) - {"already_redeemed"} == {"", "stock_gone", "cap_reached"}  # a code may come up again
    assert await find_broken(benefit_id) == set()


async def _put_in_force(client: AsyncClient, desk: Desk, campaign: dict[str, Any], benefit: dict[str, Any]) -> None:
    assert (await edit(client, desk.editor, campaign, campaign_body(benefit))).status_code == 200
    assert (await act(client, desk.editor, campaign, "submit")).status_code == 200
    answer = await act(client, desk.reviewer, campaign, "approve")
    assert answer.status_code == 200, answer.text


async def _have_heard(answered: list[str], number: int) -> bool:
    return len(answered) >= number


async def test_a_worker_killed_between_commit_and_answer_still_answers_the_truth(server: LiveServer) -> None:
    """The statement waits for a lock, its worker is stopped, the lock goes: it commits with nobody there to answer."""
    partner = await make_partner()
    benefit_id = await make_benefit(partner, stock=10)
    await settle(server, partner)
    async with server.client() as client:  # the row its stock is counted in
        assert (await redeem(client, partner, benefit_id, code=show_code(await make_shopper()))).status_code == 201
    shopper = await make_shopper()
    call = partial(redeem, key=secrets.token_hex(12), reference="killed", code=show_code(shopper))
    client = server.client()
    async with transaction():
        await execute("SELECT FROM benefit_usage WHERE benefit_id = $1 FOR UPDATE", benefit_id)
        lost = asyncio.ensure_future(call(client, partner, benefit_id))
        await wait_until_blocking()
        server.signal_workers(signal.SIGSTOP)
    await wait_until(partial(count, "redemption", citizen_id=shopper.id))
    assert not lost.done()
    server.signal_workers(signal.SIGKILL)
    with pytest.raises(HTTPError):
        await lost
    await client.aclose()

    answer = await _retry(server, call, partner, benefit_id)

    assert answer.status_code == 201
    assert answer.headers["Idempotency-Replayed"] == "true"
    assert await count("redemption", citizen_id=shopper.id) == 1
    assert await count("event", citizen_id=shopper.id, type="benefit.redeemed.v1") == 1
    assert await count("access_log", citizen_id=shopper.id, outcome="redeemed") == 1


async def _retry(server: LiveServer, call: Any, partner: Any, benefit_id: UUID) -> Any:
    """Ask again until there is an answer."""
    answers: list[Any] = []

    async def is_answered() -> bool:
        with suppress(HTTPError):
            async with server.client() as client:
                answers.append(await call(client, partner, benefit_id))
        return bool(answers)

    await wait_until(is_answered)
    return answers[0]
