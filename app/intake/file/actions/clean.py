"""Cleaning a file beside the event loop: its rows become columns, and its people blind indexes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from app.citizen.actions.sealing import compute_id_number_index, compute_person_index
from app.intake.fact.item import CleanItem, Flaw
from app.intake.fact.judge import IMPORT_FLAWS
from app.intake.file.chunk import CleanChunk, CleanPlan, CleanRows, SpoiltRow
from app.intake.file.quarantine import CorrectedRow, find_correction, find_id_numbers, read_corrected
from app.intake.quality.signs import compute_late_before, is_late
from app.intake.reading.reader import ReadRow, RowReader
from app.intake.source.compile import allow_workbook_days, compile_mapping
from app.intake.source.entry import may_report
from app.kit.security.crypto import blind_index
from app.record.catalogue import encode_facts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from app.intake.file.quarantine import Correction
    from app.intake.source.compile import Cleaner

EVENT_ID_DIGITS = 40  # 160 bits: no two events of a source have the same


def judge_plan(plan: CleanPlan) -> Flaw | None:
    """Return why a file cannot be cleaned at all, or None when it can."""
    prepared = _prepare(plan)
    return prepared if isinstance(prepared, Flaw) else None


class FileCleaner:
    """Cleans one file, block by block; answers are ``CleanChunk`` in MessagePack, cheap to pass between processes."""

    def __init__(self, plan: CleanPlan) -> None:
        prepared = _prepare(plan)
        assert not isinstance(prepared, Flaw), "the plan was judged before"
        self._cleaner, self._correction = prepared
        self._plan = plan
        self._reader = RowReader(plan.format, offset=plan.seen_bytes, number=plan.next_row)
        self._encoder = msgspec.msgpack.Encoder()

    def feed(self, block: bytes, today: date) -> bytes:
        """Take the next bytes of the file; ``today`` is a Shanghai day."""
        return self._clean(self._reader.feed(block), today)

    def finish(self, today: date) -> bytes:
        """Return what is left when the file has ended."""
        return self._clean(self._reader.finish(), today)

    def _clean(self, rows: Sequence[ReadRow], today: date) -> bytes:
        late_before = compute_late_before(today)
        fit: list[tuple[object, ...]] = []
        spoilt: list[SpoiltRow] = []
        for row in rows:
            judged, parent_number = self._judge(row, today)
            if isinstance(judged, Flaw):
                spoilt.append(_spoil(row, judged))
            else:
                fit.append(_flatten(row, judged, parent_number, late_before))
        chunk = CleanChunk(
            seen_bytes=self._reader.offset,
            next_row=self._reader.number,
            received=len(rows),
            rows=CleanRows(*zip(*fit, strict=True)),  # type: ignore[arg-type]  # tuples are encoded like lists
            spoilt=spoilt,
        )
        return self._encoder.encode(chunk)

    def _judge(self, row: ReadRow, today: date) -> tuple[CleanItem | Flaw, int | None]:
        if row.flaw is not None:
            return row.flaw, None
        parent_number = None
        if self._correction is not None:
            corrected = read_corrected(row, self._correction)
            if not isinstance(corrected, CorrectedRow):
                return corrected, None
            row, parent_number = corrected.row, corrected.parent_number
        judged = self._cleaner.clean(row, today)
        return judged if isinstance(judged, Flaw) else self._judge_register(judged), parent_number

    def _judge_register(self, item: CleanItem) -> CleanItem | Flaw:
        """Refuse what the source is not registered to report."""
        is_allowed = may_report(item.record, self._plan.indicators, self._plan.honours)
        return item if is_allowed else IMPORT_FLAWS["not_of_this_source"]


def _prepare(plan: CleanPlan) -> tuple[Cleaner, Correction | None] | Flaw:
    correction = None
    if plan.parent_format is not None:
        found = find_correction(plan.format, plan.parent_format)
        if isinstance(found, Flaw):
            return found
        correction = found
    mapping = allow_workbook_days(plan.mapping) if plan.format.is_workbook else plan.mapping
    cleaner = compile_mapping(mapping, (plan.parent_format or plan.format).columns, seal=_seal)
    return cleaner if isinstance(cleaner, Flaw) else (cleaner, correction)


def _flatten(row: ReadRow, item: CleanItem, parent_number: int | None, late_before: date) -> tuple[object, ...]:
    """Return the row in the order of ``CleanRows``."""
    record = item.record
    return (
        row.number, parent_number, row.text,
        compute_id_number_index(item.id_number), compute_person_index(item.name, item.id_number),
        is_late(record.event_on, record.ends_on, late_before), encode_facts(record),
        record.indicator, record.honour, record.event_id, record.event_on, record.ends_on, record.grade,
        record.quantity, record.document, record.act_id,
    )  # fmt: skip


def _spoil(row: ReadRow, flaw: Flaw) -> SpoiltRow:
    indexes = [compute_id_number_index(number) for number in find_id_numbers(row.text)]
    return SpoiltRow(row.number, flaw, row.text, indexes)


def _seal(parts: tuple[str, ...]) -> str:
    """Return an event id made of parts that may be personal: a keyed digest that reveals nothing of them."""
    return blind_index(*parts, purpose="event id").hex()[:EVENT_ID_DIGITS]
