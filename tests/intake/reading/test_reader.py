"""Blocks of a file become rows: the same ones however the file is cut and wherever reading goes on."""

from __future__ import annotations

import csv
import io
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.intake.fact.item import Flaw
from app.intake.reading import lines as reading_lines
from app.intake.reading import reader as reading_reader
from app.intake.reading.format import FileFormat, detect_format
from app.intake.reading.lines import CELL_CHARACTERS_MAX, COLUMNS_MAX, LINE_FLAWS, ROW_BYTES_MAX, ROW_LINES_MAX
from app.intake.reading.reader import READER_FLAWS, TEXT_CHARACTERS_MAX, ReadRow, RowReader

HEADER = b"a,b,c\n"
PLAIN = FileFormat(kind="csv", encoding="utf-8", columns=("a", "b", "c"), header_bytes=len(HEADER), first_number=2)
GB = FileFormat(kind="csv", encoding="gb18030", columns=("a", "b", "c"), header_bytes=len(HEADER), first_number=2)
JSONL = FileFormat(kind="jsonl", encoding="utf-8")
MEBIBYTE = 1024 * 1024


def read(data: bytes, format_: FileFormat = PLAIN) -> list[ReadRow]:
    reader = RowReader(format_)
    return reader.feed(data) + reader.finish()


def rows_of(data: bytes, format_: FileFormat = PLAIN) -> list[tuple[int, Any]]:
    """Return (number, cells or the flaw's code) of every row."""
    return [(row.number, row.flaw.code if row.flaw else row.cells) for row in read(data, format_)]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"1,2,3\n4,5,6\n", [(2, ["1", "2", "3"]), (3, ["4", "5", "6"])]),
        (b"1,2,3\r\n4,5,6", [(2, ["1", "2", "3"]), (3, ["4", "5", "6"])]),
        (b"1,2,3\r4,5,6\r", [(2, ["1", "2", "3"]), (3, ["4", "5", "6"])]),
        ("张,三,\u3000x\u2028y\n".encode(), [(2, ["张", "三", "\u3000x\u2028y"])]),
        (b"", []), (b"\n\r\n\r", []),
        # Blank lines are no rows, and shift no numbers; a spreadsheet's empty rows are blank.
        (b"\n1,2,3\n\n  \n,,\n, ,\n4,5,6\n", [(3, ["1", "2", "3"]), (8, ["4", "5", "6"])]),
        (b" , ,\t\n 1,2,3\n", [(3, [" 1", "2", "3"])]),
        (b'"","",""\n1,2,3\n,,3', [(3, ["1", "2", "3"]), (4, ["", "", "3"])]),
        # Quotes.
        (b'"1,1","2""2",3\n', [(2, ["1,1", '2"2', "3"])]),
        (b'1,5" pipe,3\n', [(2, ["1", '5" pipe', "3"])]),
        (b'"1","2""2","3"\n"1","2"x","3"\n', [(2, ["1", '2"2', "3"]), (3, "quote_unclosed")]),
        (b'1,"2\n2\r\n2",3\n4,5,6\n', [(2, ["1", "2\n2\n2", "3"]), (5, ["4", "5", "6"])]),
        (b'1,"2,3\n4,5,6\n7,8,9\n', [(2, "quote_unclosed"), (3, ["4", "5", "6"]), (4, ["7", "8", "9"])]),
        (b'1,"2,3\n4,"5",6\n7,8,9\n', [(2, "quote_unclosed"), (3, ["4", "5", "6"]), (4, ["7", "8", "9"])]),
        (b'1,"2"x,3\n4,5,6\n', [(2, "quote_unclosed"), (3, ["4", "5", "6"])]),
        (b'1,"2\n\xff",3\n4,5,6\n', [(2, "quote_unclosed"), (3, "encoding_wrong"), (4, ["4", "5", "6"])]),
        (b'1,"2\n\x00",3\n4,5,6\n', [(2, "quote_unclosed"), (3, "nul_in_row"), (4, ["4", "5", "6"])]),
        # Columns.
        (b"1,2\n4,5,6\n", [(2, "row_truncated"), (3, ["4", "5", "6"])]),
        (b"4,5,6\n1,2", [(2, ["4", "5", "6"]), (3, "row_truncated")]),
        (b"1,2,3,4\n4,5,6,,\n", [(2, "row_overlong"), (3, ["4", "5", "6"])]),
        (b"a,b,c\n4,5,6\n\xef\xbb\xbfa,b,c\n", [(2, "header_repeated"), (3, ["4", "5", "6"]), (4, "header_repeated")]),
        # Bytes.
        (b"1,\x00,3\n4,5,6\n", [(2, "nul_in_row"), (3, ["4", "5", "6"])]),
        ("1,张,3\n".encode("gbk") + "4,张,6\n".encode(), [(2, "encoding_wrong"), (3, ["4", "张", "6"])]),
        (b"1,2,\xe5\xbc", [(2, "encoding_wrong")]),
    ],
)  # fmt: skip
def test_rows(data: bytes, expected: list[tuple[int, Any]]) -> None:
    assert rows_of(data) == expected


def test_a_row_of_another_encoding_in_gb18030_is_spoilt_alone() -> None:
    data = "1,张,3\n".encode("gbk") + b"4,\xff,6\n" + "7,鿏𠀀,9\n".encode("gb18030")
    assert rows_of(data, GB) == [(2, ["1", "张", "3"]), (3, "encoding_wrong"), (4, ["7", "鿏𠀀", "9"])]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b'{"a": 1, "b": null}', {"a": 1, "b": None}), (b"[1]", "malformed"), (b"1", "malformed"), (b"{}", "malformed"),
        (b'{"a": 1', "malformed"), (b'{"a": ' + b"[" * 5_000, "malformed"), (b'{"a": "\xff"}', "encoding_wrong"),
        (b'{"a": "\\ud800"}', "malformed"), (b"\x00{}", "nul_in_row"),
        (b"{" + b",".join(b'"%d":1' % n for n in range(COLUMNS_MAX + 1)) + b"}", "columns_too_many"),
        (b'{"a": "' + b"x" * (CELL_CHARACTERS_MAX + 1) + b'"}', "cell_too_long"),
        (b'{"a": "' + b"x" * ROW_BYTES_MAX + b'"}', "row_too_long"),
    ],
)  # fmt: skip
def test_lines_of_json(line: bytes, expected: object) -> None:
    assert rows_of(line + b'\n\n{"z": "z"}', JSONL) == [(1, expected), (3, {"z": "z"})]


def test_every_flaw_is_tested() -> None:
    tested = {
        expected for test in (test_rows, test_lines_of_json, test_limits) for _, expected in _cases(test)
        if isinstance(expected, str)
    } | {code for _, rows in _cases(test_rows) for _, code in rows if isinstance(code, str)}  # fmt: skip
    assert set(LINE_FLAWS) | set(READER_FLAWS) <= tested


def _cases(test: Any) -> list[tuple[Any, Any]]:
    (mark,) = test.pytestmark
    return [(case[0], case[-1]) for case in mark.args[1]]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"1,2," + b"3" * CELL_CHARACTERS_MAX, "fine"),
        (b"1,2," + b"3" * (CELL_CHARACTERS_MAX + 1), "cell_too_long"),
        (b'1,2,"' + b"3" * (CELL_CHARACTERS_MAX + 1) + b'"', "cell_too_long"),
        (b"," * (COLUMNS_MAX - 1) + b"x", "row_overlong"),
        (b"," * COLUMNS_MAX + b"x", "columns_too_many"),
        (b'"",' + b"," * COLUMNS_MAX + b"x", "columns_too_many"),
        (b"1,2,".ljust(ROW_BYTES_MAX, b"3"), "cell_too_long"),
        (b"1,2,".ljust(ROW_BYTES_MAX + 1, b"3"), "row_too_long"),
        (b'1,2,"'.ljust(ROW_BYTES_MAX, b"3"), "quote_unclosed"),
        (b",".join([b"x"] * 1_000_001), "columns_too_many"),
        (b'1,2,"' + b"\n" * (ROW_LINES_MAX - 1) + b'"', "fine"),
        (b'1,2,"' + b"\n" * ROW_LINES_MAX + b'"', "quote_unclosed"),
        (b'1,2,"' + (b"x" * 3_000 + b"\n") * 1 + b'"', "fine"),
        (b'""'.ljust(ROW_BYTES_MAX, b"x"), "quote_unclosed"),
        (b'1,2,"' + (b"x" * (ROW_BYTES_MAX // 4) + b"\n") * 4 + b'"', "quote_unclosed"),
    ],
)  # fmt: skip
def test_limits(line: bytes, expected: str) -> None:
    rows = read(line + b"\n4,5,6\n")
    assert (rows[0].flaw.code if rows[0].flaw else "fine") == expected
    assert rows[0].number == 2
    assert (rows[-1].cells, rows[-1].number) == (["4", "5", "6"], 3 + line.count(b"\n"))


def test_a_line_of_four_gigabytes_is_one_bad_row_at_flat_memory() -> None:
    block, reader = b"x" * MEBIBYTE, RowReader(PLAIN)
    rows = reader.feed(b"1,2,3\n")
    tracemalloc.start()
    for _ in range(4 * 1024):
        rows += reader.feed(block)
    rows += reader.feed(b"\r")
    rows += reader.feed(b"\n4,5,6\n") + reader.finish()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * MEBIBYTE
    assert [(row.number, row.flaw and row.flaw.code) for row in rows] == [(2, None), (3, "row_too_long"), (4, None)]
    assert len(rows[1].text) == TEXT_CHARACTERS_MAX
    assert reader.offset == len(HEADER) + 6 + 4 * 1024 * MEBIBYTE + 2 + 6


def test_an_open_quote_before_four_hundred_megabytes_holds_nothing() -> None:
    block, reader = b"x" * MEBIBYTE, RowReader(PLAIN)
    rows = reader.feed(b'1,2,"3\n')
    assert rows == []
    tracemalloc.start()
    for _ in range(400):
        rows += reader.feed(block)
    rows += reader.feed(b'"\n4,5,6\n') + reader.finish()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * MEBIBYTE
    assert [row.flaw and row.flaw.code for row in rows] == ["quote_unclosed", "row_too_long", None]


def test_a_row_of_lines_may_be_as_long_as_a_line_however_it_is_cut() -> None:
    line = b"x" * (ROW_BYTES_MAX // 20 - 1)  # with its line end a twentieth of what a row may have
    fitting = b'1,2,"'.ljust(len(line), b"x") + b"\r\n" + (line + b"\r\n") * 15 + b'x"' + b"\r\n4,5,6\r\n"
    rest = ROW_BYTES_MAX - 16 * (len(line) + 1)
    for last, expected in ((rest, "cell_too_long"), (rest + 1, "quote_unclosed")):
        data = fitting.replace(b'x"', b'"'.rjust(last, b"x"))
        for cut_at in range(data.rindex(b'"') - 1, data.rindex(b'"') + 4):
            reader = RowReader(PLAIN)
            rows = reader.feed(data[:cut_at]) + reader.feed(data[cut_at:]) + reader.finish()
            assert rows == read(data)
            assert rows[0].flaw is not None
            assert rows[0].flaw.code == expected


def test_text_stays_as_sent_up_to_a_limit() -> None:
    rows = read('1,"张\r\n三",3\n'.encode() + b"x" * (TEXT_CHARACTERS_MAX + 1) + b"\n")
    assert rows[0].text == '1,"张\n三",3'
    assert rows[1].text == "x" * TEXT_CHARACTERS_MAX


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=8)


@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=8), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_what_a_writer_writes_is_read(rows: list[list[str]], end: str, is_quoted: bool) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator=end, quoting=csv.QUOTE_ALL if is_quoted else csv.QUOTE_MINIMAL).writerows(rows)
    blank = " \t\u3000\ufeff,"
    wanted = [
        row for row in rows
        if any(row) and (is_quoted or any(set(cell) & set('",\n') or cell.strip(blank) for cell in row))
    ]  # fmt: skip
    got = [row.cells for row in read(out.getvalue().encode())]
    assert got == [row for row in wanted if row != ["a", "b", "c"]]


PIECES = st.lists(
    st.sampled_from(
        [b"a", b"b,c", b",", b",,", b'"', b'""', b'"x', b'x"', b"\n", b"\r", b"\r\n", b"\n\n", b" ", "张".encode(),
         "张".encode("gbk"), b"\xff", b"\x00", b"1,2,3\n", b'1,"2\n2",3\n', b"a,b,c\n", b"x" * 25, b"{}", b'{"a":1}\n']
    ),
    max_size=40,
).map(b"".join)  # fmt: skip
CUTS = st.lists(st.integers(1, 30), max_size=40)
FORMATS = st.sampled_from([PLAIN, GB, JSONL])


@pytest.fixture(autouse=True, scope="module")
def _restore() -> Any:
    limits = {name: getattr(reading_reader, name) for name in ("ROW_BYTES_MAX", "ROW_LINES_MAX", "COLUMNS_MAX")}
    yield
    assert {name: getattr(reading_reader, name) for name in limits} == limits


def with_small_limits(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(reading_reader, "ROW_BYTES_MAX", 60)
    patch.setattr(reading_reader, "PLAIN_CHARACTERS_MAX", 15)
    patch.setattr(reading_reader, "ROW_LINES_MAX", 4)
    patch.setattr(reading_reader, "COLUMNS_MAX", 12)
    patch.setattr(reading_lines, "COLUMNS_MAX", 12)


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    blocks = []
    for size in cuts:
        blocks.append(data[:size])
        data = data[size:]
    return [*blocks, data]


@given(PIECES, CUTS, FORMATS)
def test_any_cut_gives_the_same_rows(data: bytes, cuts: list[int], format_: FileFormat) -> None:
    with pytest.MonkeyPatch.context() as patch:
        with_small_limits(patch)
        reader = RowReader(format_)
        rows = [row for block in cut(data, cuts) for row in reader.feed(block)] + reader.finish()
        assert rows == read(data, format_)
        assert reader.offset == format_.header_bytes + len(data)


@given(PIECES, CUTS, FORMATS, st.integers(0, 40))
def test_reading_can_go_on_after_any_block(data: bytes, cuts: list[int], format_: FileFormat, until: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        with_small_limits(patch)
        first, rows = RowReader(format_), []
        for block in cut(data, cuts)[:until]:
            rows += first.feed(block)
        second = RowReader(format_, offset=first.offset, number=first.number)
        rest = data[first.offset - format_.header_bytes :]
        rows += [row for block in cut(rest, cuts[::-1]) for row in second.feed(block)] + second.finish()
        assert rows == read(data, format_)


@given(PIECES, FORMATS)
def test_no_line_is_lost_or_read_twice(data: bytes, format_: FileFormat) -> None:
    rows = read(data, format_)
    numbers = [row.number for row in rows]
    assert numbers == sorted(set(numbers))
    covered = {number + line for row in rows for number, line in _lines_of(row)}
    lines = dict(enumerate(data.splitlines(), start=format_.first_number))
    blank = b' \t,"' if format_.kind == "csv" else b" \t"
    full = {number for number, line in lines.items() if line.strip(blank)}
    assert full <= covered
    assert all(isinstance(row.flaw, Flaw) or row.cells for row in rows)


def _lines_of(row: ReadRow) -> list[tuple[int, int]]:
    return [(row.number, line) for line in range(row.text.count("\n") + 1)]


@given(st.binary(max_size=400))
def test_any_file_is_read(data: bytes) -> None:
    found = detect_format(data, is_last=True)
    if isinstance(found, FileFormat):
        reader = RowReader(found)
        reader.feed(data[reader.offset :])
        reader.finish()
        assert reader.offset == len(data) + (len(data) < found.header_bytes)
