"""What kind of file came, by its beginning; what is no table is refused by a clear reason."""

from __future__ import annotations

import gzip
import io
import zipfile
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.intake.fact.item import Flaw
from app.intake.reading.format import FORMAT_FLAWS, HEAD_BYTES, FileFormat, detect_format
from app.intake.reading.lines import COLUMNS_MAX, ROW_BYTES_MAX

HEADER = "姓名,身份证号,日期"
TEXT = HEADER + "\n" + "张三,119900199003140013,2026-01-05\n李四,119900199003140021,2026-01-06\n" * 50


def formatted(head: bytes, *, is_last: bool = True) -> FileFormat:
    found = detect_format(head, is_last=is_last)
    assert isinstance(found, FileFormat), found
    return found


def flaw_of(head: bytes, *, is_last: bool = True) -> str:
    found = detect_format(head, is_last=is_last)
    return found.code if isinstance(found, Flaw) else "fine"


def a_zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("xl/worksheets/sheet1.xml", "<worksheet/>")
    return out.getvalue()


@pytest.mark.parametrize(
    ("head", "encoding", "skipped"),
    [
        (TEXT.encode(), "utf-8", 0), (TEXT.encode("utf-8-sig"), "utf-8", 3), (TEXT.encode("gbk"), "gb18030", 0),
        (TEXT.encode("gb18030"), "gb18030", 0), (b"\x84\x31\x95\x33" + TEXT.encode("gb18030"), "gb18030", 4),
        (b"name,idNumber,eventOn\na,b,c\n", "utf-8", 0),
        # One spoilt row does not decide for all, neither way.
        (TEXT.encode() + "王五,x,y\n".encode("gbk"), "utf-8", 0),
        (TEXT.encode("gbk") + "王五,x,y\n".encode(), "gb18030", 0),
    ],
)  # fmt: skip
def test_encodings(head: bytes, encoding: str, skipped: int) -> None:
    found = formatted(head)
    assert found.encoding == encoding
    assert found.columns in {("姓名", "身份证号", "日期"), ("name", "idNumber", "eventOn")}
    assert head[found.header_bytes - 1 : found.header_bytes] == b"\n"
    assert head[skipped : found.header_bytes].decode(encoding).strip() == ",".join(found.columns)


@given(st.integers(0, 200), st.sampled_from(["utf-8", "gb18030"]))
def test_a_head_that_ends_inside_a_character_is_not_misjudged(cut: int, encoding: str) -> None:
    data = (TEXT * 3).encode(encoding)
    assert formatted(data[: len(data) - cut], is_last=False) == formatted(data)


@pytest.mark.parametrize(
    ("line", "delimiter", "columns"),
    [
        ("姓名,身份证号", ",", ("姓名", "身份证号")), ("姓名;身份证号", ";", ("姓名", "身份证号")),
        ("姓名\t身份证号", "\t", ("姓名", "身份证号")), ("姓名", ",", ("姓名",)),
        ('"姓名,全名,曾用名";身份证号;日期', ";", ("姓名,全名,曾用名", "身份证号", "日期")),
        ('"姓名\n(必填)",身份证号', ",", ("姓名\n(必填)", "身份证号")),
    ],
)  # fmt: skip
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiters_and_headers(line: str, delimiter: str, columns: tuple[str, ...], end: str) -> None:
    head = f"{end}{end}{line}{end}x{end}".encode()
    found = formatted(head)
    assert (found.delimiter, found.columns) == (delimiter, columns)
    assert head[found.header_bytes :] == f"x{end}".encode()
    assert found.first_number == 4 + line.count("\n")


def test_lines_of_json() -> None:
    found = formatted(b'\xef\xbb\xbf\n{"eventId": "1"}\n')
    assert (found.kind, found.columns, found.header_bytes, found.first_number) == ("jsonl", (), 3, 1)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"", "file_empty"), (b"\n\r\n  \n", "file_empty"), (b"\xef\xbb\xbf", "file_empty"),
        (b"\xef\xbb\xbf\r\n", "file_empty"), (a_zip(), "file_is_zip"),
        (b"PK\x05\x06" + bytes(18), "file_is_zip"), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "file_is_xls"),
        (gzip.compress(TEXT.encode()), "file_is_compressed"), (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "file_is_pdf"),
        (TEXT.encode("utf-16"), "file_is_utf16"), (TEXT.encode("utf-16-le"), "file_is_utf16"),
        ("a,b\n".encode("utf-16-be") * 9, "file_is_utf16"), (TEXT.encode("utf-32"), "file_is_utf16"),
        (b"<html><table><tr><td>1</td></tr></table>", "file_is_markup"), (b'\n<?xml version="1.0"?>', "file_is_markup"),
        (b"%TSD-Header-###%" + bytes(range(256)), "file_is_sealed"), (bytes(range(256)) * 9, "file_is_binary"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "file_is_binary"), (b'[{"eventId": "1"}]', "json_not_lines"),
        ("naïve,café\n".encode("latin-1") * 9, "encoding_unknown"),
        (b"a" * ROW_BYTES_MAX + b"b\n", "header_too_long"), (b"a\x00b,c\n1,2\n" + b"x" * 99, "header_unreadable"),
        (b"," * COLUMNS_MAX + b"\n", "header_columns_too_many"), (b'a,"b\n1,2\n', "header_unreadable"),
        (b'a,"b"c\n1,2\n', "header_unreadable"), ("姓名,".encode() + b"\xff\n" + TEXT.encode(), "header_unreadable"),
    ],
)  # fmt: skip
def test_what_is_no_table(head: bytes, expected: str) -> None:
    assert flaw_of(head) == expected


def test_a_header_of_a_million_columns_is_refused() -> None:
    head = b",".join(b"c%d" % number for number in range(1_000_001)) + b"\n"
    assert flaw_of(head[:HEAD_BYTES], is_last=False) == "header_columns_too_many"
    assert flaw_of(head) == "header_columns_too_many"


def test_a_head_without_any_line_end_is_refused() -> None:
    assert flaw_of(b"a" * HEAD_BYTES, is_last=False) == "header_too_long"
    assert flaw_of(b"\n" * HEAD_BYTES, is_last=False) == "header_too_long"


@pytest.mark.parametrize("columns", [COLUMNS_MAX, COLUMNS_MAX - 1])
def test_the_most_columns_a_header_may_have(columns: int) -> None:
    assert len(formatted(b",".join([b"x"] * columns) + b"\n").columns) == columns


def test_a_format_is_stored_as_json() -> None:
    found = formatted(TEXT.encode("gbk"))
    assert msgspec.json.decode(msgspec.json.encode(found), type=FileFormat) == found


@given(st.binary(max_size=300), st.booleans())
def test_any_beginning_gets_a_verdict(head: bytes, is_last: bool) -> None:
    assert isinstance(detect_format(head, is_last=is_last), FileFormat | Flaw)


def test_every_flaw_of_a_file_is_tested_in_both_languages() -> None:
    cases: Any = test_what_is_no_table
    (mark,) = cases.pytestmark
    assert set(FORMAT_FLAWS) == {expected for _, expected in mark.args[1]}
    assert all(flaw.zh and flaw.en for flaw in FORMAT_FLAWS.values())
