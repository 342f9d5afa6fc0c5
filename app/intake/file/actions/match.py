"""Whose the rows of a chunk are (匹配), and what may be kept of those that fit nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from app.citizen.actions.account import find_same_names
from app.intake.fact.judge import IMPORT_FLAWS
from app.intake.file.link import find_unfit, pick_columns
from app.intake.file.queries import members as members_queries
from app.intake.file.queries import quarantine as quarantine_queries
from app.intake.source.cells import name_column
from app.intake.source.shape import IN_FILE, ZEROS_LOST, IdShape, ShapedField, add_shapes, judge_ids
from app.record.actions.put import arrange_rows

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence
    from uuid import UUID

    from app.intake.fact.item import Flaw
    from app.intake.file.chunk import CleanChunk, CleanRows
    from app.intake.file.counts import ImportCounts
    from app.record.actions.put import Arranged
    from app.record.rows import NewRows


class Import(msgspec.Struct, kw_only=True):
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


class HeldBack(msgspec.Struct):
    """A row that goes into quarantine; without its text when it is about somebody who has not joined."""

    number: int
    flaw: Flaw
    text: str | None


class Matched(msgspec.Struct):
    """Whose the clean rows of a chunk are: members by place, and the rows that fit nobody, with what is kept of them.

    Rows in neither are about people who have not joined. The members' rows are ready to be kept: ``new`` are they, in
    the order of ``places``.
    """

    citizens: dict[int, UUID]
    places: list[int]
    new: NewRows
    arranged: Arranged
    unfit: dict[int, HeldBack]
    spoilt: list[HeldBack]
    shapes: dict[ShapedField, IdShape]  # of the ids of this chunk


async def match_chunks(
    running: Import, chunks: AsyncGenerator[CleanChunk]
) -> AsyncGenerator[tuple[CleanChunk, Matched]]:
    """Yield chunks with whose they are; who leaves before a chunk is stored is noticed there."""
    async for chunk in chunks:
        yield chunk, await match_chunk(running, chunk)


async def match_chunk(running: Import, chunk: CleanChunk) -> Matched:
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
    shortened, shapes = _judge_shapes(running, rows, reasons)
    unfit = {place: flaw for place, flaw in shortened.items() if place in fits}
    unfit |= find_unfit(rows, fits) | _find_unknown_parents(running, rows, reasons)
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
            place: HeldBack(rows.number[place], running.locate(flaw), rows.text[place] if place in fits else None)
            for place, flaw in unfit.items()
        },
        spoilt=[
            HeldBack(row.number, row.flaw, row.text if _may_keep(row.id_number_indexes, hinted) else None)
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


def _may_keep(id_number_indexes: Sequence[bytes], members: set[bytes]) -> bool:
    """Whether the text of a row may be kept: unless it names people, none of whom has joined."""
    return not id_number_indexes or not members.isdisjoint(id_number_indexes)


async def _find_parent_reasons(running: Import, rows: CleanRows) -> dict[int, str]:
    """Return why the rows that are corrected here stayed behind, by their number in the first file."""
    if running.parent_id is None or not len(rows):
        return {}
    asked = [number for number in rows.parent_number if number is not None]
    return {row.row_number: row.reason for row in await quarantine_queries.list_reasons(running.parent_id, asked)}


def _find_unknown_parents(running: Import, rows: CleanRows, reasons: Mapping[int, str]) -> dict[int, Flaw]:
    """Return the rows that say they correct a row which is not in the first file's quarantine."""
    if running.parent_id is None:
        return {}
    flaw = IMPORT_FLAWS["quarantine_row_unknown"]
    return {place: flaw for place, number in enumerate(rows.parent_number) if number not in reasons}


def _judge_shapes(
    running: Import, rows: CleanRows, reasons: Mapping[int, str]
) -> tuple[dict[int, Flaw], dict[ShapedField, IdShape]]:
    """Return the rows one of whose ids has lost its zeros, and what the other ids add to their source's shapes.

    A row that stayed behind for this and is sent again is what its source means.
    """
    shortened: dict[int, Flaw] = {}
    shapes: dict[ShapedField, IdShape] = {}
    meant = {place for place, number in enumerate(rows.parent_number) if reasons.get(number or 0) == ZEROS_LOST}
    columns: dict[ShapedField, Sequence[str | None]] = {"eventId": rows.event_id, "actId": rows.act_id}
    for field, column in columns.items():
        known = running.shapes.get(field)
        judged = judge_ids(dict(enumerate(column)), known, field, meant, IN_FILE)
        shortened = judged.shortened | shortened
        if judged.shape is not None:
            shapes[field] = judged.shape
            running.shapes[field] = add_shapes(known, judged.shape)
    return shortened, shapes
