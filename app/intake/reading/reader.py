"""Blocks of a file become rows (读取): streaming, at flat memory, the same rows however the file is cut. Pure.

Rows are numbered as an editor shows them: the number of a row is the line it begins on, counted from 1 with the header,
blank lines and line breaks inside quoted cells.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from app.intake.fact.item import Flaw, make_flaws
from app.intake.reading.format import FileFormat
from app.intake.reading.lines import (
    CELL_CHARACTERS_MAX,
    COLUMNS_MAX,
    LINE_FLAWS,
    ROW_BYTES_MAX,
    ROW_LINES_MAX,
    decode_text,
    find_cut,
    find_line_end,
    join_lines,
    parse_object,
    split_line,
)

TEXT_CHARACTERS_MAX = 4_000  # of a row as it was sent, stored for the official who corrects it
# So short that no limit is near.
PLAIN_CHARACTERS_MAX = min(CELL_CHARACTERS_MAX, TEXT_CHARACTERS_MAX, ROW_BYTES_MAX // 4)

READER_FLAWS = make_flaws(
    ("row_truncated", "", "该行的列数少于表头", "the row has fewer columns than the header"),
    ("row_overlong", "", "该行的列数多于表头", "the row has more columns than the header"),
    ("header_repeated", "", "表头重复出现", "the header is repeated"),
)


class ReadRow(msgspec.Struct, gc=False):
    """A row of a file: the line it begins on, as it was sent (cut to a limit), its cells, or why there are none.

    The cells of JSONL are the object's members, decoded.
    """

    number: int
    text: str
    cells: list[str] | dict[str, object]
    flaw: Flaw | None = None


class RowReader:
    """Reads the rows of one file.

    Feed it the file from ``offset`` on, which begins after the header. After every ``feed`` the pair ``offset`` and
    ``number`` is where a new reader can go on, after exactly the rows returned so far.
    """

    def __init__(self, format_: FileFormat, *, offset: int | None = None, number: int | None = None) -> None:
        self.offset = format_.header_bytes if offset is None else offset
        self.number = format_.first_number if number is None else number
        self._format = format_
        self._delimiter = format_.delimiter
        self._encoding = format_.encoding
        self._columns = list(format_.columns)
        self._blank = " \t\u3000\ufeff" + (format_.delimiter if format_.kind == "csv" else "")
        self._held = b""  # from ``offset`` on, not yet a whole row
        self._skipped = 0  # bytes of a line too long to be held; its beginning is held
        self._ends_in_cr = False  # the line end of such a line may go on in the next block

    def feed(self, block: bytes) -> list[ReadRow]:
        """Take the next bytes of the file and return the rows that are whole now, in order."""
        if not self._skipped:
            return self._read(self._held + block, is_last=False)
        return self._skip(block)

    def finish(self) -> list[ReadRow]:
        """Return what is left when the file has ended."""
        if self._skipped:
            return self._end_skipping(b"", 0)
        return self._read(self._held, is_last=True)

    def _read(self, data: bytes, *, is_last: bool) -> list[ReadRow]:
        cut = len(data) if is_last else find_cut(data)
        lines, tail = data[:cut].splitlines(), data[cut:]
        tail_bytes = 0 if is_last else len(tail.rstrip(b"\r")) + 1
        rows, used = self._read_lines(lines, self._decode(data[:cut], lines), tail_bytes, is_last=is_last)
        if used < len(lines):
            cut = sum(map(len, data.splitlines(keepends=True)[:used]))
            tail = data[cut:]
        self.offset += cut
        self._held = tail
        if used == len(lines) and len(tail) > ROW_BYTES_MAX + 1:
            self._held, self._skipped, self._ends_in_cr = tail[:ROW_BYTES_MAX], len(tail), tail.endswith(b"\r")
        return rows

    def _read_lines(
        self, lines: list[bytes], texts: list[str], tail_bytes: int, *, is_last: bool
    ) -> tuple[list[ReadRow], int]:
        """Return the rows of whole lines and how many lines they take; the rest waits for the end of a quoted cell."""
        rows: list[ReadRow] = []
        at, count = self._read_plain(texts, 0, rows), len(lines)
        while at < count:
            row, used = self._read_line(lines[at]), 1
            if row is None:
                quoted = self._read_quoted(lines, at, tail_bytes, is_last=is_last)
                if quoted is None:
                    break
                row, used = quoted
            if row.cells or row.flaw:
                rows.append(row)
            self.number += used
            at = self._read_plain(texts, at + used, rows)
        return rows, at

    def _read_plain(self, texts: list[str], at: int, rows: list[ReadRow]) -> int:
        """Read ordinary lines, which nearly all are, the quick way; return the place of the first other line."""
        if at >= len(texts):
            return at
        delimiter, blank, width = self._delimiter, self._blank, len(self._columns)
        first_number, last = self.number - at, self._columns[-1]
        quotes, between = 2 * width, f'"{delimiter}"'
        for place in range(at, len(texts)):
            text = texts[place]
            if len(text) > PLAIN_CHARACTERS_MAX or text[:1] in blank:
                break
            if '"' not in text:
                cells = text.split(delimiter)
            elif text[0] == text[-1] == '"' and text.count('"') == quotes:
                cells = text[1:-1].split(between)
            else:
                found = split_line(text, delimiter)
                if not isinstance(found, list):
                    break
                cells = found
            if len(cells) != width or cells[-1] == last or not cells[0]:
                break
            rows.append(ReadRow(first_number + place, text, cells))
        else:
            place += 1
        self.number = first_number + place
        return place

    def _decode(self, block: bytes, lines: list[bytes]) -> list[str]:
        """Return the texts of a block's lines; a spoilt line is empty here, so that it is read the careful way."""
        if self._format.kind == "jsonl":
            return []
        text = decode_text(block, self._encoding)
        if not text:
            return [decode_text(raw, self._encoding) for raw in lines]
        return (text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text).split("\n")

    def _read_line(self, raw: bytes) -> ReadRow | None:
        """Return the row on a line, without cells when it is blank; None when a quoted cell may go on in the next."""
        if len(raw) > ROW_BYTES_MAX:
            return self._spoil_long(raw[:ROW_BYTES_MAX])
        try:
            text = raw.decode(self._encoding)
        except UnicodeDecodeError:
            return self._spoil(raw.decode(self._encoding, "replace"), LINE_FLAWS["encoding_wrong"])
        if not text.strip(self._blank):
            return ReadRow(self.number, "", [])
        if "\0" in text:
            return self._spoil(text, LINE_FLAWS["nul_in_row"])
        if self._format.kind == "jsonl":
            return self._read_object(text)
        cells = split_line(text, self._delimiter)
        return None if cells is None else self._make_row(text, cells)

    def _read_object(self, text: str) -> ReadRow:
        members = parse_object(text)
        if isinstance(members, Flaw):
            return self._spoil(text, members)
        return ReadRow(self.number, text[:TEXT_CHARACTERS_MAX], members)

    def _read_quoted(
        self, lines: list[bytes], at: int, tail_bytes: int, *, is_last: bool
    ) -> tuple[ReadRow, int] | None:
        """Return the row that goes on over line ends and how many lines it takes; None when it needs more lines.

        When its quote is not closed within the limits only its first line is spoilt: a stray quote costs one row.
        """
        texts: list[str] = []
        joined = join_lines(self._iter_window(lines[at : at + ROW_LINES_MAX], texts), self._delimiter)
        if joined is None and not is_last and len(texts) == len(lines) - at and len(texts) < ROW_LINES_MAX:
            room = ROW_BYTES_MAX + 1 - sum(len(raw) + 1 for raw in lines[at:])
            if room >= tail_bytes:
                return None
        if joined is None or isinstance(joined, Flaw):
            return self._spoil(texts[0], joined or LINE_FLAWS["quote_unclosed"]), 1
        cells, used = joined
        return self._make_row("\n".join(texts[:used]), cells), used

    def _iter_window(self, lines: list[bytes], texts: list[str]) -> Iterator[str]:
        """Yield the lines that one row may have, and add them to ``texts``."""
        room = ROW_BYTES_MAX + 1  # the line end after the last one does not count
        for raw in lines:
            room -= len(raw) + 1
            if room < 0 or b"\0" in raw:
                return
            try:
                texts.append(raw.decode(self._encoding))
            except UnicodeDecodeError:
                return
            yield texts[-1]

    def _make_row(self, text: str, cells: list[str] | Flaw) -> ReadRow:
        """Compare the cells with the header; spreadsheets add empty cells at the end, which are dropped."""
        if isinstance(cells, Flaw):
            return self._spoil(text, cells)
        columns = self._columns
        if not cells[0] and not any(cells):
            return ReadRow(self.number, "", [])
        if len(cells) != len(columns):
            if len(cells) < len(columns):
                return self._spoil(text, READER_FLAWS["row_truncated"])
            if any(cells[len(columns) :]):
                return self._spoil(text, READER_FLAWS["row_overlong"])
            del cells[len(columns) :]
        if cells[-1] == columns[-1] and [cell.lstrip("\ufeff") for cell in cells] == columns:
            return self._spoil(text, READER_FLAWS["header_repeated"])
        return ReadRow(self.number, text[:TEXT_CHARACTERS_MAX], cells)

    def _spoil(self, text: str, flaw: Flaw) -> ReadRow:
        return ReadRow(self.number, text[:TEXT_CHARACTERS_MAX], [], flaw)

    def _spoil_long(self, begin: bytes) -> ReadRow:
        """Return the row of a line too long to be held, of which the first ``ROW_BYTES_MAX`` bytes are."""
        has_many = self._format.kind == "csv" and begin.count(self._delimiter.encode()) >= COLUMNS_MAX
        text = begin[: 4 * TEXT_CHARACTERS_MAX].decode(self._encoding, "replace")
        return self._spoil(text, LINE_FLAWS["columns_too_many" if has_many else "row_too_long"])

    def _skip(self, block: bytes) -> list[ReadRow]:
        """Pass over the rest of a line too long to be held."""
        if self._ends_in_cr and block:
            return self._end_skipping(block, 1 if block.startswith(b"\n") else 0)
        end = find_line_end(block)
        if end is None:
            self._skipped += len(block)
            self._ends_in_cr = block.endswith(b"\r")
            return []
        return self._end_skipping(block, end)

    def _end_skipping(self, block: bytes, end: int) -> list[ReadRow]:
        row = self._spoil_long(self._held)
        self.offset += self._skipped + end
        self.number += 1
        self._held, self._skipped, self._ends_in_cr = b"", 0, False
        return [row, *self._read(block[end:], is_last=False)]
