"""The quarantine's file there and back: nothing a spreadsheet would run, and nothing lost on the way."""

from __future__ import annotations

import csv
import io
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from app.intake.fact.item import Flaw
from app.intake.file.quarantine import (
    CorrectedRow,
    HeldRow,
    find_correction,
    find_id_numbers,
    make_header,
    make_lines,
    read_corrected,
)
from app.intake.reading.format import FileFormat, detect_format
from app.intake.reading.reader import RowReader
from app.record.award import is_in_force_with
from app.values.text import FORMULA_BEGINS, guard_cell, neutralise_cell, unguard_cell
from tests.support.citizens import make_id_number

PARENT = FileFormat(kind="csv", encoding="utf-8", columns=("a", "=b", "a"), header_bytes=8, first_number=2)
CELLS = st.text(st.characters(exclude_categories=("C", "Z"), include_characters="=+-@'\t "), max_size=12)


@given(CELLS)
def test_no_cell_begins_like_a_formula_and_every_cell_comes_back(cell: str) -> None:
    assert not neutralise_cell(cell).startswith(FORMULA_BEGINS)
    assert unguard_cell(neutralise_cell(cell)) == cell
    guarded = guard_cell(cell)
    assert unguard_cell(guarded) == cell
    assert not guarded.startswith(FORMULA_BEGINS) or guarded == f'="{cell}"'


@given(st.lists(CELLS, min_size=3, max_size=3).filter(any))
def test_a_row_comes_back_as_it_was(cells: list[str]) -> None:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(cells)
    held = HeldRow(7, Flaw(code="x", zh="y", en="z"), out.getvalue())
    content = (make_header(PARENT) + make_lines([held], PARENT, "zh")).encode()
    format_ = detect_format(content, is_last=True)
    assert isinstance(format_, FileFormat)
    reader = RowReader(format_)
    row, *none = [*reader.feed(content[format_.header_bytes :]), *reader.finish()]
    assert not none
    correction = find_correction(format_, PARENT)
    assert not isinstance(correction, Flaw)
    corrected = read_corrected(row, correction)
    assert isinstance(corrected, CorrectedRow)
    assert (corrected.parent_number, corrected.row.cells) == (7, cells)


def test_columns_may_be_moved_but_not_left_out() -> None:
    parent = FileFormat(kind="csv", encoding="utf-8", columns=("a", "b"))
    moved = FileFormat(kind="csv", encoding="utf-8", columns=("b", "quarantine_row", "note of ours", "a"))
    found = find_correction(moved, parent)
    assert not isinstance(found, Flaw)
    assert (found.number, found.cells) == (1, (3, 0))
    for columns in (("a", "b"), ("quarantine_row", "a")):
        left_out = find_correction(FileFormat(kind="csv", encoding="utf-8", columns=columns), parent)
        assert isinstance(left_out, Flaw)


def test_id_numbers_are_found_in_any_text() -> None:
    one, other = make_id_number(), make_id_number()
    wide = other.translate(str.maketrans("0123456789", "０１２３４５６７８９"))
    assert find_id_numbers(f"x,{one},张三,{wide}；") == [one, other]
    assert find_id_numbers(f"1{one} {one[:-1]}") == []


def test_awards_hold_for_their_months() -> None:
    first = (date(2024, 1, 31), None)
    assert is_in_force_with("GOOD_CITIZEN", first, (date(2026, 1, 31), None)), "the last day counts"
    assert not is_in_force_with("GOOD_CITIZEN", first, (date(2026, 2, 1), None))
    assert not is_in_force_with("GOOD_CITIZEN", (first[0], date(2024, 3, 1)), (date(2024, 3, 1), None))
