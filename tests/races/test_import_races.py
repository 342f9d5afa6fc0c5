"""Imports that are killed, and imports that meet: every row once, and every number right. Real processes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec
import pytest

from app.intake.file.actions.pipeline import APART_BYTES_MIN
from app.intake.file.actions.run import compute_lock
from app.intake.file.counts import CHUNK_BYTES, ImportCounts
from app.kit.db.database import fetch_one, fetch_value
from app.kit.db.lock import try_lock
from tests.support.citizens import join, make_id_number
from tests.support.files import count_of, line_of, make_file, make_source
from tests.support.waiting import patient_connection, wait_until, wait_until_blocking

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from pathlib import Path

    from httpx2 import AsyncClient

    from tests.support.citizens import Joined

pytestmark = pytest.mark.xdist_group("races")


class Stored(msgspec.Struct, frozen=True):
    """How far an import has got."""

    id: UUID
    state: str
    seen_bytes: int
    counts: str


async def start(path: Path, source: str, *options: str) -> Process:
    """Start an import in a process of its own, as an operator does."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app.cli", "records", "import", str(path), "--source", source, *options,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env={**os.environ},
    )  # fmt: skip


async def finish(process: Process) -> str:
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


async def stored_of(source: str) -> Stored | None:
    return await fetch_one(Stored, "SELECT id, state, seen_bytes, counts FROM record_import WHERE source = $1", source)


@asynccontextmanager
async def held_at(source: str, event_id: str) -> AsyncIterator[int]:
    """Claim an event and leave it open: whatever imports it stops there until the block ends, however fast it is.

    Yields the connection's number, for ``wait_until_blocking``.
    """
    async with patient_connection() as connection:
        claim = connection.transaction()
        await claim.start()
        await connection.execute(
            "INSERT INTO record_source_event (source, event_id, record_id, citizen_id, facts_digest)"
            " VALUES ($1, $2, gen_random_uuid(), gen_random_uuid(), '')",
            source, event_id,
        )  # fmt: skip
        yield connection.get_server_pid()
        await claim.rollback()


async def wait_until_free(import_id: UUID) -> None:
    """Wait until the database knows that the process that ran an import is gone."""

    async def is_free() -> bool:
        async with try_lock(compute_lock(import_id)) as lost:
            return lost is not None

    await wait_until(is_free)


def make_lines(people: list[Joined], count: int) -> list[str]:
    """Return many rows: strangers, repeats, and what stays behind among them."""
    lines = []
    stranger = make_id_number()
    for number in range(count):
        person = people[number % len(people)]
        changes: dict[str, str] = {"document": "文" * 30, "event": f"e{number:06d}"}
        if number % 50 == 7:
            changes |= {"number": stranger, "name": "陌生人"}
        elif number % 50 == 11:
            changes |= {"on": "2026-02-30"}
        elif number % 50 == 13:
            changes |= {"event": f"e{number - 5:06d}"}
        lines.append(line_of(person if number % 50 != 13 else people[(number - 5) % len(people)], **changes))
    return lines


@pytest.mark.usefixtures("app")
async def test_a_killed_import_goes_on_where_it_was(client: AsyncClient, tmp_path: Path) -> None:
    people, source = [await join(client) for _ in range(20)], await make_source()
    lines = make_lines(people, 30_000)
    path = tmp_path / "records.csv"
    path.write_bytes(make_file(*lines))
    assert path.stat().st_size > APART_BYTES_MIN, "cleaned in a process of its own, which must not survive"
    for row in (10_000, 20_000):
        async with held_at(source, f"e{row:06d}") as holder:
            process = await start(path, source)
            await wait_until_blocking(holder)
            process.send_signal(signal.SIGKILL)
            await process.wait()
        stored = await stored_of(source)
        assert stored is not None
        assert stored.state == "running"
        assert CHUNK_BYTES < stored.seen_bytes < path.stat().st_size, "some is stored, and some is not"
        await wait_until_free(stored.id)
        counts = msgspec.json.decode(stored.counts, type=ImportCounts)
        assert counts.link.fresh == await count_of("record", source=source), "the count is what is stored"
    report = await finish(await start(path, source))
    stored = await stored_of(source)
    assert stored is not None
    counts = msgspec.json.decode(stored.counts, type=ImportCounts)
    each = len(lines) // 50
    assert counts.adds_up
    assert counts.summary == {
        "received": len(lines), "accepted": len(lines) - 3 * each, "updated": 0, "duplicate": each,
        "not_a_member": each, "quarantined": each,
    }, report  # fmt: skip
    assert await count_of("record", source=source) == await count_of("record_source_event", source=source)
    assert await count_of("record", source=source) == len(lines) - 3 * each
    day = "SELECT sum(rows) FROM source_day WHERE source = $1 AND outcome = $2"
    assert await fetch_value(day, source, "received") == len(lines)
    assert await fetch_value(day, source, "accepted") == len(lines) - 3 * each
    assert "imported before" in await finish(await start(path, source))
    assert await count_of("record", source=source) == len(lines) - 3 * each


@pytest.mark.usefixtures("app")
async def test_an_interrupted_import_says_so_and_goes_on(client: AsyncClient, tmp_path: Path) -> None:
    people, source = [await join(client)], await make_source()
    path = tmp_path / "records.csv"
    path.write_bytes(make_file(*(line_of(people[0], document="文" * 60, event=f"e{n}") for n in range(12_000))))
    async with held_at(source, "e8000") as holder:
        process = await start(path, source)
        await wait_until_blocking(holder)
        process.send_signal(signal.SIGINT)
        _, err = await process.communicate()
    assert (process.returncode, b"run it again to go on" in err) == (130, True), err.decode()
    stored = await stored_of(source)
    assert stored is not None
    assert CHUNK_BYTES < stored.seen_bytes < path.stat().st_size, "some is stored, and some is not"
    await wait_until_free(stored.id)
    await finish(await start(path, source))
    assert await count_of("record", source=source) == 12_000


@pytest.mark.usefixtures("app")
async def test_two_importers_of_overlapping_files_report_every_event_once(client: AsyncClient, tmp_path: Path) -> None:
    people, source = [await join(client) for _ in range(5)], await make_source()
    lines = [line_of(people[number % 5], event=f"e{number}", document="文" * 40) for number in range(12_000)]
    processes = []
    for name, part in (("one", lines[:8_000]), ("two", lines[:3_999:-1])):
        (tmp_path / name).write_bytes(make_file(*part))
        processes.append(await start(tmp_path / name, source))
    for process in processes:
        await finish(process)
    assert await count_of("record", source=source) == len(lines)
    sums = """
        SELECT sum((counts->'link'->>'fresh')::int)::int AS fresh, sum((counts->'link'->>'duplicate')::int)::int AS same
          FROM record_import WHERE source = $1
        """
    assert await fetch_one(Sums, sums, source) == Sums(len(lines), 4_000)


class Sums(msgspec.Struct, frozen=True):
    """What two imports reported together."""

    fresh: int
    same: int


@pytest.mark.usefixtures("app")
async def test_two_processes_do_not_import_one_file_twice(client: AsyncClient, tmp_path: Path) -> None:
    person, source = await join(client), await make_source()
    path = tmp_path / "records.csv"
    path.write_bytes(make_file(*(line_of(person, document="文" * 60) for _ in range(8_000))))
    first, second = await asyncio.gather(start(path, source, "--watch"), start(path, source, "--watch"))
    for report in await asyncio.gather(finish(first), finish(second)):
        assert "finished" in report
    assert await count_of("record", source=source) == 8_000
    assert await count_of("record_import", source=source) == 1
