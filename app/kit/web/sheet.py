"""A workbook (.xlsx) of one sheet whose cells are all text, written as it is sent: nothing of it lies on a disk."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape

from app.values.text import neutralise_cell

SHEET = "xl/worksheets/sheet1.xml"
COLUMNS_FORMATTED = 256
UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # XML has no place for them
ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")  # what a spreadsheet would read as a character's number


class SheetWriter:
    """Writes an .xlsx file of one sheet in which every cell is text, a few rows at a time.

    A spreadsheet leaves such cells as they are, whatever they look like. Nothing is held but what was not taken yet.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._out = _Sink()
        self._archive = zipfile.ZipFile(self._out, "w", zipfile.ZIP_DEFLATED)
        self._number = 0

    def begin(self, columns: Sequence[str]) -> bytes:
        """Return the file as far as its header."""
        for name, content in _PARTS.items():
            self._archive.writestr(name, _HEAD + content.replace("{title}", escape(self._title)))
        self._sheet = self._archive.open(SHEET, "w", force_zip64=True)
        self._sheet.write((_HEAD + _SHEET_BEGIN).encode())
        return self.add([columns])

    def add(self, rows: Iterable[Sequence[str]]) -> bytes:
        """Return the file from where it was left to the end of these rows, as far as it is squeezed already."""
        for row in rows:
            self._number += 1
            self._sheet.write(_write_row(self._number, row).encode("utf-8", "replace"))
        return self._out.take()

    def finish(self) -> bytes:
        """Return the rest of the file."""
        self._sheet.write(_SHEET_END.encode())
        self._sheet.close()
        self._archive.close()
        return self._out.take()


def _write_row(number: int, row: Sequence[str]) -> str:
    cells = "".join(
        f'<c t="inlineStr" s="1"><is><t xml:space="preserve">{_write_text(cell)}</t></is></c>' for cell in row
    )
    return f'<row r="{number}">{cells}</row>'


def _write_text(cell: str) -> str:
    return escape(ESCAPED.sub("_x005F_", UNWRITABLE.sub("\ufffd", neutralise_cell(cell))))


class _Sink(io.RawIOBase):
    """What a zip archive is written to that is handed on as it grows; it cannot be gone back in."""

    def __init__(self) -> None:
        self._blocks: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, block: object) -> int:
        piece = bytes(block)  # type: ignore[call-overload]  # any bytes-like object
        self._blocks.append(piece)
        return len(piece)

    def take(self) -> bytes:
        """Return what was written since the last time."""
        taken = b"".join(self._blocks)
        self._blocks = []
        return taken


_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_PARTS = {
    "[Content_Types].xml": (
        f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/></Types>'
    ),
    "_rels/.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
        '<sheet name="{title}" sheetId="1" r:id="rId1"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>'
    ),
    "xl/styles.xml": (  # format 49 is text: what is typed over a cell stays text as well
        f'<styleSheet xmlns="{_MAIN}"><fonts count="1"><font><sz val="11"/></font></fonts>'
        '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/>'
        '</fill></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
        '<cellXfs count="2"><xf xfId="0"/><xf numFmtId="49" applyNumberFormat="1" xfId="0"/></cellXfs></styleSheet>'
    ),
}  # fmt: skip
_SHEET_BEGIN = (
    f'<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" '
    f'activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols><col min="1" max="{COLUMNS_FORMATTED}" '
    'width="22" style="1" customWidth="1"/></cols><sheetData>'
)
_SHEET_END = "</sheetData></worksheet>"
