"""Which rows of a chunk concern whom, once the members among them are known. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from uuid import UUID

from app.intake.fact.item import Flaw
from app.intake.fact.judge import IMPORT_FLAWS
from app.intake.file.chunk import CleanChunk, CleanRows
from app.intake.file.counts import count_names
from app.intake.quality.signs import QUARANTINED
from app.record.catalogue import PutOutcome
from app.record.rows import NewRows, make_picker

KEPT: frozenset[PutOutcome] = frozenset({"accepted", "updated"})
COUNTED: frozenset[str] = frozenset({"accepted", "updated", "duplicate"})


def find_unfit(rows: CleanRows, fits: Mapping[int, bool]) -> dict[int, Flaw]:
    """Return the rows whose name is not the member's, or who have one ID number and two names.

    ``fits`` says of rows with a member's ID number whether the name is theirs. Two names are told from one another
    within a chunk. Of a member's number the right name is known; where it is among them the others are merely wrong.
    """
    numbers = rows.id_number_index
    two_names = _find_two_names(rows)
    known = {numbers[place] for place, is_fit in fits.items() if is_fit} if two_names else set()
    open_numbers = two_names - known
    wrong = [place for place, is_fit in fits.items() if not is_fit]
    unfit = dict.fromkeys(wrong, IMPORT_FLAWS["name_mismatch"])
    if open_numbers:
        flaw = IMPORT_FLAWS["id_number_of_two_names"]
        unfit |= {place: flaw for place, number in enumerate(numbers) if number in open_numbers}
    return unfit


def pick_columns(rows: CleanRows, source: str, citizens: Mapping[int, UUID]) -> tuple[list[int], NewRows]:
    """Return the rows of members as records, with their places in the chunk."""
    places = sorted(citizens)
    pick = make_picker(places)
    return places, NewRows(
        citizen_id=[citizens[place] for place in places],
        source=[source] * len(places),
        indicator=pick(rows.indicator),
        honour=pick(rows.honour),
        event_id=pick(rows.event_id),
        event_on=pick(rows.event_on),
        ends_on=pick(rows.ends_on),
        grade=pick(rows.grade),
        quantity=pick(rows.quantity),
        document=pick(rows.document),
        act_id=pick(rows.act_id),
        facts=pick(rows.facts),
    )


def list_kept(outcomes: Mapping[int, PutOutcome]) -> list[int]:
    """Return the places of the rows that changed something."""
    return [place for place, outcome in outcomes.items() if outcome in KEPT]


def compute_day_counts(
    source: str, chunk: CleanChunk, outcomes: Mapping[int, PutOutcome], reasons: Sequence[str]
) -> dict[tuple[str, str], int]:
    """Return what a chunk adds to its source's day, by (source, outcome); a reason is an outcome of its own.

    ``outcomes`` are those of the members' rows, by place; ``reasons`` of the rows that stay behind.
    """
    told = {outcome: rows for outcome, rows in count_names(outcomes.values()).items() if outcome in COUNTED}
    late = sum(chunk.rows.is_late[place] for place in list_kept(outcomes))
    told |= {"received": chunk.received, "late": late}
    told["not_a_member"] = chunk.received - len(reasons) - sum(told.get(outcome, 0) for outcome in COUNTED)
    told |= count_names(QUARANTINED + reason for reason in reasons)
    return {(source, outcome): rows for outcome, rows in told.items()}


def _find_two_names(rows: CleanRows) -> set[bytes]:
    """Return the ID numbers that stand beside more than one name."""
    people = set(zip(rows.id_number_index, rows.person_index, strict=True))
    if len(people) == len(set(rows.id_number_index)):
        return set()
    return {number for number, names in Counter(number for number, _ in people).items() if names > 1}
