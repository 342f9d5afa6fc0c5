"""Wrong codes are counted by their text and never keep a good code out; behind old codes nobody is looked up."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from app.credit_code.short_form import (
    ACCOUNTS,
    CODES_AT_ONCE_MAX,
    EARLY_SECONDS_MAX,
    GENERATIONS,
    LATE_SECONDS_MAX,
    RECENT,
    SLOT_SECONDS,
    SLOTS,
)
from app.kit.db.database import execute
from app.kit.errors import RateLimited
from app.kit.outside.rate_limit import DistinctLimit
from app.redemption.till.actions import people as people_actions
from app.redemption.till.actions.people import WRONG_CODES_MAX
from app.redemption.till.actions.scan import INSTITUTION_LIMIT, TERMINAL_LIMIT
from app.redemption.till.queries import lanes as lanes_queries
from tests.support.partners import make_partner
from tests.support.redeeming import code_of, count, make_benefit, make_shopper, redeem, scan, show_code

if TYPE_CHECKING:
    from collections.abc import Sequence

    from httpx2 import AsyncClient

    from app.redemption.till.redeeming import Person

LONG = 100_000  # seconds: no window ends during a test
ADULTS_MAX = 4_000_000  # of one city
DAY_SLOTS = int(RECENT.total_seconds()) // SLOT_SECONDS


@pytest.fixture(autouse=True)
def _in_one_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people_actions, "WRONG_AT_TERMINAL", DistinctLimit("t", WRONG_CODES_MAX, LONG))
    monkeypatch.setattr(people_actions, "WRONG_AT_INSTITUTION", DistinctLimit("i", WRONG_CODES_MAX * 50, LONG))


def make_wrong() -> str:
    """Return digits that are no code: without their prefix nothing is opened."""
    return f"95{secrets.randbelow(10**20):020d}"


async def test_the_twentieth_wrong_code_is_read_and_the_next_refused_yet_a_good_one_passes(client: AsyncClient) -> None:
    partner = await make_partner(terminals=2)
    benefit_id = await make_benefit(partner)
    wrong = [make_wrong() for _ in range(WRONG_CODES_MAX + 1)]
    answers = [await scan(client, partner, text) for text in wrong]
    assert [code_of(a) for a in answers[:WRONG_CODES_MAX]] == ["credit_code_invalid"] * WRONG_CODES_MAX
    assert (answers[-1].status_code, code_of(answers[-1])) == (429, "rate_limited")
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert "RateLimit" in answers[-1].headers
    assert (await redeem(client, partner, benefit_id, code=wrong[-1])).status_code == 429
    assert code_of(await scan(client, partner, wrong[0])) == "credit_code_invalid"  # counted before: nothing new
    assert (await scan(client, partner, show_code(await make_shopper()))).status_code == 201
    assert (await redeem(client, partner, benefit_id, code=show_code(await make_shopper()))).status_code == 201
    assert code_of(await scan(client, partner, wrong[-1], terminal=1)) == "credit_code_invalid"


async def test_the_same_misread_code_counts_once_however_often_it_is_shown(client: AsyncClient) -> None:
    partner = await make_partner()
    text = make_wrong()
    assert {(await scan(client, partner, text)).status_code for _ in range(WRONG_CODES_MAX * 2)} == {422}
    others = [(await scan(client, partner, make_wrong())).status_code for _ in range(WRONG_CODES_MAX)]
    assert others == [422] * (WRONG_CODES_MAX - 1) + [429]


async def test_expired_and_killed_codes_count_as_wrong_and_beyond_the_limit_say_nothing(client: AsyncClient) -> None:
    partner = await make_partner()
    shopper = await make_shopper()
    expired = [show_code(shopper, slots_ago=10 + number) for number in range(WRONG_CODES_MAX)]
    assert {code_of(await scan(client, partner, text)) for text in expired} == {"credit_code_expired"}
    logged = await count("access_log", citizen_id=shopper.id)
    for text in (show_code(shopper, slots_ago=5), show_code(shopper, generation=1), make_wrong()):
        assert (await scan(client, partner, text)).status_code == 429
    assert await count("access_log", citizen_id=shopper.id) == logged  # nothing was said of them
    assert (await scan(client, partner, show_code(shopper))).status_code == 201


async def test_an_institution_has_fifty_times_a_terminals_share(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people_actions, "WRONG_AT_INSTITUTION", DistinctLimit("i", WRONG_CODES_MAX + 1, LONG))
    partner = await make_partner(terminals=2)
    statuses = [(await scan(client, partner, make_wrong())).status_code for _ in range(WRONG_CODES_MAX)]
    statuses += [(await scan(client, partner, make_wrong(), terminal=1)).status_code for _ in range(2)]
    assert statuses == [422] * (WRONG_CODES_MAX + 1) + [429]
    assert (await scan(client, partner, show_code(await make_shopper()), terminal=1)).status_code == 201


async def test_a_lost_answer_is_given_although_its_code_is_one_wrong_code_too_many(client: AsyncClient) -> None:
    partner = await make_partner()
    benefit_id = await make_benefit(partner)
    shopper, key = await make_shopper(), secrets.token_hex(12)
    code = show_code(shopper)
    first = await redeem(client, partner, benefit_id, key=key, code=code, reference="R-1")
    await execute("UPDATE citizen SET code_generation = code_generation + 1 WHERE id = $1", shopper.id)
    for _ in range(WRONG_CODES_MAX):
        await scan(client, partner, make_wrong())
    again = await redeem(client, partner, benefit_id, key=key, code=code, reference="R-1")
    assert (again.status_code, again.content) == (201, first.content)


def test_guessing_stays_hopeless() -> None:
    """Good codes always pass, so what a program may try at all is the limit: months for one stranger's yes or no."""
    slots_open = (SLOT_SECONDS + EARLY_SECONDS_MAX + LATE_SECONDS_MAX) / SLOT_SECONDS
    chance = 1 / 10 * (slots_open / SLOTS) * (ADULTS_MAX / ACCOUNTS) / GENERATIONS
    assert 1 / chance > 1.4e11
    for limit, days in ((INSTITUTION_LIMIT, 170), (TERMINAL_LIMIT, 1_700)):
        tries_a_day = limit.limit_here * 86_400 / limit.period_seconds
        assert 1 / (chance * tries_a_day) > days


@pytest.mark.parametrize(
    ("slots_ago", "is_looked_up"),
    [
        (DAY_SLOTS - 1, True),
        (DAY_SLOTS + 1, False),
        (DAY_SLOTS * 30, False),
        (1 - CODES_AT_ONCE_MAX, True),
        (-CODES_AT_ONCE_MAX, False),
        (-DAY_SLOTS, False),
    ],
)
async def test_of_a_code_of_another_time_nobody_is_looked_up(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch, slots_ago: int, *, is_looked_up: bool
) -> None:
    """A member's code, a stranger's and no code at all: the same answer by the same work, and no line anywhere."""
    looked_up: list[int] = []
    find_people = lanes_queries.find_people

    async def find(account_numbers: Sequence[int]) -> list[Person]:
        looked_up.extend(account_numbers)
        return await find_people(account_numbers)

    monkeypatch.setattr(lanes_queries, "find_people", find)
    partner = await make_partner()
    shopper = await make_shopper()
    stranger = shopper.__class__(shopper.id, (shopper.account_number + 1) % ACCOUNTS, shopper.id, "", {})
    answers = [
        await scan(client, partner, text)
        for text in (show_code(shopper, slots_ago=slots_ago), show_code(stranger, slots_ago=slots_ago), make_wrong())
    ]
    theirs, strangers, nobodys = ((a.status_code, {**a.json(), "traceId": ""}) for a in answers)
    assert strangers == nobodys
    assert (theirs == nobodys) is not is_looked_up
    assert await count("access_log", citizen_id=shopper.id) == int(is_looked_up)
    assert len(looked_up) == (2 if is_looked_up else 0)


async def test_a_killed_code_of_the_last_day_is_a_line_like_any_other(client: AsyncClient) -> None:
    partner = await make_partner()
    shopper = await make_shopper()
    killed = show_code(shopper, slots_ago=20, generation=1)
    assert code_of(await scan(client, partner, killed)) == "credit_code_invalid"
    assert await count("access_log", citizen_id=shopper.id, outcome="credit_code_invalid") == 1


async def test_windows_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was counted in one window is forgotten in the next."""
    limit = DistinctLimit("wrong", 1, 60, share=1)
    at = 1_000_000 * 60.0
    monkeypatch.setattr("app.kit.outside.rate_limit.time.time", lambda: at)
    assert limit.hit("till", "a")
    assert not limit.hit("till", "a")
    with pytest.raises(RateLimited):
        limit.hit("till", "b")
    assert limit.hit("another till", "b")
    at += timedelta(seconds=60).total_seconds()
    assert limit.hit("till", "b")
