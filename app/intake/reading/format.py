"""What kind of file came (识别): its encoding, its delimiter and its header, read from its beginning. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Literal

import msgspec

from app.intake.fact.item import Flaw, make_flaws
from app.intake.reading.header import normalise_header
from app.intake.reading.lines import COLUMNS_MAX, ROW_BYTES_MAX, ROW_LINES_MAX, Delimiter, Encoding, join_lines

HEAD_BYTES = 2 * ROW_BYTES_MAX  # how much of a file must be at hand, unless it is shorter
BYTE_ORDER_MARKS: tuple[tuple[bytes, Encoding], ...] = ((b"\xef\xbb\xbf", "utf-8"), (b"\x84\x31\x95\x33", "gb18030"))
DELIMITERS: tuple[Delimiter, ...] = (",", "\t", ";")
LINE_END = re.compile(rb"\r\n|\n|\r")
QUOTED = re.compile(r'"[^"]*"')
CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
TITLE_LINES_MAX = 10  # that are not blank, before the header: a title, who made it, when
HEADER_NAMES_MIN = 2  # of the source's columns: with fewer it may be a title, not a header
SEPARATOR_LINE = re.compile(rb'"?sep=(.)"?\s*', re.IGNORECASE)  # how a file says its delimiter to a spreadsheet
CONTROL_SHARE_MAX = 0.02  # of the bytes; a stray one spoils its row, not the file

FORMAT_FLAWS = make_flaws(
    ("file_empty", "", "文件是空的，或只有空行", "the file is empty, or has blank lines only"),
    ("file_is_zip", "", "这是压缩包，请解压后上传其中的文件",
     "this is a zip archive; unpack it and send what is inside"),
    ("file_is_xls", "", "这是旧版 Excel 或 Word 文件，请另存为 CSV（UTF-8）后再上传",
     "this is an old Excel or Word file; save it as CSV (UTF-8) and send that"),
    ("file_is_compressed", "", "这是压缩文件，请解压后再上传",
     "this file is compressed; unpack it and send what is inside"),
    ("file_is_pdf", "", "这是 PDF 文件，请导出为 CSV 后再上传", "this is a PDF; export it as CSV and send that"),
    ("file_is_markup", "", "这是网页或 XML 文件（部分系统以 .xls 名义导出），请另存为 CSV 后再上传",
     "this is HTML or XML, which some systems export as .xls; save it as CSV and send that"),
    ("file_is_utf16", "", "文件编码为 UTF-16 或 UTF-32，请另存为 UTF-8 后再上传",
     "the file is UTF-16 or UTF-32; save it as UTF-8 and send that"),
    ("file_is_sealed", "", "文件被文档加密软件加密，请解密后再上传",
     "the file is encrypted by document-protection software; decrypt it and send that"),
    ("file_is_binary", "", "这不是文本文件", "this is not a text file"),
    ("encoding_unknown", "", "文件既不是 UTF-8 也不是 GB18030（含 GBK）",
     "the file is neither UTF-8 nor GB18030 (GBK)"),
    ("json_not_lines", "", "JSON 文件应每行一个对象（JSONL）", "a JSON file has one object per line (JSONL)"),
    ("header_too_long", "", f"表头超过 {ROW_BYTES_MAX} 字节或没有换行",
     f"the header is longer than {ROW_BYTES_MAX} bytes, or has no line end"),
    ("header_columns_too_many", "", f"表头超过 {COLUMNS_MAX} 列", f"the header has more than {COLUMNS_MAX} columns"),
    ("header_unreadable", "", "表头无法读取（编码或引号有误）",
     "the header cannot be read: its encoding or its quotes"),
)  # fmt: skip

MAGIC = (
    (b"PK\x03\x04", "file_is_zip"), (b"PK\x05\x06", "file_is_zip"), (b"PK\x07\x08", "file_is_zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "file_is_xls"), (b"%PDF", "file_is_pdf"), (b"%TSD-Header", "file_is_sealed"),
    (b"\x1f\x8b", "file_is_compressed"), (b"BZh", "file_is_compressed"), (b"\xfd7zXZ\x00", "file_is_compressed"),
    (b"\x28\xb5\x2f\xfd", "file_is_compressed"), (b"7z\xbc\xaf\x27\x1c", "file_is_compressed"),
    (b"Rar!\x1a\x07", "file_is_compressed"), (b"\xff\xfe", "file_is_utf16"), (b"\xfe\xff", "file_is_utf16"),
    (b"\x00\x00\xfe\xff", "file_is_utf16"), (b"<", "file_is_markup"),
)  # fmt: skip


class FileFormat(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How to read a file. It is stored as JSON, to go on with the file later.

    ``columns`` is the header as sent, empty for JSONL, whose rows name their own. The first row begins after
    ``header_bytes``, on the line ``first_number``. A workbook is read as the lines it was unpacked to.
    """

    kind: Literal["csv", "jsonl"]
    encoding: Encoding
    delimiter: Delimiter = ","
    columns: tuple[str, ...] = ()
    header_bytes: int = 0
    first_number: int = 1
    is_workbook: bool = False


def detect_format(head: bytes, *, is_last: bool, names: Collection[str] = ()) -> FileFormat | Flaw:
    """Return the format, by the first ``HEAD_BYTES`` of a file or all of it; a flaw is about the whole file.

    The header is the first line with ``HEADER_NAMES_MIN`` of the columns' ``names``, as ``normalise_header`` returns
    them, after at most ``TITLE_LINES_MAX`` others; without such a line the first one that is not blank.
    """
    if flaw := _judge_nature(head):
        return flaw
    mark, encoding = next(((m, e) for m, e in BYTE_ORDER_MARKS if head.startswith(m)), (b"", None))
    lines, ends = _split_head(head, len(mark), is_last=is_last)
    first = next((number for number, line in enumerate(lines) if line.strip()), None)
    if first is None or len(lines[first]) > ROW_BYTES_MAX:
        return _judge_overlong(head[len(mark) :], is_last=is_last)
    encoding = encoding or _detect_encoding(lines)
    if encoding is None:
        return FORMAT_FLAWS["encoding_unknown"]
    if lines[first].lstrip().startswith(b"["):
        return FORMAT_FLAWS["json_not_lines"]
    if lines[first].lstrip().startswith(b"{"):
        return FileFormat(kind="jsonl", encoding=encoding, header_bytes=len(mark))
    return _find_header(lines, ends, first, encoding, names)


def _judge_nature(head: bytes) -> Flaw | None:
    """Return what a file is that is not text."""
    begin = head.lstrip() if head[:1].isspace() else head
    for magic, code in MAGIC:
        if begin.startswith(magic):
            return FORMAT_FLAWS[code]
    zeros = head.count(0)
    if zeros > len(head) // 4 and max(head[::2].count(0), head[1::2].count(0)) > zeros * 0.9:
        return FORMAT_FLAWS["file_is_utf16"]
    is_text = len(CONTROL.findall(head)) <= CONTROL_SHARE_MAX * len(head)
    return None if is_text else FORMAT_FLAWS["file_is_binary"]


def _judge_overlong(begin: bytes, *, is_last: bool) -> Flaw:
    if is_last and not begin.strip():
        return FORMAT_FLAWS["file_empty"]
    most = max(begin[:ROW_BYTES_MAX].count(delimiter.encode()) for delimiter in DELIMITERS)
    return FORMAT_FLAWS["header_too_long" if most < COLUMNS_MAX else "header_columns_too_many"]


def _split_head(head: bytes, begin: int, *, is_last: bool) -> tuple[list[bytes], list[int]]:
    """Return the whole lines and where each ends, its line end included."""
    lines: list[bytes] = []
    ends: list[int] = []
    at = begin
    for match in LINE_END.finditer(head, begin):
        if match.end() == len(head) and match.group() == b"\r" and not is_last:
            return lines, ends  # the LF of this CR may be yet to come
        lines.append(head[at : match.start()])
        ends.append(at := match.end())
    if is_last and at < len(head):
        lines.append(head[at:])
        ends.append(len(head))
    return lines, ends


def _detect_encoding(lines: list[bytes]) -> Encoding | None:
    """Let the lines vote: text in GB18030 is hardly ever valid UTF-8, and one spoilt row does not decide for all."""
    beyond_ascii = [line for line in lines if not line.isascii()]
    as_utf8 = sum(_is_encoded(line, "utf-8") for line in beyond_ascii)
    as_gb = sum(_is_encoded(line, "gb18030") for line in beyond_ascii) if as_utf8 * 2 < len(beyond_ascii) else 0
    if as_utf8 * 2 >= len(beyond_ascii):
        return "utf-8"
    return "gb18030" if as_gb * 2 >= len(beyond_ascii) else None


def _is_encoded(line: bytes, encoding: Encoding) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _find_header(
    lines: list[bytes], ends: list[int], first: int, encoding: Encoding, names: Collection[str]
) -> FileFormat | Flaw:
    """Read the header, passing over a line that names the delimiter and over titles."""
    separator = SEPARATOR_LINE.fullmatch(lines[first])
    filled = [number for number in range(first, len(lines)) if lines[number].strip()][: TITLE_LINES_MAX + 2]
    if separator is not None and len(filled) > 1:
        filled = filled[1:]
    delimiter = next((one for one in DELIMITERS if separator is not None and one.encode() == separator[1]), None)
    for number in filled[: TITLE_LINES_MAX + 1]:
        read = _read_header(lines, ends, number, encoding, delimiter)
        if (
            isinstance(read, FileFormat)
            and len(set(map(normalise_header, read.columns)) & set(names)) >= HEADER_NAMES_MIN
        ):
            return read
    return _read_header(lines, ends, filled[0], encoding, delimiter)


def _read_header(
    lines: list[bytes], ends: list[int], first: int, encoding: Encoding, given: Delimiter | None
) -> FileFormat | Flaw:
    """Read the names of columns on a line, by the given delimiter or the likeliest; a quoted name may have breaks."""
    window = lines[first : first + ROW_LINES_MAX]
    if b"\x00" in window[0]:
        return FORMAT_FLAWS["header_unreadable"]
    delimiter = given or _detect_delimiter(window[0].decode(encoding, "replace"))
    if window[0].count(delimiter.encode()) >= COLUMNS_MAX:
        return FORMAT_FLAWS["header_columns_too_many"]
    texts = [line.decode(encoding, "replace") for line in window]
    joined = join_lines(texts, delimiter)
    if joined is None or isinstance(joined, Flaw):
        return FORMAT_FLAWS["header_unreadable"]
    columns, used = joined
    if any("\ufffd" in column for column in columns):
        return FORMAT_FLAWS["header_unreadable"]
    last = first + used - 1
    return FileFormat(
        kind="csv", encoding=encoding, delimiter=delimiter, columns=tuple(columns), header_bytes=ends[last],
        first_number=last + 2,
    )  # fmt: skip


def _detect_delimiter(line: str) -> Delimiter:
    """Return the delimiter that occurs most outside quotes; the comma when none does."""
    bare = QUOTED.sub("", line)
    return max(DELIMITERS, key=bare.count)
