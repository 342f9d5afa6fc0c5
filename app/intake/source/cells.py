"""Rows of a file become clean items (清洗): each cell is read, then judged like any other fact. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from operator import itemgetter
from typing import Any, Final, cast

import msgspec

from app.citizen.paper import ID_NUMBER_CHARACTERS
from app.intake.fact.damage import find_spoilt
from app.intake.fact.item import CleanItem, Flaw, make_flaws
from app.intake.fact.judge import judge_fact
from app.intake.reading.header import normalise_header
from app.intake.reading.reader import ReadRow
from app.intake.reading.values import (
    PLAIN_DATE_FORMS,
    SEALED_BLANKS,
    read_code,
    read_day,
    read_id_number,
    read_quantity,
    read_sealed,
    read_text,
)
from app.intake.source.mapping import FIELD_TITLES, Field, Rule
from app.intake.source.mapping import Mapping as SourceMapping
from app.values.text import to_half_width

Seal = Callable[[tuple[str, ...]], str]
REMEMBERED_MAX = 20_000  # cells per field; a file has few different days, indicators and grades
REMEMBERED_CHARACTERS_MAX = 64
COLUMN_CHARACTERS_SHOWN = 64  # of a column's name in a sentence
ORDER: tuple[Field, ...] = tuple(FIELD_TITLES)
NOWHERE: Final = -1  # the place of a field without a column: an empty cell put at the end of every row

CLEANER_FLAWS = make_flaws(
    ("value_missing", "", "必填单元格为空", "a cell that is needed is empty"),
    ("source_differs", "/source", "该行的来源与导入的来源不同", "the row is of another source than the import"),
)


def read_sound(cell: str) -> str | Flaw | None:
    """Return a code that an event id is made of, or what a spreadsheet did to it."""
    text = read_sealed(cell)
    if not isinstance(text, str):
        return text
    return find_spoilt(text) or (text if text.isascii() else to_half_width(text).strip(SEALED_BLANKS))


class Spoilt(Exception):  # noqa: N818 - it says what is true
    """A cell cannot be read; caught by the row."""

    def __init__(self, flaw: Flaw) -> None:
        self.flaw = flaw


def name_column(flaw: Flaw, column: str) -> Flaw:
    """Return a flaw that says which column of the file it is about, where it is about one."""
    if not column or flaw.column:
        return flaw
    shown = column[:COLUMN_CHARACTERS_SHOWN]
    zh, en = f"“{shown}”列：{flaw.zh}", f"Column “{shown}”: {flaw.en}"
    return msgspec.structs.replace(flaw, column=column, zh=zh, en=en)


class Remembered(dict[str, Any]):
    """What cells mean that occur again and again, spoilt ones excepted; when it is full, everything is forgotten."""

    def __init__(self, read: Callable[[str], Any]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, cell: str) -> Any:
        value = self._read(cell)
        if len(cell) <= REMEMBERED_CHARACTERS_MAX:
            if len(self) >= REMEMBERED_MAX:
                self.clear()
            self[cell] = value
        return value


class CellCleaner:
    """Cleans rows whose columns have been found; ``places`` says where in ``header`` each field is."""

    def __init__(
        self, mapping: SourceMapping, places: Mapping[Field, int], header: Sequence[str], seal: Seal | None
    ) -> None:
        self._source = mapping.source
        self._columns: dict[str, str] = {field: header[place] for field, place in places.items()}
        self._pick = itemgetter(*(places.get(field, NOWHERE) for field in ORDER))
        rules = self._rules = {field: mapping.fields.get(field, Rule()) for field in ORDER}
        self._sources = Remembered(self._read_source)
        self._indicators = Remembered(self._make_coded("indicator", rules["indicator"]))
        self._honours = Remembered(self._make_coded("honour", rules["honour"]))
        self._grades = Remembered(self._make_coded("grade", rules["grade"]))
        self._event_days = Remembered(self._make_days("eventOn", rules["eventOn"]))
        self._end_days = Remembered(self._make_days("endsOn", rules["endsOn"]))
        self._quantities = Remembered(self._make_quantities(rules["quantity"]))
        self._read_event_id = self._make_needed("eventId", read_text)
        self._read_id_number = self._make_needed("idNumber", read_id_number)
        self._read_name = self._make_needed("name", read_text)
        self._read_document = self._make_text("document", rules["document"])
        self._read_act_id = self._make_text("actId", rules["actId"])
        self._document, self._act_id = rules["document"].constant, rules["actId"].constant
        names = {normalise_header(name): place for place, name in reversed(list(enumerate(header)))}
        self._parts = [self._make_part(part, names) for part in rules["eventId"].compose]
        self._seal = seal

    def clean(self, row: ReadRow, today: date) -> CleanItem | Flaw:
        """Return the item a row makes, or the first thing that is wrong with it; ``today`` is a Shanghai day."""
        if row.flaw is not None:
            return row.flaw
        cells = cast(list[str], row.cells)
        (
            source, event_id, indicator, honour, id_number, name, event_on, ends_on, grade, quantity, document, act_id,
        ) = self._pick((*cells, ""))  # fmt: skip
        try:
            judged = judge_fact(
                self._sources[source],
                self._compose(cells) if self._parts else self._read_event_id(event_id),
                self._indicators[indicator],
                self._honours[honour],
                id_number
                if len(id_number) == ID_NUMBER_CHARACTERS and id_number.isascii() and id_number.isalnum()
                else self._read_id_number(id_number),
                name if name.isalpha() and not name.isascii() else self._read_name(name),
                self._event_days[event_on],
                self._end_days[ends_on],
                self._grades[grade],
                self._quantities[quantity],
                self._read_document(document) if document else self._document,
                self._read_act_id(act_id) if act_id else self._act_id,
                today,
            )
        except Spoilt as spoilt:
            return spoilt.flaw
        return judged if judged.__class__ is CleanItem else self._locate(cast(Flaw, judged))

    def _read_source(self, cell: str) -> str:
        code = self._take("source", read_code(cell))
        if code not in (None, self._source):
            raise Spoilt(self._locate(CLEANER_FLAWS["source_differs"]))
        return self._source

    def _make_coded(self, field: Field, rule: Rule) -> Callable[[str], str | None]:
        translated = {read_code(value): result for value, result in rule.values.items()}

        def read(cell: str) -> str | None:
            code = self._take(field, read_code(cell))
            return (translated.get(code, code) if code is not None else None) or rule.constant

        return read

    def _make_text(
        self, field: Field, rule: Rule, read_cell: Callable[[str], str | Flaw | None] = read_text
    ) -> Callable[[str], str | None]:
        values, constant = rule.values, rule.constant

        def read(cell: str) -> str | None:
            text = read_cell(cell)
            if text is None or text.__class__ is Flaw:
                return cast(None, self._take(field, text)) or constant
            return values.get(cast(str, text), cast(str, text)) or constant

        return read

    def _make_needed(self, field: Field, read_cell: Callable[[str], str | Flaw | None]) -> Callable[[str], str]:
        def read(cell: str) -> str:
            text = read_cell(cell)
            return cast(str, text if text.__class__ is str else self._need(field, text))

        return read

    def _make_days(self, field: Field, rule: Rule) -> Callable[[str], date | None]:
        forms = rule.dates or PLAIN_DATE_FORMS
        constant = rule.constant or ""

        def read(cell: str) -> date | None:
            day: date | None = self._take(field, read_day(cell, forms) or read_day(constant, forms))
            return self._need(field, day) if field == "eventOn" else day

        return read

    def _make_quantities(self, rule: Rule) -> Callable[[str], int | None]:
        factor, constant = Decimal(rule.factor or 1), rule.constant or ""

        def read(cell: str) -> int | None:
            found = read_quantity(cell, factor)
            quantity: int | None = self._take("quantity", read_quantity(constant, factor) if found is None else found)
            return quantity

        return read

    def _make_part(self, part: str, names: Mapping[str, int]) -> Callable[[Sequence[str]], object]:
        """Return what reads a part of a composed event id: one of the fields, or a column of its own."""
        if part not in ORDER:
            place = names[normalise_header(part)]
            return lambda cells: read_sound(cells[place])
        readers: dict[str, Callable[[str], object]] = {
            "indicator": self._indicators.__getitem__, "honour": self._honours.__getitem__,
            "grade": self._grades.__getitem__, "quantity": self._quantities.__getitem__,
            "eventOn": self._event_days.__getitem__, "endsOn": self._end_days.__getitem__,
            "idNumber": lambda cell: self._read_id_number(cell).upper(),
            "name": self._make_needed("name", read_sealed),
            "document": self._make_text("document", self._rules["document"], read_sealed),
            "actId": self._make_text("actId", self._rules["actId"], read_sealed),
            "source": self._sources.__getitem__,
        }  # fmt: skip
        at, read = ORDER.index(part), readers[part]
        return lambda cells: read(self._pick((*cells, ""))[at])

    def _compose(self, cells: Sequence[str]) -> str:
        """Return the sealed event id: its parts may be personal, and event ids are stored in clear."""
        assert self._seal is not None, "an event id is composed with a seal"
        parts = [self._take("eventId", read(cells)) for read in self._parts]
        return self._seal(tuple("" if part is None else str(part) for part in parts))

    def _take(self, field: Field, value: Any) -> Any:
        """Return a value that was read, or raise with the place of its flaw."""
        if value.__class__ is Flaw:
            raise Spoilt(self._locate(msgspec.structs.replace(value, pointer=f"/{field}")))
        return value

    def _need(self, field: Field, value: Any) -> Any:
        if value is None:
            value = CLEANER_FLAWS["value_missing"]
        return self._take(field, value) if value.__class__ is Flaw else value

    def _locate(self, flaw: Flaw) -> Flaw:
        """Say it in the words of the file: which of its own columns is meant."""
        return name_column(flaw, self._columns.get(flaw.pointer[1:], ""))
