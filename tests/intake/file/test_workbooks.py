"""Workbooks that are damaged, too large or read while the database is slow; an import cancelled meanwhile."""

from __future__ import annotations

import asyncio
import io
import threading
import zipfile
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
import pytest

from app.intake.file.actions import workbook as workbook_actions
from app.intake.file.actions.run import run_import
from app.intake.file.actions.workbook import SHEETS_NAMED_MAX, UNPACKED_FROM, unpack_workbook
from app.intake.file.counts import PART_BYTES
from app.intake.file.queries import parts as parts_queries
from app.intake.reading.workbook import (
    ENTRIES_MAX,
    MANIFEST,
    PART_BYTES_MAX,
    RATIO_BYTES_MIN,
    RATIO_MAX,
    SHARED_STRINGS_BYTES_MAX,
    UNPACKED_BYTES_MAX,
    WORKBOOK,
    WORKBOOK_FLAWS,
    WORKBOOK_MEDIA,
    Part,
    judge_archive,
    judge_manifest,
)
from app.kit.db.database import fetch_value
from app.kit.jobs.pace import FULL
from tests.support.citizens import join
from tests.support.files import HEADER, finish, line_of, make_source, upload
from tests.support.sheets import make_workbook

if TYPE_CHECKING:
    from httpx2 import AsyncClient

    from app.intake.fact.item import Flaw

COLUMNS = HEADER.split(",")
SHEET, STRINGS = (
    f"application/vnd.openxmlformats-officedocument.spreadsheetml.{kind}+xml" for kind in ("worksheet", "sharedStrings")
)
NEEDED = [Part(WORKBOOK, 100, 100), Part(MANIFEST, 100, 100)]
HALF = UNPACKED_BYTES_MAX // 2


def part_of(unpacked: int, content_type: str = "", *, packed: int | None = None) -> Part:
    return Part("xl/some.xml", unpacked, unpacked if packed is None else packed, content_type)


@pytest.mark.parametrize(
    ("fits", "is_too_much"),
    [
        ([part_of(1)] * (ENTRIES_MAX - 2), [part_of(1)] * (ENTRIES_MAX - 1)),
        ([part_of(HALF, SHEET), part_of(HALF - 200, SHEET)], [part_of(HALF, SHEET), part_of(HALF - 199, SHEET)]),
        ([part_of(PART_BYTES_MAX)], [part_of(PART_BYTES_MAX + 1)]),
        ([part_of(SHARED_STRINGS_BYTES_MAX, STRINGS)], [part_of(SHARED_STRINGS_BYTES_MAX + 1, STRINGS)]),
        (
            [part_of(RATIO_MAX * 100_000, SHEET, packed=100_000)],
            [part_of(RATIO_MAX * 100_000 + 1, SHEET, packed=100_000)],
        ),
        ([part_of(RATIO_BYTES_MIN, SHEET, packed=1)], [part_of(RATIO_BYTES_MIN + 1, SHEET, packed=1)]),
    ],
    ids=["entries", "together", "a part", "strings", "ratio", "a small part"],
)
def test_an_archive_is_unpacked_up_to_its_limits(fits: list[Part], is_too_much: list[Part]) -> None:
    assert judge_archive([*NEEDED, *fits]) is None
    assert judge_archive([*NEEDED, *is_too_much]) == WORKBOOK_FLAWS["workbook_too_large"]


def test_the_list_of_what_is_in_an_archive_has_its_limit() -> None:
    """It is read before the limits of the rest are looked at."""
    (book, _), size = NEEDED, PART_BYTES_MAX
    assert judge_manifest([book, Part(MANIFEST, size, size)]) is None
    assert judge_manifest([book, Part(MANIFEST, size + 1, size)]) == WORKBOOK_FLAWS["workbook_too_large"]


@pytest.mark.parametrize("count", [SHEETS_NAMED_MAX, SHEETS_NAMED_MAX + 1])
def test_so_many_sheets_are_named(count: int) -> None:
    others: dict[str, Any] = {f"表{number}": [["x"]] for number in range(1, count + 1)}
    flaw, _ = unpack(make_workbook([], **others))
    assert flaw is not None
    assert [name in flaw.zh for name in others] == [number <= SHEETS_NAMED_MAX for number in range(1, count + 1)]


def unpack(content: bytes) -> tuple[Flaw | None, bytes]:
    """Return what becomes of a workbook: why it is not read, or the lines it holds."""
    blocks: list[bytes] = []
    flaw = unpack_workbook(lambda number: content[number * PART_BYTES :][:PART_BYTES], len(content), blocks.append)
    return flaw, b"".join(blocks)


def test_a_damaged_workbook_is_named_wherever_it_is_damaged() -> None:
    """Each byte of its sheet, and many of the rest: it is read, or refused as what it is; nothing else comes out."""
    content = make_workbook([COLUMNS, ["x"] * 11])
    assert unpack(content)[1].startswith(HEADER.encode())
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sheet = archive.getinfo("xl/worksheets/sheet1.xml")
    places = {*range(0, len(content), 7), *(sheet.header_offset + at for at in range(sheet.compress_size + 60))}
    codes = set()
    for place in sorted(places):
        flaw, _ = unpack(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
        codes.add(None if flaw is None else flaw.code)
    assert "workbook_unreadable" in codes
    assert codes <= {None, "workbook_unreadable", "workbook_too_large", "file_is_zip"}


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_workbook_is_packed_as_workbooks_are(packing: int) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(make_workbook([COLUMNS]))) as old, zipfile.ZipFile(out, "w", packing) as new:
        for part in old.infolist():
            new.writestr(part.filename, old.read(part))
    assert unpack(out.getvalue())[0] == WORKBOOK_FLAWS["workbook_unreadable"]


async def test_a_damaged_upload_is_refused_and_not_tried_again(client: AsyncClient) -> None:
    content = bytearray(make_workbook([COLUMNS] * 50))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        begin = archive.getinfo("xl/worksheets/sheet1.xml").header_offset + 30 + len("xl/worksheets/sheet1.xml")
    content[begin] ^= 0xFF
    shown = await finish(client, await upload(client, bytes(content), await make_source(), media=WORKBOOK_MEDIA))
    assert (shown["state"], shown["refusal"]["code"]) == ("refused", "workbook_unreadable")


@pytest.mark.parametrize("raised", [TimeoutError("slow"), asyncpg.DataError("wrong"), OSError("gone")])
@pytest.mark.parametrize("name", ["find_part", "insert_part"])
async def test_a_database_that_fails_is_no_flaw_of_the_workbook(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch, raised: Exception, name: str
) -> None:
    """The import waits for the next time, and its pieces are still there then."""
    person, source = await join(client), await make_source()
    content = make_workbook([COLUMNS, line_of(person).split(",")])
    answer = await upload(client, content, source, media=WORKBOOK_MEDIA)
    import_id = UUID(answer.json()["id"])
    real, asked = getattr(parts_queries, name), 0

    async def fail(*args: Any) -> Any:
        nonlocal asked
        asked += 1
        if name == "find_part" and asked == 1:  # what tells a workbook from a table of text
            return await real(*args)
        raise raised

    monkeypatch.setattr(parts_queries, name, fail)
    with pytest.raises(type(raised)):
        await run_import(import_id, pace=FULL)
    monkeypatch.undo()
    assert (await finish(client, answer))["summary"]["accepted"] == 1


async def test_who_is_cancelled_while_unpacking_stores_nothing_any_more(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the piece that is under way, nor one the thread comes to afterwards."""
    source = await make_source()
    answer = await upload(client, make_workbook([COLUMNS]), source, media=WORKBOOK_MEDIA)
    import_id = UUID(answer.json()["id"])
    insert, under_way, let_go = parts_queries.insert_part, asyncio.Event(), asyncio.Event()
    numbers: list[int] = []

    async def insert_slowly(of: UUID, number: int, cipher: bytes) -> None:
        numbers.append(number)
        under_way.set()
        await let_go.wait()
        await insert(of, number, cipher)

    tried: list[BaseException] = []
    over = threading.Event()

    def put_on_and_on(_find: Any, _size: int, put: Any) -> None:
        for _ in range(3):
            try:
                put(b"x" * PART_BYTES)
            except BaseException as error:  # noqa: BLE001 - whatever it is
                tried.append(error)
        over.set()

    monkeypatch.setattr(parts_queries, "insert_part", insert_slowly)
    monkeypatch.setattr(workbook_actions, "unpack_workbook", put_on_and_on)
    running = asyncio.create_task(run_import(import_id, pace=FULL))
    await asyncio.wait_for(under_way.wait(), 30)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    let_go.set()
    assert await asyncio.to_thread(over.wait, 30)
    assert len(tried) == 3
    assert len(numbers) == 1, "only the first has come as far as the database"
    assert (
        await fetch_value(
            "SELECT count(*) FROM import_part WHERE import_id = $1 AND number >= $2", import_id, UNPACKED_FROM
        )
        == 0
    )
