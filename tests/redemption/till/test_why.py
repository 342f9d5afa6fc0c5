"""Why a redemption was refused: the till's own reference leads an operator to each try, and to nobody's person."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from app.kit.clock import now
from app.kit.db.cache import bump
from app.kit.db.database import execute, fetch_value, transaction
from app.kit.outside.rate_limit import DistinctLimit, LocalLimit
from app.redemption.till.actions import people as people_actions
from app.redemption.till.actions import tries as tries_actions
from app.redemption.till.actions.lanes import lanes_lifespan
from app.redemption.till.actions.tries import (
    NOTES_OF_INSTITUTION_MAX,
    NOTES_OF_INSTITUTION_SECONDS,
    NOTES_OF_TERMINAL_MAX,
    NOTES_OF_TERMINAL_SECONDS,
    QUEUE_SIZE_MAX,
    note_lane,
    note_refused,
)
from app.redemption.till.actions.why import DONE, REFUSED, TRIES_MAX, describe_outcome, explain_tries
from app.redemption.till.queries import lanes as lanes_queries
from app.redemption.till.queries import tries as tries_queries
from app.redemption.till.queries.tries import RefusedTry
from app.redemption.till.routes import redeem_benefit
from tests.support.partners import make_partner, refresh_directory
from tests.support.redeeming import code_of, count, make_benefit, make_shopper, redeem, reverse, scan, show_code

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response

    from tests.support.partners import Partner

NOT_A_CODE = "95" + "0" * 20
# What says "again, later", or that the request itself is wrong, leaves no line.
NO_LINE = {
    "invalid_request", "unauthenticated", "forbidden", "rate_limited", "overloaded", "outcome_unknown",
    "idempotency_key_missing", "idempotency_key_invalid",
}  # fmt: skip


async def why(reference: str, partner: Partner | None = None) -> list[dict[str, Any]]:
    """Return (outcome, trace id, store) of each try."""
    await note_lane.drain()
    found = await explain_tries(reference, partner.name if partner else None)
    return [
        {"outcome": one.tried.outcome, "trace": one.tried.trace_id and one.tried.trace_id.hex, "store": one.tried.store}
        for one in found.tries
    ]


async def count_noted(partner: Partner, **where: object) -> int:
    """Count what is noted of an institution."""
    await note_lane.drain()
    return await count("refused_try", institution_id=partner.institution_id, **where)


def make_try(reference: str, institution_id: UUID, **fields: object) -> RefusedTry:
    """Make a refused try of a terminal of its own."""
    given = {"at": now(), "store_id": uuid4(), "terminal_id": uuid4(), "outcome": "not_found"} | fields
    return RefusedTry(reference=reference, institution_id=institution_id, trace_id=secrets.token_hex(16), **given)  # type: ignore[arg-type]


def trace_of(answer: Response) -> str:
    """Return the trace id of a problem."""
    return str(answer.json()["traceId"])


async def run_command(*arguments: str) -> tuple[int, str]:
    """Run ``huixin redemption why`` in a process of its own: its exit code and what it printed."""
    await note_lane.drain()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app.cli", "redemption", "why", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()


async def test_the_command_tells_each_try_of_a_reference_and_nothing_of_the_person(client: AsyncClient) -> None:
    partner, reference = await make_partner(), f"ORDER-{secrets.token_hex(8)}"
    benefit_id = await make_benefit(partner)
    poor, shopper = await make_shopper(score=400, level="L1"), await make_shopper()
    misread = await redeem(client, partner, benefit_id, code=NOT_A_CODE, reference=reference)
    refused = await redeem(client, partner, benefit_id, code=show_code(poor), reference=reference)
    done = await redeem(client, partner, benefit_id, code=show_code(shopper), reference=reference)
    assert (code_of(misread), code_of(refused), done.status_code) == ("credit_code_invalid", "not_eligible", 201)
    assert (await reverse(client, partner, done.json()["id"])).status_code == 200

    status, printed = await run_command(reference, "--institution", partner.name)
    assert status == 0, printed
    heads = re.findall(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3})  (.+)$", printed, re.MULTILINE)
    assert [place for _, place in heads] == [f"{partner.name} / 网点0 / 终端0"] * 4
    assert [at for at, _ in heads] == sorted(at for at, _ in heads)
    assert re.findall(r"^  (?!trace)(.+)$", printed, re.MULTILINE) == [
        "credit_code_invalid  无效的信用码 This is not a credit code that can be used.",
        "not_eligible  无可用优惠 No benefit available.",
        "redeemed  已核销 Redeemed.",
        "reversed  已冲正 Reversed.",
    ]
    traces = re.findall(r"^  trace ([0-9a-f]{32})$", printed, re.MULTILINE)
    assert traces == [trace_of(misread), trace_of(refused)]
    for person in (poor, shopper):
        for secret in (person.name, str(person.id), str(person.account_number)):
            assert secret not in printed
    assert "400" not in re.sub(r"trace .+|ORDER-.+|^\S+ \S+  机构\S+", "", printed, flags=re.MULTILINE)


async def test_a_reference_nobody_used_is_said_so_with_what_is_not_stored(client: AsyncClient) -> None:
    del client
    status, printed = await run_command(f"never-{secrets.token_hex(8)}")
    assert status == 1
    assert "nothing is stored under never-" in printed
    assert f"{NOTES_OF_TERMINAL_MAX} different refusals a minute" in printed
    assert f"an institution {NOTES_OF_INSTITUTION_MAX} an hour" in printed


async def test_the_trace_is_the_tills_own_where_it_sends_one(client: AsyncClient) -> None:
    partner, trace = await make_partner(), secrets.token_hex(16)
    benefit_id, reference = await make_benefit(partner), secrets.token_hex(8)
    partner.headers["traceparent"] = f"00-{trace}-{secrets.token_hex(8)}-01"
    answer = await redeem(client, partner, benefit_id, code=NOT_A_CODE, reference=reference)
    assert (answer.status_code, trace_of(answer)) == (422, trace)
    assert [(one["outcome"], one["trace"]) for one in await why(reference)] == [("credit_code_invalid", trace)]


async def test_two_institutions_with_one_reference_are_told_apart(client: AsyncClient) -> None:
    one, other, reference = await make_partner(), await make_partner(), secrets.token_hex(8)
    for partner in (one, other):
        benefit_id = await make_benefit(partner)
        answer = await redeem(client, partner, benefit_id, code=show_code(await make_shopper()), reference=reference)
        assert answer.status_code == 201
    assert len(await why(reference)) == 2
    assert len(await why(reference, one)) == 1
    by_id = await explain_tries(reference, str(other.institution_id))
    assert [found.tried.institution for found in by_id.tries] == [other.name]


async def test_every_refusal_of_the_statement_has_its_reference_and_its_trace(client: AsyncClient) -> None:
    partner, shopper = await make_partner(stores=2), await make_shopper()
    benefit_id = await make_benefit(partner, perCitizen={"count": 1, "period": "day"})
    scanned = (await scan(client, partner, show_code(shopper))).json()["scanId"]
    assert (await redeem(client, partner, benefit_id, scanId=scanned)).status_code == 201
    code = show_code(shopper)
    assert (await scan(client, partner, code, terminal=1)).status_code == 201
    for wanted, body, terminal in (
        ("already_redeemed", {"scanId": scanned}, 0),
        ("cap_reached", {"code": show_code(shopper)}, 0),
        ("credit_code_used", {"code": code}, 0),
    ):
        reference = secrets.token_hex(8)
        answer = await redeem(client, partner, benefit_id, reference=reference, terminal=terminal, **body)
        assert code_of(answer) == wanted
        assert await why(reference) == [{"outcome": wanted, "trace": trace_of(answer), "store": "网点0"}]


async def test_a_suspended_terminal_and_one_of_somebody_else_are_told(client: AsyncClient) -> None:
    partner, other = await make_partner(), await make_partner()
    benefit_id, reference = await make_benefit(partner), secrets.token_hex(8)
    strange = await redeem(
        client, partner, benefit_id, code=NOT_A_CODE, reference=reference, terminalId=str(other.terminal_ids[0])
    )
    await execute("UPDATE terminal SET state = 'suspended' WHERE id = $1", partner.terminal_ids[0])
    async with transaction():
        await bump("directory")
    await refresh_directory()
    suspended = await redeem(client, partner, benefit_id, code=NOT_A_CODE, reference=reference)
    assert (code_of(strange), code_of(suspended)) == ("not_found", "terminal_suspended")
    assert await why(reference) == [
        {"outcome": "not_found", "trace": trace_of(strange), "store": None},
        {"outcome": "terminal_suspended", "trace": trace_of(suspended), "store": "网点0"},
    ]
    assert await why(reference, other) == [], "whose terminal it was learns nothing of it"


async def test_a_repeat_is_no_other_try_and_another_order_is_one(client: AsyncClient) -> None:
    partner, poor = await make_partner(), await make_shopper(score=400, level="L1")
    benefit_id = await make_benefit(partner)
    for code, outcome in ((show_code(poor), "not_eligible"), (NOT_A_CODE, "credit_code_invalid")):
        orders = [secrets.token_hex(8), secrets.token_hex(8)]
        for reference in (orders[0], orders[0], orders[1], orders[0]):
            assert code_of(await redeem(client, partner, benefit_id, code=code, reference=reference)) == outcome
        assert [len(await why(reference)) for reference in orders] == [1, 1]
    assert await count("access_log", citizen_id=poor.id) == 1, "their own log says it once"


@pytest.fixture
def long_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """No window of the limits ends during a test, and none is shared."""
    long = 100_000
    at_terminal = DistinctLimit("t", NOTES_OF_TERMINAL_MAX, long * NOTES_OF_TERMINAL_SECONDS, share=1)
    at_institution = LocalLimit("i", NOTES_OF_INSTITUTION_MAX, long * NOTES_OF_INSTITUTION_SECONDS, share=1)
    monkeypatch.setattr(tries_actions, "NOTES_OF_TERMINAL", at_terminal)
    monkeypatch.setattr(tries_actions, "NOTES_OF_INSTITUTION", at_institution)


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> list[RefusedTry]:
    """Collect what is noted instead of storing it."""
    notes: list[RefusedTry] = []
    monkeypatch.setattr(note_lane, "offer", notes.append)
    return notes


@pytest.mark.usefixtures("long_windows")
def test_of_a_terminal_so_many_different_tries_are_noted_and_repeats_cost_nothing(offered: list[RefusedTry]) -> None:
    institution_id, terminal_id = uuid4(), uuid4()
    for number in range(NOTES_OF_TERMINAL_MAX + 1):
        for _ in range(3):
            note_refused(make_try(f"r{number}", institution_id, terminal_id=terminal_id))
    assert [one.reference for one in offered] == [f"r{number}" for number in range(NOTES_OF_TERMINAL_MAX)]
    note_refused(make_try("r0", institution_id))
    assert len(offered) == NOTES_OF_TERMINAL_MAX + 1, "another terminal has its own"


def test_a_terminals_notes_are_not_shared_by_the_workers_and_an_institutions_are() -> None:
    assert tries_actions.NOTES_OF_TERMINAL._limit._share == 1
    assert tries_actions.NOTES_OF_INSTITUTION._share is None


@pytest.mark.usefixtures("long_windows")
def test_of_an_institution_so_many_are_noted_however_many_terminals_it_has(offered: list[RefusedTry]) -> None:
    institution_id, terminal_id = uuid4(), uuid4()
    for number in range(NOTES_OF_INSTITUTION_MAX - 1):
        note_refused(make_try(f"r{number}", institution_id))
    for _ in range(3):
        note_refused(make_try("repeated", institution_id, terminal_id=terminal_id))
    assert len(offered) == NOTES_OF_INSTITUTION_MAX, "a repeat costs the institution nothing either"
    note_refused(make_try("one too many", institution_id))
    assert len(offered) == NOTES_OF_INSTITUTION_MAX
    note_refused(make_try("another's", uuid4()))
    assert len(offered) == NOTES_OF_INSTITUTION_MAX + 1


@pytest.mark.usefixtures("long_windows")
async def test_orders_after_many_repeats_are_noted_and_one_too_many_is_not(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people_actions, "WRONG_AT_TERMINAL", DistinctLimit("t", 1, 100_000, share=1))
    partner = await make_partner()
    benefit_id, repeated, last = await make_benefit(partner), secrets.token_hex(8), secrets.token_hex(8)
    for reference in (*[repeated] * (NOTES_OF_TERMINAL_MAX + 1), last):
        answer = await redeem(client, partner, benefit_id, code=NOT_A_CODE, reference=reference)
        assert answer.status_code == 422
    assert (len(await why(repeated)), len(await why(last))) == (1, 1)
    assert (await redeem(client, partner, benefit_id, code="95" + "1" * 20)).status_code == 429
    assert await count_noted(partner) == 2
    assert await count_noted(partner, outcome="rate_limited") == 0


@pytest.mark.parametrize("error", [asyncpg.CheckViolationError("no partition"), asyncpg.LockNotAvailableError("x")])
async def test_a_note_that_fails_changes_no_answer_and_is_logged(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    partner, poor = await make_partner(), await make_shopper(score=400, level="L1")
    benefit_id = await make_benefit(partner)

    async def breaks(*_: object) -> None:
        raise error

    monkeypatch.setattr(tries_queries, "insert_refused", breaks)
    with caplog.at_level(logging.WARNING, "huixin.redemption"):
        answers = [
            await redeem(client, partner, benefit_id, code=NOT_A_CODE),
            await redeem(client, partner, benefit_id, code=show_code(poor)),
            await redeem(client, partner, benefit_id, scanId=str(uuid4())),
        ]
        await note_lane.drain()
    assert [code_of(answer) for answer in answers] == ["credit_code_invalid", "not_eligible", "not_found"]
    assert await count("access_log", citizen_id=poor.id, outcome="not_eligible") == 1
    assert f"not noted: {type(error).__name__}" in caplog.text


async def test_no_answer_waits_for_its_note_and_a_full_queue_changes_none(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    partner, reference, plain = await make_partner(), secrets.token_hex(8), tries_queries.insert_refused
    benefit_id, may_go_on = await make_benefit(partner), asyncio.Event()

    async def waits(tries: list[RefusedTry], same_within: timedelta) -> None:
        await may_go_on.wait()
        await plain(tries, same_within)

    monkeypatch.setattr(tries_queries, "insert_refused", waits)
    try:
        assert code_of(await redeem(client, partner, benefit_id, code=NOT_A_CODE, reference=reference)) != ""
        monkeypatch.setattr(note_lane, "_queue_size_max", 0)
        answer = await redeem(client, partner, benefit_id, code=NOT_A_CODE)
        assert (answer.status_code, code_of(answer)) == (422, "credit_code_invalid")
        assert "not noted: Overloaded" in caplog.text
        assert await count("refused_try", institution_id=partner.institution_id) == 0
    finally:
        may_go_on.set()
    assert [one["outcome"] for one in await why(reference)] == ["credit_code_invalid"]


async def test_what_is_being_noted_when_the_process_ends_is_noted_first(client: AsyncClient) -> None:
    del client
    one = make_try(secrets.token_hex(8), uuid4())
    async with lanes_lifespan():
        note_refused(one)
    assert await count("refused_try", reference=one.reference) == 1


async def test_a_crowd_is_noted_by_few_statements(client: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    del client
    sizes: list[int] = []

    async def counts(tries: list[RefusedTry], _: timedelta) -> None:
        sizes.append(len(tries))

    await note_lane.drain()
    monkeypatch.setattr(tries_queries, "insert_refused", counts)
    institution_id = uuid4()
    for number in range(300):
        note_lane.offer(make_try(f"r{number}", institution_id))
    await note_lane.drain()
    assert sizes == [256, 44]
    assert QUEUE_SIZE_MAX > 300


async def test_the_refusal_that_the_till_got_is_the_one_named(client: AsyncClient) -> None:
    """Turned away for its own reason, a request whose key was used for another order that day is refused for that."""
    partner, shopper, key = await make_partner(), await make_shopper(), secrets.token_hex(12)
    benefit_id, reference = await make_benefit(partner), secrets.token_hex(8)
    other_id = await make_benefit(partner, eligibility={"type": "scoreAtLeast", "value": 990})
    scanned = (await scan(client, partner, show_code(shopper))).json()["scanId"]
    assert (await redeem(client, partner, benefit_id, key=key, scanId=scanned)).status_code == 201
    answer = await redeem(client, partner, other_id, key=key, scanId=scanned, reference=reference)
    assert code_of(answer) == "idempotency_key_reused"
    assert [one["outcome"] for one in await why(reference)] == ["idempotency_key_reused"]
    assert await count("access_log", citizen_id=shopper.id, outcome="idempotency_key_reused") == 1
    assert await count("access_log", citizen_id=shopper.id, outcome="not_eligible") == 0


@pytest.mark.parametrize(
    ("constraint", "outcome"),
    [("redemption_reference", "reference_taken"), ("redemption_once", "already_redeemed"),
     ("redemption_key", "idempotency_key_reused")],
)  # fmt: skip
async def test_a_race_that_was_lost_is_written_down_for_the_operator_and_for_the_citizen(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch, constraint: str, outcome: str
) -> None:
    partner, shopper, reference = await make_partner(), await make_shopper(), secrets.token_hex(8)
    benefit_id = await make_benefit(partner)

    async def loses(_: object) -> list[lanes_queries.RedeemOutcome]:
        error = asyncpg.UniqueViolationError("duplicate key")
        error.constraint_name = constraint
        raise error

    monkeypatch.setattr(lanes_queries, "redeem_many", loses)
    answer = await redeem(client, partner, benefit_id, code=show_code(shopper), reference=reference)
    assert code_of(answer) == outcome
    assert await why(reference) == [{"outcome": outcome, "trace": trace_of(answer), "store": "网点0"}]
    assert await count("access_log", citizen_id=shopper.id, action="redeem", outcome=outcome) == 1


async def test_of_very_many_tries_the_newest_are_shown_and_it_is_said(client: AsyncClient) -> None:
    del client
    partner, reference, begin = await make_partner(), secrets.token_hex(8), now() - timedelta(hours=1)
    tries = [
        make_try(reference, partner.institution_id, at=begin + timedelta(seconds=number), outcome=f"future_{number}")
        for number in range(TRIES_MAX + 1)
    ]
    await tries_queries.insert_refused(tries[:TRIES_MAX], timedelta(0))
    found = await explain_tries(reference, None)
    assert (len(found.tries), found.has_older) == (TRIES_MAX, False)
    await tries_queries.insert_refused(tries[TRIES_MAX:], timedelta(0))
    found = await explain_tries(reference, None)
    assert found.has_older
    assert [one.tried.outcome for one in found.tries] == [f"future_{number}" for number in range(1, TRIES_MAX + 1)]
    status, printed = await run_command(reference)
    assert status == 0, printed
    assert "there are older ones" in printed.splitlines()[0]
    assert f"  future_{TRIES_MAX}\n" in printed, "a code that this version does not have is shown bare"
    assert "future_0\n" not in printed


def test_a_code_that_this_version_does_not_have_has_no_sentence() -> None:
    assert describe_outcome("unheard_of") == ("", "")


async def test_what_is_kept_of_nobody_names_nobody() -> None:
    sql = "SELECT array_agg(column_name::text) FROM information_schema.columns WHERE table_name = 'refused_try'"
    columns = await fetch_value(sql)
    assert set(columns) == {
        "reference", "institution_id", "at", "id", "store_id", "terminal_id", "outcome", "trace_id",
    }  # fmt: skip


async def test_the_access_log_which_is_for_ever_has_no_order_in_it() -> None:
    sql = "SELECT array_agg(column_name::text) FROM information_schema.columns WHERE table_name = 'access_log'"
    assert not {"reference", "trace_id", "idempotency_key"} & set(await fetch_value(sql))


def test_every_refusal_of_the_route_has_a_sentence() -> None:
    described = "\n".join(str(answer.description) for answer in (redeem_benefit.responses or {}).values())
    codes = set(re.findall(r"^`(\w+)`", described, re.MULTILINE))
    assert "stock_gone" in codes
    assert codes - NO_LINE <= set(REFUSED)
    assert not set(DONE) & set(REFUSED)
