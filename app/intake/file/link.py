"""Which rows of a chunk concern whom, once the members among them are found. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from uuid import UUID

from app.intake.fact.item import Flaw
from app.intake.fact.judge import IMPORT_FLAWS
from app.intake.file.chunk import CleanChunk, CleanRows
from app.intake.file.counts import count_names
from app.intake.quality.signs import QUARANTINED
from app.intake.source.shape import IN_FILE, ZEROS_LOST, IdShape, ShapedField, judge_ids
from app.record.catalogue import PutOutcome
from app.record.rows import NewRows, make_picker

NEWS: frozenset[PutOutcome] = frozenset({"accepted", "updated"})
FACTS = tuple(name for name in NewRows.__struct_fields__ if name in CleanRows.__struct_fields__)
COUNTED: frozenset[str] = frozenset({"accepted", "updated", "duplicate"})


def find_unfit(
    rows: CleanRows,
    fits: Mapping[int, bool],
    shapes: Mapping[ShapedField, IdShape],
    reasons: Mapping[int, str] | None,
) -> tuple[dict[int, Flaw], dict[ShapedField, IdShape]]:
    """Return the rows that go into quarantine, with why, and what the ids of the others add to their source's shapes.

    ``fits`` says of rows with a member's ID number whether the name is theirs; ``shapes`` are those of the source's
    earlier ids. ``reasons`` are those of the rows that are corrected here, by their number in the first file; None
    where the file corrects no other.
    """
    shortened, more = _judge_shapes(rows, shapes, reasons or {})
    unfit = {place: flaw for place, flaw in shortened.items() if place in fits}
    unfit |= _find_misnamed(rows, fits)
    if reasons is not None:
        unknown = IMPORT_FLAWS["quarantine_row_unknown"]
        unfit |= {place: unknown for place, number in enumerate(rows.parent_number) if number not in reasons}
    return unfit, more


def pick_columns(rows: CleanRows, source: str, citizens: Mapping[int, UUID]) -> tuple[list[int], NewRows]:
    """Return the rows of members as records, with their places in the chunk."""
    places = sorted(citizens)
    pick = make_picker(places)
    columns = {name: pick(getattr(rows, name)) for name in FACTS}
    return places, NewRows(citizen_id=[citizens[place] for place in places], source=[source] * len(places), **columns)


def list_news(outcomes: Mapping[int, PutOutcome]) -> list[int]:
    """Return the places of the rows that changed something."""
    return [place for place, outcome in outcomes.items() if outcome in NEWS]


def compute_day_counts(
    source: str, chunk: CleanChunk, outcomes: Mapping[int, PutOutcome], reasons: Sequence[str]
) -> dict[tuple[str, str], int]:
    """Return what a chunk adds to its source's day, by (source, outcome); a reason is an outcome of its own.

    ``outcomes`` are those of the members' rows, by place; ``reasons`` those of the rows held back.
    """
    counts = {outcome: rows for outcome, rows in count_names(outcomes.values()).items() if outcome in COUNTED}
    late = sum(chunk.rows.is_late[place] for place in list_news(outcomes))
    counts |= {"received": chunk.received, "late": late}
    counts["not_a_member"] = chunk.received - len(reasons) - sum(counts.get(outcome, 0) for outcome in COUNTED)
    counts |= count_names(QUARANTINED + reason for reason in reasons)
    return {(source, outcome): rows for outcome, rows in counts.items()}


def _judge_shapes(
    rows: CleanRows, shapes: Mapping[ShapedField, IdShape], reasons: Mapping[int, str]
) -> tuple[dict[int, Flaw], dict[ShapedField, IdShape]]:
    """Return the rows one of whose ids has lost its zeros, and what the other ids add to the shapes.

    A row that was held back for this and is sent again is right as it is.
    """
    shortened: dict[int, Flaw] = {}
    more: dict[ShapedField, IdShape] = {}
    meant = {place for place, number in enumerate(rows.parent_number) if reasons.get(number or 0) == ZEROS_LOST}
    columns: dict[ShapedField, Sequence[str | None]] = {"eventId": rows.event_id, "actId": rows.act_id}
    for field, column in columns.items():
        judged = judge_ids(dict(enumerate(column)), shapes.get(field), field, meant, IN_FILE)
        shortened = judged.shortened | shortened
        if judged.shape is not None:
            more[field] = judged.shape
    return shortened, more


def _find_misnamed(rows: CleanRows, fits: Mapping[int, bool]) -> dict[int, Flaw]:
    """Return the rows whose name is not the member's, or that give one ID number two names.

    Two names of one number are noticed within a chunk. A member's right name is stored: where a row has it, only the
    rows with other names are wrong.
    """
    numbers = rows.id_number_index
    two_names = _find_two_names(rows)
    settled = {numbers[place] for place, is_fit in fits.items() if is_fit} if two_names else set()
    open_numbers = two_names - settled
    wrong = [place for place, is_fit in fits.items() if not is_fit]
    misnamed = dict.fromkeys(wrong, IMPORT_FLAWS["name_mismatch"])
    if open_numbers:
        flaw = IMPORT_FLAWS["id_number_of_two_names"]
        misnamed |= {place: flaw for place, number in enumerate(numbers) if number in open_numbers}
    return misnamed


def _find_two_names(rows: CleanRows) -> set[bytes]:
    """Return the ID numbers that have more than one name in these rows."""
    people = set(zip(rows.id_number_index, rows.person_index, strict=True))
    if len(people) == len(set(rows.id_number_index)):
        return set()
    return {number for number, names in Counter(number for number, _ in people).items() if names > 1}
