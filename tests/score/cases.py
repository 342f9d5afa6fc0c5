"""How a rule becomes a row of a table: a few records, and the points by indicator and by limit they must give."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import msgspec

from app.score import queries_engine
from app.score.rules import Adjustment, Contribution, compute_parts
from tests.score.oracle import Told
from tests.support.histories import BORN_ON, give_separate_consents, insert_told, make_citizen

if TYPE_CHECKING:
    from app.score.queries_engine import ExplainedScore

DAY = date(2026, 11, 21)
CLEAN = {"BASE_CLEAN": 60}  # five years and more of good faith: what somebody born in 1980 has without any record


def told(indicator: str, event_on: str = "2026-06-01", **facts: Any) -> Told:
    """Tell a record; dates as text."""
    if "ends_on" in facts:
        facts["ends_on"] = date.fromisoformat(facts["ends_on"])
    return Told(id=uuid4(), indicator=indicator, event_on=date.fromisoformat(event_on), **facts)


async def score_of(
    *records: Told, day: date = DAY, born_on: date = BORN_ON, consents: tuple[str, ...] = (), book_id: int | None = None
) -> ExplainedScore:
    """Score a new citizen with these records."""
    citizen_id = await make_citizen(born_on=born_on)
    await give_separate_consents(citizen_id, consents)
    await insert_told(citizen_id, records)
    return (await queries_engine.find_explained([citizen_id], day, book_id))[0]


def parts_of(score: ExplainedScore) -> dict[str, int]:
    """Read the points by indicator and by limit; they and the base make the value."""
    parts = compute_parts(contributions_of(score), msgspec.json.decode(score.adjustments, type=list[Adjustment]))
    assert score.base + sum(parts.values()) == score.value
    return parts


def contributions_of(score: ExplainedScore) -> list[Contribution]:
    """Read the contributions."""
    return msgspec.json.decode(score.contributions, type=list[Contribution])


def records_of(score: ExplainedScore) -> set[UUID]:
    """Read which records count."""
    return {record_id for contribution in contributions_of(score) for record_id in contribution.record_ids}
