"""Files of records into a large city, beside a plain COPY of the same file."""

from __future__ import annotations

import csv
import time
from typing import TYPE_CHECKING

import asyncpg
import msgspec

from app.intake.file.counts import ImportCounts
from app.kit.clock import uuid7
from load_tests.command import Ran, run_command
from load_tests.figure import Figure
from load_tests.servers import FOLDER

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 1_000_000
FEW_ROWS = 250_000
ROWS_PER_SECOND = 25_000
COUNT_SECONDS_MAX = 600


async def measure_imports(database_url: str, citizens: int) -> list[Figure]:
    """Import a million rows, 2 % dirt and 5 % duplicates; and a smaller file, to see whether memory is flat."""
    small, large = make_file(citizens, FEW_ROWS), make_file(citizens, ROWS)
    few = await import_checked(database_url, small, FEW_ROWS)
    ran = await import_checked(database_url, large, ROWS)
    copied = await measure_copy(database_url, large)
    rate = ROWS / ran.seconds
    detail = {
        "citizens": citizens, "seconds": round(ran.seconds, 1), "peak_rss_mib": round(ran.peak_mib),
        "peak_rss_mib_of_a_quarter": round(few.peak_mib), "copy_rows_per_second": round(copied),
    }  # fmt: skip
    return [
        Figure(
            name=f"import rows, {citizens:,}", workers=1, value=rate, unit="/s", asked=ROWS_PER_SECOND, detail=detail
        ),
        Figure(
            name=f"import ÷ COPY, {citizens:,}", workers=1, value=rate, unit="/s", ceiling=copied,
            ceiling_name="COPY of the same file", asked=0.0, detail=detail,
        ),
    ]  # fmt: skip


def make_file(citizens: int, rows: int) -> Path:
    """Write a department's file about the people of the city."""
    path = FOLDER / f"records_{citizens}_{rows}.csv"
    if not path.exists():
        run_command("city", "file", "--rows", str(rows), "--citizens", str(citizens), "--out", str(path))
    return path


async def import_checked(database_url: str, path: Path, rows: int) -> Ran:
    """Import a file under a source nobody has used; fail unless every row was read, and all that is new is there."""
    source = register_source()
    ran = import_file(path, source)
    connection = await asyncpg.connect(database_url)
    counts = await connection.fetchval(
        "SELECT counts FROM record_import WHERE source = $1 AND state = 'finished'", source, timeout=COUNT_SECONDS_MAX
    )
    stored = await connection.fetchval(
        "SELECT count(*) FROM record WHERE source = $1", source, timeout=COUNT_SECONDS_MAX
    )
    await connection.close()
    said = msgspec.json.decode(counts or b"null", type=ImportCounts | None)
    if said is None or not said.adds_up or said.received != rows or not 0 < stored == said.sync.inserted:
        raise SystemExit(f"{path.name}: {rows} rows, {stored} records stored, and the import says {said}")
    return ran


def import_file(path: Path, source: str, *options: str) -> Ran:
    """Import a file under a source, and print what it counted beside what was written into the file."""
    ran = run_command("records", "import", str(path), "--source", source, *options)
    written = msgspec.json.decode(path.with_name(path.name + ".json").read_bytes())
    print(f"{path.name} {ran.seconds:.1f} s {ran.peak_mib:.0f} MiB\n{ran.output[-1500:]}\n{written}", flush=True)
    return ran


def register_source() -> str:
    """Register a source nobody has used, and return its code."""
    source = f"bench-{uuid7().hex[-8:]}"
    run_command("records", "register", source, "--title-zh", "测", "--title-en", "bench")
    return source


async def measure_copy(database_url: str, path: Path) -> float:
    """Return rows a second of COPY of the file into a table of texts without an index."""
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        width = len(next(csv.reader(file)))
    connection = await asyncpg.connect(database_url)
    columns = ", ".join(f"c{number} text" for number in range(width))
    await connection.execute(f"DROP TABLE IF EXISTS bench_copy; CREATE TABLE bench_copy ({columns})")
    clean = FOLDER / "copied.csv"
    rows = _keep_whole_rows(path, clean, width)
    begin = time.perf_counter()
    with clean.open("rb") as file:
        await connection.copy_to_table("bench_copy", source=file, format="csv")
    rate = rows / (time.perf_counter() - begin)
    await connection.execute("DROP TABLE bench_copy")
    await connection.close()
    return rate


def _keep_whole_rows(path: Path, clean: Path, width: int) -> int:
    """Leave out the rows COPY refuses: cut ones, and wrong bytes."""
    rows = 0
    with path.open(newline="", encoding="utf-8", errors="replace") as file, clean.open("w", newline="") as out:
        writer = csv.writer(out)
        for row in csv.reader(file):
            if len(row) == width:
                writer.writerow([cell.replace("\0", "") for cell in row])
                rows += 1
    return rows
