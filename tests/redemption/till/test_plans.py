"""How PostgreSQL looks things up, on tables as empty as a city's first day and on full ones."""

from __future__ import annotations

import re
import secrets
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from app.kit.clock import now
from app.kit.db import database
from app.kit.db.database import borrow, transaction
from app.redemption.books.queries import report as report_queries
from app.redemption.phone import queries as phone_queries
from app.redemption.till.queries import lanes as lanes_queries
from app.redemption.till.queries import limits as limits_queries
from app.redemption.till.queries import reverse as reverse_queries
from app.redemption.till.queries import tries as tries_queries
from app.redemption.till.queries.lanes import KeyAsked, write_redeem
from app.redemption.till.queries.tries import RefusedTry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.usefixtures("app")

# As on the day a city begins: no rows, and no statistics.
EMPTY = """
    TRUNCATE redemption, reversal, scan, benefit_use, benefit_usage, refused_try;
    DELETE FROM pg_statistic WHERE starelid IN (
        SELECT oid FROM pg_class WHERE relname ~ '^(redemption|reversal|scan|benefit_use|refused_try)');
"""
FILL = """
    INSERT INTO redemption (id, institution_id, idempotency_key, request_digest, reference, scan_id, benefit_id,
        benefit_code, title, campaign_version, is_stock_counted, citizen_id, cap_holder_id, step, period_on, store_id,
        terminal_id, state, redeemed_at, reversible_until, answer)
    SELECT uuidv7(), md5((n % 5)::text)::uuid, 'k' || n, 'x', 'r' || n, uuidv7(-n * interval '1 hour'),
        md5((n % 9)::text)::uuid, 'B', 't', 1, false, md5((n % 999)::text)::uuid, md5((n % 999)::text)::uuid, 0,
        CURRENT_DATE, gen_random_uuid(), gen_random_uuid(), 'redeemed', now() - n * interval '1 hour', now(), 'x'
    FROM generate_series(1, 20000) AS n;
    INSERT INTO refused_try (reference, institution_id, at, id, outcome, trace_id)
    SELECT 'r' || n, md5((n % 5)::text)::uuid, now(), uuidv7(), 'not_found', gen_random_uuid()
    FROM generate_series(1, 20000) AS n;
    ANALYZE redemption, refused_try;
"""


class RolledBack(Exception):  # noqa: N818
    """Ends a transaction without a trace."""


async def explain(statement: str, *, is_full: bool) -> list[str]:
    """Return the plan that a prepared statement gets on empty tables or on full ones."""
    name = f"plan_{secrets.token_hex(4)}"
    nulls = ", ".join(["NULL"] * len(set(re.findall(r"\$\d+", statement))))
    plan: list[str] = []
    with pytest.raises(RolledBack):
        async with transaction(), borrow() as connection:
            await connection.execute(EMPTY)
            if is_full:
                await connection.execute(FILL)
            await connection.execute(f"PREPARE {name} AS {statement}")
            plan = [str(row[0]) for row in await connection.fetch(f"EXPLAIN EXECUTE {name}({nulls})")]
            await connection.execute(f"DEALLOCATE {name}")
            raise RolledBack
    return plan


@pytest.mark.parametrize("has_stock", [False, True])
@pytest.mark.parametrize("is_full", [False, True])
async def test_every_look_up_goes_by_what_distinguishes_rows(*, is_full: bool, has_stock: bool) -> None:
    """On tables met empty and on full ones; by institution, benefit or day each look-up would read all of its rows."""
    plan = await explain(write_redeem(has_stock=has_stock), is_full=is_full)
    assert [line for line in plan if re.search(r"Seq Scan on (redemption|reversal|benefit|scan|former)", line)] == []
    looked_up = [
        (line, plan[n + 1]) for n, line in enumerate(plan) if re.search(r"Scan (using|on) (redemption|reversal)_", line)
    ]
    assert len(looked_up) >= 5  # the reference twice, the key twice, the scan
    hold_keys(looked_up)


def hold_keys(looked_up: list[tuple[str, str]]) -> None:
    for line, condition in looked_up:
        assert re.search(r"Index Cond: \(+(\w+\.)?(slot_day|idempotency_key|reference|scan_id) =", condition), line
        assert "slot_day" not in condition or "idempotency_key =" in condition, condition


@pytest.mark.parametrize("is_full", [False, True])
async def test_earlier_answers_are_looked_up_by_what_distinguishes_them(
    monkeypatch: pytest.MonkeyPatch, *, is_full: bool
) -> None:
    asked: list[str] = []
    note_statements(monkeypatch, asked)
    await lanes_queries.find_earlier_answers(
        [KeyAsked(institution_id=uuid4(), idempotency_key="k", reference="r", slot_day=now().date())]
    )
    monkeypatch.undo()
    plan = await explain(asked[0], is_full=is_full)
    looked_up = [
        (line, plan[n + 1]) for n, line in enumerate(plan) if re.search(r"Scan (using|on) (redemption|reversal)_", line)
    ]
    assert len(looked_up) == 3
    hold_keys(looked_up)
    assert "redemption_reference" in looked_up[0][0]


class Noting:
    """A connection that notes the statements it is given."""

    def __init__(self, connection: Any, asked: list[str]) -> None:
        self._connection, self._asked = connection, asked

    def __getattr__(self, name: str) -> Any:
        def ask(sql: str, *arguments: object) -> Any:
            if "redemption" in sql or "refused_try" in sql:  # what runs beside the test asks for other things
                self._asked.append(sql)
            return getattr(self._connection, name)(sql, *arguments)

        return ask


def note_statements(monkeypatch: pytest.MonkeyPatch, asked: list[str]) -> None:
    """Note every statement about redemptions until the patch is undone."""

    @asynccontextmanager
    async def noting() -> AsyncIterator[Any]:
        async with borrow() as connection:
            yield Noting(connection, asked)

    for module in (database, lanes_queries):
        monkeypatch.setattr(module, "borrow", noting)


async def read_lists(institution_id: UUID, citizen_id: UUID) -> None:
    """Read every list and sum that goes through many redemptions, and look for one."""
    first, last = UUID(int=0), UUID(int=2**128 - 1)
    await report_queries.list_partner_redemptions(institution_id, None, since=first, before=last, limit=3)
    await report_queries.list_by_reference(institution_id, None, "r1")
    await report_queries.find_statement(institution_id, None, since=first, before=last)
    await phone_queries.list_my_redemptions(citizen_id, None, 3)
    await limits_queries.list_months(institution_id)
    await limits_queries.count_redeemed(institution_id, uuid4(), since=first, before=last)
    await limits_queries.list_uses(citizen_id, citizen_id, [])
    await report_queries.list_totals(uuid4())
    await reverse_queries.find_redemption(institution_id, uuid4())
    await reverse_queries.mark_reversed(institution_id, uuid4())


@pytest.mark.parametrize("is_full", [False, True])
async def test_lists_and_sums_go_by_the_key_made_for_them(monkeypatch: pytest.MonkeyPatch, *, is_full: bool) -> None:
    """An institution's by its primary key or the reference, a citizen's by day, however many days there are."""
    asked: list[str] = []

    note_statements(monkeypatch, asked)
    await read_lists(uuid4(), uuid4())
    monkeypatch.undo()
    plans = ["\n".join(await explain(sql, is_full=is_full)) for sql in asked]
    keys = ["pkey", "reference", "pkey", "citizen", "pkey", "pkey", "citizen", "pkey", "pkey", "pkey"]
    assert len(plans) == len(keys)
    for plan, key in zip(plans, keys, strict=True):
        assert set(re.findall(r"redemption_(\w+) on redemption|Scan on redemption_(\w+)", plan)) <= {
            (key, ""),
            ("", key),
        }
        assert f"redemption_{key}" in plan, plan
        assert "Seq Scan on redemption" not in plan


@pytest.mark.parametrize("is_full", [False, True])
async def test_refused_tries_are_noted_and_found_by_their_reference(
    monkeypatch: pytest.MonkeyPatch, *, is_full: bool
) -> None:
    asked: list[str] = []
    note_statements(monkeypatch, asked)
    one = RefusedTry(
        reference=secrets.token_hex(8), institution_id=uuid4(), at=now(), store_id=None, terminal_id=None,
        outcome="not_found", trace_id=secrets.token_hex(16),
    )  # fmt: skip
    await tries_queries.insert_refused([one], timedelta(0))
    await tries_queries.list_tries(one.reference, None, 3)
    monkeypatch.undo()
    assert len(asked) == 2
    for sql in asked:
        plan = "\n".join(await explain(sql, is_full=is_full))
        assert not re.search(r"Seq Scan on (refused_try|redemption)_", plan), plan
        found = re.findall(r"(?:Scan using|Scan on) refused_try_\d+\S* .*\n\s+(.+)", plan)
        assert found, plan
        assert all("reference =" in condition for condition in found if "Cond" in condition), plan
