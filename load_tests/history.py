"""Months of redemptions, as service would leave them: day after day into the tables with all their indexes."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import asyncpg

from app.kit.clock import now
from app.kit.db.partitions import drop_old_partitions, list_plans, make_partitions
from load_tests.city import DISTRICT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from load_tests.city import City, Connection

DAYS = 120
REDEMPTIONS_EACH = 10  # by each citizen over the whole history
SCAN_DAYS = next(plan.days_before for plan in list_plans() if plan.table == "scan") - 1

# One row for each redemption of a day, in its order: at whose till, of which benefit, by whom.
DAY = """
CREATE UNLOGGED TABLE bench_day AS
SELECT drawn.at, uuidv7(drawn.at - now()) AS id, uuidv7(drawn.at - now()) AS scan_id,
    uuidv7(drawn.at - now()) AS log_id, uuidv7(drawn.at - now()) AS event_id, till.institution_id, till.store_id,
    till.terminal_id, till.benefit_ids[drawn.benefit] AS benefit_id, 'B' || drawn.benefit - 1 AS benefit_code,
    coalesce(person.citizen_id, md5('citizen' || drawn.person)::uuid) AS citizen_id,
    coalesce(person.cap_holder_id, md5('holder' || drawn.person)::uuid) AS cap_holder_id,
    md5(random()::text) AS idempotency_key, sha256(drawn.at::text::bytea) AS request_digest,
    to_char(drawn.at, 'YYYYMMDDHH24MISS-') || right(till.terminal_id::text, 8) || '-' || drawn.n AS reference,
    lpad((random() * 1e18)::bigint::text, 20, '0') AS code_id
FROM (
    SELECT n, $1::timestamptz + n * interval '1 day' / $2 AS at, random(1, $3) AS person,
        random(1, (SELECT count(*)::integer FROM bench_till)) AS till, random(1, $4) AS benefit
    FROM generate_series(0, $2 - 1) AS n
) AS drawn
JOIN bench_till AS till ON till.n = drawn.till
LEFT JOIN bench_person AS person ON person.n = drawn.person
ORDER BY drawn.at"""

# Each column of a table and where it comes from; None: the table says itself.
REDEMPTION: dict[str, str | None] = {
    "id": "id", "institution_id": "institution_id", "idempotency_key": "idempotency_key",
    "request_digest": "request_digest", "reference": "reference", "reference_turn": None, "scan_id": "scan_id",
    "benefit_id": "benefit_id", "benefit_code": "benefit_code",
    "title": "'维修优惠'", "campaign_version": "1", "is_stock_counted": "false", "citizen_id": "citizen_id",
    "cap_holder_id": "cap_holder_id", "step": "0", "period_on": "date_trunc('month', at AT TIME ZONE 'UTC')::date",
    "store_id": "store_id", "terminal_id": "terminal_id", "amount_fen": "10000", "discount_fen": "1000",
    "state": "'redeemed'", "redeemed_at": "at", "reversible_until": "at + interval '1 day'",
    "answer": "convert_to(repeat('x', 420), 'UTF8')",
}  # fmt: skip
SCAN: dict[str, str | None] = {
    "slot_day": "(at AT TIME ZONE 'UTC')::date", "code_id": "code_id", "id": "scan_id",
    "institution_id": "institution_id", "store_id": "store_id", "terminal_id": "terminal_id",
    "citizen_id": "citizen_id", "scenario": "'garage'", "scanned_at": "at", "expires_at": "at + interval '300 seconds'",
}  # fmt: skip
ACCESS_LOG: dict[str, str | None] = {
    "id": "log_id", "at": "at", "citizen_id": "citizen_id", "institution_id": "institution_id", "store_id": "store_id",
    "terminal_id": "terminal_id", "official_id": None, "action": "'redeem'", "scenario": "'garage'",
    "outcome": "'redeemed'", "told": "jsonb_build_array(benefit_code)",
}  # fmt: skip
EVENT: dict[str, str | None] = {
    "id": "event_id", "epoch": "(SELECT max(epoch) FROM event_epoch)", "xid": None, "at": "at",
    "type": "'benefit.redeemed.v1'", "institution_id": "institution_id", "citizen_id": "citizen_id", "subject_id": "id",
    "data": """jsonb_build_object('state', 'redeemed', 'benefitId', benefit_id, 'storeId', store_id,
        'terminalId', terminal_id)""",
}  # fmt: skip
USE: dict[str, str | None] = {
    "benefit_id": "benefit_id", "cap_holder_id": "cap_holder_id", "step": "0",
    "period_on": "date_trunc('month', min(at) AT TIME ZONE 'UTC')::date",
    "period_ends_on": "(date_trunc('month', min(at) AT TIME ZONE 'UTC') + interval '1 month')::date",
    "limits_version": "0", "cap": "1000", "used": "count(*)",
}  # fmt: skip
USES = """{insert} FROM bench_day GROUP BY benefit_id, cap_holder_id
ON CONFLICT (benefit_id, cap_holder_id, step, period_on) DO UPDATE SET used = benefit_use.used + EXCLUDED.used"""


async def make_past_partitions(today: date) -> None:
    """Make the pieces of the months of the history, which a city would have made when they were ahead."""
    for days in range(0, DAYS + 1, 28):
        await make_partitions(today - timedelta(days=days))
    await drop_old_partitions(today)


async def fill_history(database_url: str, city: City, rows: int) -> AsyncIterator[int]:
    """Put in ``rows`` redemptions with their scans, uses, log lines and events; yields how many days are done.

    Without full page images, which would be most of the time: the caller takes a checkpoint before it measures.
    """
    per_day, people = max(1, rows // DAYS), max(len(city.accounts), rows // REDEMPTIONS_EACH)
    one, other = [await _connect(database_url) for _ in range(2)]  # there are two cores
    own = [await write_insert(one, "redemption", REDEMPTION)]
    others = [await write_insert(one, "access_log", ACCESS_LOG), await write_insert(one, "event", EVENT)]
    others.append(USES.format(insert=await write_insert(one, "benefit_use", USE, is_sorted=False)))
    scans = await write_insert(one, "scan", SCAN)
    await _list_places(one, city)
    today = now().replace(hour=0, minute=0, second=0, microsecond=0)
    for done, days_ago in enumerate(range(DAYS, 0, -1), 1):
        await one.execute("DROP TABLE IF EXISTS bench_day")
        await _make_day(one, today - timedelta(days=days_ago), per_day, people, len(city.hot.benefit_ids))
        mine = own + ([scans] if days_ago <= SCAN_DAYS else [])
        await asyncio.gather(_execute_all(one, mine), _execute_all(other, others))
        yield done
    await one.execute("DROP TABLE bench_day, bench_till, bench_person")
    await asyncio.gather(one.close(), other.close())


async def _connect(database_url: str) -> Connection:
    return await asyncpg.connect(database_url, server_settings={"jit": "off", "synchronous_commit": "off"})


async def _execute_all(connection: Connection, statements: list[str]) -> None:
    for statement in statements:
        await connection.execute(statement)


async def _make_day(connection: Connection, day: datetime, rows: int, people: int, benefits: int) -> None:
    """Make a day's rows; a table takes no parameters, and what is put into the text are our own numbers."""
    text = DAY.replace("$1", f"'{day.isoformat()}'")
    for number, value in ((2, rows), (3, people), (4, benefits)):
        text = text.replace(f"${number}", str(value))
    await connection.execute(text)


async def write_insert(
    connection: Connection, table: str, values: dict[str, str | None], *, is_sorted: bool = True
) -> str:
    """Return the statement that copies a day into a table; a column nobody thought of is said by its name."""
    rows = await connection.fetch(
        """SELECT attname FROM pg_attribute
        WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''""",
        table,
    )
    columns = {row["attname"] for row in rows}
    if unknown := columns - set(values):
        raise SystemExit(f"there is no value for {table}.{', '.join(sorted(unknown))}")
    used = {name: value for name, value in values.items() if value is not None and name in columns}
    names, expressions = ", ".join(used), ", ".join(used.values())
    insert = f"INSERT INTO {table} ({names}) SELECT {expressions}"
    return f"{insert} FROM bench_day ORDER BY at" if is_sorted else insert


async def _list_places(connection: Connection, city: City) -> None:
    await connection.execute(
        """DROP TABLE IF EXISTS bench_till, bench_person;
        CREATE UNLOGGED TABLE bench_till (
            n integer PRIMARY KEY, institution_id uuid, store_id uuid, terminal_id uuid, benefit_ids uuid[]);
        CREATE UNLOGGED TABLE bench_person (n integer PRIMARY KEY, citizen_id uuid, cap_holder_id uuid)"""
    )
    await connection.copy_records_to_table(
        "bench_till",
        records=[
            (n, till.institution_id, till.store_id, till.terminal_id, till.benefit_ids)
            for n, till in enumerate(city.tills, 1)
        ],
    )
    await connection.execute(
        """INSERT INTO bench_person SELECT row_number() OVER (ORDER BY id), id, cap_holder_id FROM citizen
        WHERE district = $1""",
        DISTRICT,
    )
    await connection.execute("ANALYZE bench_till, bench_person")
