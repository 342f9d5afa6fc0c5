"""Notices of negative records, in the transaction that stores these, however many come at once."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from app.intake.keeping import queries
from app.intake.keeping.negative import NEGATIVE_RECORD, SourceTitle, compute_words, is_negative, list_negative_codes
from app.notice.actions.notices import insert_notices
from app.notice.message import NewNotice
from app.record.catalogue import NewRecord
from app.score.book.actions.read import read_current_book
from app.values.days import shanghai_day

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from app.record.rows import NewRows
    from app.score.book.document import RuleBook, RuleIndicator


async def notify_of_negative_rows(rows: NewRows, record_ids: Mapping[int, str], *, at: datetime) -> int:
    """Notify the citizens of the negative ones among new records, inside the caller's transaction; how many notices.

    ``record_ids`` are those of the new records, by the places of their rows. There is one notice of a record, however
    often it is sent. Costs two reads for all rows, and one write when any is negative.
    """
    if not any(rows.indicator):
        return 0
    book = await read_current_book()
    negative = list_negative_codes(book)
    records = [
        (UUID(record_id), NewRecord(**{name: getattr(rows, name)[place] for name in NewRecord.__struct_fields__}))
        for place, record_id in record_ids.items()
        if rows.indicator[place] in negative
    ]
    return await _notify(book, records, at)


async def _notify(book: RuleBook, records: Sequence[tuple[UUID, NewRecord]], at: datetime) -> int:
    negative = list_negative_codes(book)
    news = [
        (record_id, record, negative[record.indicator])
        for record_id, record in records
        if record.indicator in negative and is_negative(book, negative[record.indicator], record.grade)
    ]
    if not news:
        return 0
    codes = sorted({record.source for _, record, _ in news})
    titles = {title.code: title for title in await queries.list_source_titles(codes)}
    today = shanghai_day(at)
    return await insert_notices(
        [_make_notice(record_id, record, indicator, titles, today) for record_id, record, indicator in news], at=at
    )


def _make_notice(
    record_id: UUID, record: NewRecord, indicator: RuleIndicator, titles: Mapping[str, SourceTitle], today: date
) -> NewNotice:
    source = titles.get(record.source) or SourceTitle(record.source, record.source, record.source)
    words = compute_words(indicator, record, source, today)
    return NewNotice(
        citizen_id=record.citizen_id, kind=NEGATIVE_RECORD, subject_id=record_id, **msgspec.structs.asdict(words)
    )
