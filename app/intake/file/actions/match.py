"""Whose the rows of a chunk are (匹配), and what may be stored of those that fit nobody."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

import msgspec

from app.citizen.actions.account import find_same_names
from app.intake.file.link import find_unfit, pick_columns
from app.intake.file.quarantine import HeldRow
from app.intake.file.queries import members as members_queries
from app.intake.file.queries import quarantine as quarantine_queries
from app.intake.source.cells import name_column
from app.intake.source.shape import IdShape, ShapedField, add_shapes
from app.record.actions.put import arrange_rows

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence
    from uuid import UUID

    from app.intake.fact.item import Flaw
    from app.intake.file.chunk import CleanChunk, CleanRows
    from app.intake.file.counts import ImportCounts
    from app.record.actions.put import Arranged
    from app.record.rows import NewRows


class RunningImport(msgspec.Struct, kw_only=True):
    """An import under way: what it is, and how far it has got."""

    id: UUID
    source: str
    institution_id: UUID | None
    parent_id: UUID | None
    entered_by: UUID | None
    seen_bytes: int
    counts: ImportCounts
    columns: dict[str, str] = {}  # what the file calls our fields
    shapes: dict[ShapedField, IdShape] = {}  # of its source's ids, as far as they have been read

    def locate(self, flaw: Flaw) -> Flaw:
        """Return a flaw in the words of the file: which of its own columns is meant."""
        return name_column(flaw, self.columns.get(flaw.pointer[1:], ""))


class Matched(msgspec.Struct):
    """Whose the clean rows of a chunk are: ``citizens`` by the places of their rows, and the rows that fit nobody.

    Rows in neither are about people who have not joined. ``new`` are the members' rows, ready to be stored, in the
    order of ``places``.
    """

    citizens: dict[int, UUID]
    places: list[int]
    new: NewRows
    arranged: Arranged
    unfit: dict[int, HeldRow]
    spoilt: list[HeldRow]
    shapes: dict[ShapedField, IdShape]  # of the ids of this chunk


async def match_chunks(
    running: RunningImport, chunks: AsyncGenerator[CleanChunk]
) -> AsyncGenerator[tuple[CleanChunk, Matched]]:
    """Yield chunks with whose they are; a citizen who leaves before a chunk is stored is noticed when it is."""
    async with aclosing(chunks):
        async for chunk in chunks:
            yield chunk, await match_chunk(running, chunk)


async def match_chunk(running: RunningImport, chunk: CleanChunk) -> Matched:
    """Find whose the rows are; of those that do not fit, whether they are about members."""
    rows = chunk.rows
    hints = [index for row in chunk.spoilt for index in row.id_number_indexes]
    found = await members_queries.find_members(
        [*rows.id_number_index, *hints], [*rows.person_index, *[b""] * len(hints)]
    )
    count = len(rows)
    hinted = {hints[place - count] for place in found.places if place >= count}
    fits = {place: is_fit for place, is_fit in zip(found.places, found.fits, strict=True) if place < count}
    await _look_again(rows, fits, dict(zip(found.places, found.citizen_ids, strict=True)))
    reasons = await _find_parent_reasons(running, rows)
    unfit, shapes = find_unfit(rows, fits, running.shapes, reasons)
    for field, shape in shapes.items():
        running.shapes[field] = add_shapes(running.shapes.get(field), shape)
    citizens = {
        place: citizen_id
        for place, citizen_id in zip(found.places, found.citizen_ids, strict=True)
        if place < count and place not in unfit
    }
    places, new = pick_columns(rows, running.source, citizens)
    return Matched(
        citizens=citizens,
        places=places,
        new=new,
        arranged=arrange_rows(new),
        unfit={
            place: HeldRow(rows.number[place], running.locate(flaw), rows.text[place] if place in fits else None)
            for place, flaw in unfit.items()
        },
        spoilt=[
            HeldRow(row.number, row.flaw, row.text if _may_store(row.id_number_indexes, hinted) else None)
            for row in chunk.spoilt
        ],
        shapes=shapes,
    )


async def _look_again(rows: CleanRows, fits: dict[int, bool], citizen_ids: Mapping[int, UUID]) -> None:
    """Compare the names that do not fit with the stored ones: the member's index may be older than today's folding."""
    wrong = {place: (citizen_ids[place], rows.person_index[place]) for place, is_fit in fits.items() if not is_fit}
    if wrong:
        same = await find_same_names(list(wrong.values()))
        fits |= {place: person in same for place, person in wrong.items()}


def _may_store(id_number_indexes: Sequence[bytes], members: set[bytes]) -> bool:
    """Whether the text of a row may be stored: unless it names people, none of whom has joined."""
    return not id_number_indexes or not members.isdisjoint(id_number_indexes)


async def _find_parent_reasons(running: RunningImport, rows: CleanRows) -> dict[int, str] | None:
    """Return why the rows that are corrected here are in quarantine, by their number in the first file.

    None where the file corrects no other.
    """
    if running.parent_id is None:
        return None
    numbers = [number for number in rows.parent_number if number is not None]
    held = await quarantine_queries.list_reasons(running.parent_id, numbers) if numbers else []
    return {row.row_number: row.reason for row in held}
