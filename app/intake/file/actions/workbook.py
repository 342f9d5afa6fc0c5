"""A workbook becomes lines of text before it is imported like any other file; no upload is stored in clear."""

from __future__ import annotations

import asyncio
import io
import logging
import os
import tempfile
import zipfile
from contextlib import asynccontextmanager
from typing import IO, TYPE_CHECKING

import msgspec
import openpyxl
from openpyxl.reader.excel import ExcelReader
from openpyxl.utils.datetime import from_excel

from app.intake.fact.item import Flaw
from app.intake.file.actions.parts import find_part, read_file, read_parts, store_part
from app.intake.file.counts import CHUNK_BYTES, PART_BYTES
from app.intake.file.queries import parts as parts_queries
from app.intake.reading.lines import COLUMNS_MAX
from app.intake.reading.workbook import (
    BUILT_IN_DAYS,
    ROWS_MAX,
    WORKBOOK_FLAWS,
    LineWriter,
    Part,
    find_cell_kind,
    is_workbook,
    judge_archive,
    judge_manifest,
    write_value,
)
from app.intake.source.mapping import fill

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
    from pathlib import Path
    from typing import Any
    from uuid import UUID

    from app.intake.file.actions.parts import ReadAt
    from app.intake.file.stored import StoredImport
    from app.intake.reading.workbook import CellKind

    Find = Callable[[int], bytes]
    Put = Callable[[bytes], None]

LOG = logging.getLogger("huixin.intake")
UNPACKED_FROM = 1_000_000  # the number of the first piece of text a workbook became; the workbook's own come before
SHEETS_NAMED_MAX = 5
PACKINGS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})  # all that workbooks have (ECMA-376-2, annex C)
assert openpyxl.DEFUSEDXML, "a workbook of a stranger is parsed without entities"


class Opened(msgspec.Struct, frozen=True):
    """A file as text: how it is read, how long it is, and whether it was a workbook."""

    read_at: ReadAt
    text_bytes: int
    is_workbook: bool


@asynccontextmanager
async def open_text(stored: StoredImport, path: Path | None) -> AsyncIterator[Opened | Flaw]:
    """Open an import's file, a workbook as the lines it holds; a flaw when it cannot be.

    An upload is unpacked into pieces beside its own, encrypted like them; an import that is resumed has them already. A
    file of this machine is unpacked into a nameless file, which is the same each time.
    """
    read_at = read_parts(stored.id) if path is None else read_file(path)
    if not is_workbook(await read_at(0)):
        yield Opened(read_at, stored.file_bytes or 0, is_workbook=False)
    elif path is not None:
        with path.open("rb") as source, tempfile.TemporaryFile() as text:
            size = os.fstat(source.fileno()).st_size
            find, put = _find_in(source), lambda block: _write_all(text, block)
            flaw = await asyncio.to_thread(unpack_workbook, find, size, put)
            yield flaw or Opened(_read_open(text), text.tell(), is_workbook=True)
    elif stored.file_format is None:
        unpacked = await _unpack_upload(stored)
        yield unpacked if isinstance(unpacked, Flaw) else Opened(_read_unpacked(stored.id), unpacked, is_workbook=True)
    else:
        yield Opened(_read_unpacked(stored.id), stored.file_bytes or 0, is_workbook=True)


def unpack_workbook(find: Find, size: int, put: Put) -> Flaw | None:
    """Hand on the lines of the one visible sheet that has rows, or return why the workbook is not read.

    ``find`` returns the pieces of the workbook by their number, of ``PART_BYTES`` each. What it or ``put`` raises is no
    flaw of the workbook: it is raised here, whatever the readers of archives and tables made of it.
    """
    outside = _Outside()
    source = io.BufferedReader(_Parts(outside.watch(find), size), PART_BYTES)
    try:
        flaw = _unpack(source, outside.watch(put))
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - a damaged archive makes its readers raise anything
        LOG.info("a workbook is not read: %s", type(error).__name__)
        flaw = WORKBOOK_FLAWS["workbook_unreadable"]
    if outside.failure is not None:
        raise outside.failure
    return flaw


class _Outside:
    """Keeps the first failure of what an archive is read from and its lines are written to."""

    def __init__(self) -> None:
        self.failure: BaseException | None = None

    def watch(self, call: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def watched(argument: Any) -> Any:
            try:
                return call(argument)
            except BaseException as error:
                self.failure = self.failure or error
                raise

        return watched


def _unpack(source: IO[bytes], put: Put) -> Flaw | None:
    if (flaw := judge_archive(_list_parts(source))) is not None:
        return flaw
    book = openpyxl.load_workbook(source, read_only=True, data_only=True, keep_links=False)
    try:
        sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
        filled = [sheet for sheet in sheets if _has_rows(sheet)]
        if len(filled) > 1:
            names = "、".join(sheet.title[:20] for sheet in filled[:SHEETS_NAMED_MAX])
            return fill(WORKBOOK_FLAWS["workbook_sheets_many"], names)
        return _write_lines(filled[0], put) if filled else None
    finally:
        book.close()


def _list_parts(source: IO[bytes]) -> list[Part]:
    """Return the parts of an archive with what they are, which is read only of a workbook of harmless size."""
    with zipfile.ZipFile(source) as archive:
        listed = archive.infolist()
    if any(one.compress_type not in PACKINGS for one in listed):
        raise zipfile.BadZipFile("packed as no workbook is")
    parts = [Part(one.filename, one.file_size, one.compress_size) for one in listed]
    if judge_manifest(parts) is not None:
        return parts
    reader = ExcelReader(source, read_only=True)
    reader.read_manifest()
    types = {one.PartName.removeprefix("/"): one.ContentType for one in reader.package.Override}
    return [msgspec.structs.replace(part, content_type=types.get(part.name, "")) for part in parts]


def _has_rows(sheet: Any) -> bool:
    rows = sheet.iter_rows(max_row=ROWS_MAX + 1, max_col=COLUMNS_MAX, values_only=True)
    return any(any(value is not None for value in row) for row in rows)


def _write_lines(sheet: Any, put: Put) -> Flaw | None:
    lines, kinds, held = LineWriter(), _Kinds(), 0
    for number, row in enumerate(_iter_rows(sheet), start=1):
        if number > ROWS_MAX:
            return WORKBOOK_FLAWS["workbook_rows_too_many"]
        if len(row) > COLUMNS_MAX and row[COLUMNS_MAX].value is not None:
            return WORKBOOK_FLAWS["workbook_columns_too_many"]
        lines.add([kinds.write(cell) for cell in row[:COLUMNS_MAX]])
        held += 1
        if held >= 1_000:  # noqa: PLR2004 - rows at a time
            put(lines.take())
            held = 0
    put(lines.take())
    return None


def _iter_rows(sheet: Any) -> Iterator[Any]:
    sheet.reset_dimensions()  # what a sheet says of its own size may be wrong
    return iter(sheet.iter_rows(max_col=COLUMNS_MAX + 1))


class _Kinds:
    """What the formats of a sheet's cells show, each looked at once."""

    def __init__(self) -> None:
        self._by_style: dict[int, tuple[CellKind, bool]] = {}

    def write(self, cell: Any) -> str:
        """Return what a cell says; a day of the Chinese Excel's own formats is still a number here."""
        value = cell.value
        if value is None or isinstance(value, str):
            return write_value(value, "plain")
        found = self._by_style.get(cell._style_id)  # noqa: SLF001 - the public way looks the format up each time
        if found is None:
            number = cell.style_array.numFmtId
            found = find_cell_kind(cell.number_format, number), number in BUILT_IN_DAYS
            self._by_style[cell._style_id] = found  # noqa: SLF001
        kind, is_bare = found
        if is_bare and isinstance(value, int | float) and not isinstance(value, bool):
            value = from_excel(value, cell.parent.parent.epoch)
        return write_value(value, kind)


async def _unpack_upload(stored: StoredImport) -> int | Flaw:
    """Unpack an upload in a thread that reads and writes its pieces through this loop; return the bytes of text.

    A thread cannot be cancelled: when this call is, its thread may go on for a while, but it reaches no piece any more,
    so that it is not in the way of the process that takes the import over.
    """
    await parts_queries.delete_parts(stored.id, first=UNPACKED_FROM)  # of a process that was killed here
    through = _Through(asyncio.get_running_loop())

    def find(number: int) -> bytes:
        clear: bytes = through.call(lambda: find_part(stored.id, number))
        return clear

    def store(number: int, clear: bytes) -> None:
        through.call(lambda: store_part(stored.id, number, clear))

    pieces = _Pieces(store)
    try:
        flaw = await asyncio.to_thread(unpack_workbook, find, stored.file_bytes or 0, pieces.put)
        if flaw is not None:
            return flaw
        await asyncio.to_thread(pieces.finish)
        return pieces.size
    finally:
        through.close()


class _Through:
    """The way of one thread into a loop, until the loop closes it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop, self._is_closed = loop, False
        self._under_way: asyncio.Task[Any] | None = None

    def call(self, ask: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """Have the loop run something, and wait in this thread for its result."""
        return asyncio.run_coroutine_threadsafe(self._ask(ask), self._loop).result()

    def close(self) -> None:
        """Let nothing more through, and cancel what is under way; to be called in the loop."""
        self._is_closed = True
        if self._under_way is not None:
            self._under_way.cancel()

    async def _ask(self, ask: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        if self._is_closed:  # asked in the loop, where ``close`` cannot come between this line and the next
            raise asyncio.CancelledError
        self._under_way = asyncio.current_task()
        return await ask()


class _Parts(io.RawIOBase):
    """Pieces as one file with ``seek``: an archive is read from its end."""

    def __init__(self, find: Find, size: int) -> None:
        self._find, self._size, self._at = find, size, 0
        self._last: tuple[int, bytes] = (-1, b"")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        begin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(begin + offset, 0)
        return self._at

    def readinto(self, buffer: Any) -> int:
        number, begin = divmod(self._at, PART_BYTES)
        if self._last[0] != number:
            self._last = (number, self._find(number))
        piece = self._last[1][begin : begin + len(buffer)]
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)


class _Pieces:
    """Text cut into pieces of one size, the last one shorter."""

    def __init__(self, store: Callable[[int, bytes], None]) -> None:
        self._store, self._held, self._number, self.size = store, bytearray(), UNPACKED_FROM, 0

    def put(self, block: bytes) -> None:
        """Take the next of the text."""
        self._held += block
        self.size += len(block)
        while len(self._held) >= PART_BYTES:
            self._cut(PART_BYTES)

    def finish(self) -> None:
        """Store what is left."""
        if self._held:
            self._cut(len(self._held))

    def _cut(self, size: int) -> None:
        self._store(self._number, bytes(self._held[:size]))
        del self._held[:size]
        self._number += 1


def _read_unpacked(import_id: UUID) -> ReadAt:
    return read_parts(import_id, first=UNPACKED_FROM)


def _read_open(text: IO[bytes]) -> ReadAt:
    async def read_at(offset: int) -> bytes:
        text.seek(offset)
        return text.read(CHUNK_BYTES)

    return read_at


def _find_in(file: IO[bytes]) -> Find:
    def find(number: int) -> bytes:
        file.seek(number * PART_BYTES)
        return file.read(PART_BYTES)

    return find


def _write_all(text: IO[bytes], block: bytes) -> None:
    text.write(block)
