"""Records as columns, as many at once are handed to the database. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from operator import itemgetter
from typing import Any
from uuid import UUID

import msgspec

from app.record.catalogue import NewRecord, encode_facts


class NewRows(msgspec.Struct, frozen=True, kw_only=True):
    """Records of members, a list for each field; ``facts`` holds what ``encode_facts`` returns of each record."""

    citizen_id: list[UUID]
    indicator: list[str | None]
    honour: list[str | None]
    source: list[str]
    event_id: list[str]
    event_on: list[date]
    ends_on: list[date | None]
    grade: list[str | None]
    quantity: list[int | None]
    document: list[str | None]
    act_id: list[str | None]
    facts: list[bytes]

    def __len__(self) -> int:
        return len(self.citizen_id)

    def event(self, place: int) -> tuple[str, str]:
        """Return what its source calls the event of a row."""
        return (self.source[place], self.event_id[place])


def make_rows(records: Sequence[NewRecord]) -> NewRows:
    """Turn records into columns."""
    columns = {name: [getattr(record, name) for record in records] for name in NewRecord.__struct_fields__}
    return NewRows(**columns, facts=[encode_facts(record) for record in records])


def pick_rows(rows: NewRows, places: Sequence[int]) -> NewRows:
    """Return some of the rows, in the order asked for."""
    pick = make_picker(places)
    return NewRows(**{name: pick(getattr(rows, name)) for name in NewRows.__struct_fields__})


def make_picker(places: Sequence[int]) -> Callable[[Sequence[Any]], list[Any]]:
    """Return a function that picks some cells of a column, in the order asked for.

    It takes a third of the time of a comprehension.
    """
    if len(places) < 2:  # noqa: PLR2004 - of one place itemgetter returns the cell itself, and of none there is none
        return lambda column: [column[place] for place in places]
    pick = itemgetter(*places)
    return lambda column: list(pick(column))
