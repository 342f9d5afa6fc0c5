"""Why a redemption was refused: the till's own reference leads an operator to each try, and to nobody's person."""

from __future__ import annotations

import asyncio
import re
import secrets
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from app.kit.clock import now
from app.kit.db.cache import bump
from app.kit.db.database import execute, fetch_value, transaction
from app.kit.outside.rate_limit import DistinctLimit, LocalLimit
from app.redemption.till.actions import people as people_actions
from app.redemption.till.actions.why import DONE, REFUSED, explain_tries
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
    tries = await explain_tries(reference, partner.name if partner else None, now() - timedelta(days=1))
    return [
        {"outcome": one.tried.outcome, "trace": one.tried.trace_id and one.tried.trace_id.hex, "store": one.tried.store}
        for one in tries
    ]


def trace_of(answer: Response) -> str:
    """Return the trace id of a problem."""
    return str(answer.json()["traceId"])


async def run_command(*arguments: str) -> tuple[int, str]:
    """Run ``huixin redemption why`` in a process of its own: its exit code and what it printed."""
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
    assert traces[:2] == [trace_of(misread), trace_of(refused)]
    assert len(set(traces)) == 4
    for person in (poor, shopper):
        for secret in (person.name, str(person.id), str(person.account_number)):
            assert secret not in printed
    assert "400" not in re.sub(r"trace .+|ORDER-.+|^\S+ \S+  机构\S+", "", printed, flags=re.MULTILINE)


async def test_a_reference_nobody_used_is_said_so(client: AsyncClient) -> None:
    del client
    status, printed = await run_command(f"never-{secrets.token_hex(8)}")
    assert status == 1
    assert "nothing was tried under never-" in printed


async def test_the_trace_is_the_tills_own_where_it_sends_one(client: AsyncClient) -> None:
    partner, trace = await make_partner(), secrets.token_hex(16)
    benefit_id, reference = await make_benefit(partner), secrets.token_hex(8)
    partner.headers["traceparent"] = f"00-{trace}-{secrets.token_hex(8)}-01"
    answer = await redeem(client, partner, benefit_id, code=show_code(await make_shopper()), reference=reference)
    assert answer.status_code == 201
    assert [(one["outcome"], one["trace"]) for one in await why(reference)] == [("redeemed", trace)]


async def test_two_institutions_with_one_reference_are_told_apart(client: AsyncClient) -> None:
    one, other, reference = await make_partner(), await make_partner(), secrets.token_hex(8)
    for partner in (one, other):
        benefit_id = await make_benefit(partner)
        answer = await redeem(client, partner, benefit_id, code=show_code(await make_shopper()), reference=reference)
        assert answer.status_code == 201
    assert len(await why(reference)) == 2
    assert len(await why(reference, one)) == 1
    by_id = await explain_tries(reference, str(other.institution_id), now() - timedelta(days=1))
    assert [found.tried.institution for found in by_id] == [other.name]


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


async def test_a_till_gone_wild_fills_nothing(client: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people_actions, "REFUSED_TRIES_LIMIT", LocalLimit("t", 3, 100_000, share=1))
    monkeypatch.setattr(people_actions, "WRONG_AT_TERMINAL", DistinctLimit("t", 1, 100_000, share=1))
    partner = await make_partner()
    benefit_id = await make_benefit(partner)
    for _ in range(5):
        assert (await redeem(client, partner, benefit_id, code=NOT_A_CODE)).status_code == 422
    assert await count("refused_try", institution_id=partner.institution_id) == 3
    assert (await redeem(client, partner, benefit_id, code="95" + "1" * 20)).status_code == 429
    assert await count("refused_try", institution_id=partner.institution_id, outcome="rate_limited") == 0


async def test_what_is_kept_of_nobody_names_nobody() -> None:
    sql = "SELECT array_agg(column_name::text) FROM information_schema.columns WHERE table_name = 'refused_try'"
    columns = await fetch_value(sql)
    assert set(columns) == {
        "reference", "institution_id", "at", "id", "store_id", "terminal_id", "outcome", "trace_id",
    }  # fmt: skip


async def test_the_months_of_the_access_log_have_the_index_of_references(client: AsyncClient) -> None:
    """It is made on the whole alone, so that migrating a large log keeps nobody waiting; new months take it over."""
    del client
    pieces, indexed = [
        await fetch_value(f"SELECT count(*) FROM pg_inherits WHERE inhparent = '{name}'::regclass")
        for name in ("access_log", "access_log_reference")
    ]
    assert pieces == indexed > 0


def test_every_refusal_of_the_route_has_a_sentence() -> None:
    described = "\n".join(str(answer.description) for answer in (redeem_benefit.responses or {}).values())
    codes = set(re.findall(r"^`(\w+)`", described, re.MULTILINE))
    assert "stock_gone" in codes
    assert codes - NO_LINE <= set(REFUSED)
    assert not set(DONE) & set(REFUSED)
