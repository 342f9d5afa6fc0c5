"""The engine's statement, put together from its parts at import; each part is a file that can be read by itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from app.kit.db.database import execute, fetch_all, read_sql

# Planning the statement takes longer than running it for one citizen, so one generic plan serves everybody. The planner
# cannot know how many rows a step yields, and a nested loop over a wrong guess costs minutes. So every join is a hash
# join, which for one citizen costs no more; only what LATERAL looks up is asked row by row.
PLAN = {"plan_cache_mode": "force_generic_plan", "enable_nestloop": "off", "enable_mergejoin": "off"}
PLAN_FOR_RANGE = PLAN | {"enable_bitmapscan": "off", "work_mem": "128MB", "statement_timeout": "60s"}
MARK = "SELECT set_config(name, value, true) FROM unnest($1::text[], $2::text[]) AS s (name, value)"
# Naming score_snapshot takes its lock, so no switch can happen before this transaction ends: what the preparation says
# here stays true until then. The inner statement reads no row of it.
LOCK = f"""
    WITH plan AS MATERIALIZED (SELECT count(x) FROM ({MARK.replace("$2", "$3").replace("$1", "$2")}) AS m (x)),
    preparation AS MATERIALIZED (
        SELECT phase, switched_at FROM score_preparation
        WHERE phase IN ('preparing', 'telling') AND NOT EXISTS (SELECT FROM score_snapshot WHERE false))
    SELECT c.id, (SELECT phase FROM preparation), (SELECT switched_at FROM preparation)
    FROM citizen c, plan WHERE c.id = ANY($1) ORDER BY c.id FOR NO KEY UPDATE OF c
"""
COMMENT = re.compile(r"^ *--.*\n", re.MULTILINE)
INDENT = re.compile(r"\n\s+")


def compose(*people: str, answer: str, points: str = "points_summed") -> str:
    """Put a statement together, without comments and indents: one above 15 KiB asyncpg would prepare anew each time."""
    names = (*people, "candidates", "contributions", points, "totals", "snapshot")
    parts = ",\n\n".join(read_sql(__file__, name).rstrip() for name in names)
    statement = COMMENT.sub("", f"WITH {parts}\n\n{read_sql(__file__, answer)}")
    return INDENT.sub("\n", statement)


STORED = ("consents_stored", "who", "facts_stored")
SCORE_ON_DAY = compose("asked_on_day", *STORED, answer="answer_change")
SCORE_AGAIN = compose("asked_again", *STORED, answer="answer_change")
EXPLAINED = {"points": "points_each", "answer": "answer_explained"}
EXPLAIN_AGAIN = compose("asked_again", *STORED, **EXPLAINED)
EXPLAIN_GIVEN = compose("people_given", **EXPLAINED)


class ComputedScore(msgspec.Struct, frozen=True):
    """A citizen's score as it is stored, and the one it follows; honours are JSON and points packed, both as text."""

    citizen_id: UUID
    value: int
    level: str
    dimension_points: str
    honours: str
    part_points: str
    rule_book_id: int
    as_of: date
    next_change_on: date | None
    inputs_hash: bytes
    from_value: int | None
    from_level: str | None
    from_parts: str | None
    from_rule_book_id: int | None
    from_hash: bytes | None


class ExplainedScore(msgspec.Struct, frozen=True):
    """A citizen's score with everything that makes it; the lists are JSON text."""

    citizen_id: UUID
    value: int
    level: str
    rule_book_id: int
    as_of: date
    next_change_on: date | None
    inputs_hash: bytes
    base: int
    contributions: str
    adjustments: str


class LockedCitizen(msgspec.Struct, frozen=True):
    """A citizen whose score nobody else computes until the transaction ends.

    ``phase`` is that of a preparation under way, ``switched_at`` when it was switched to.
    """

    id: UUID
    phase: str | None
    switched_at: datetime | None


async def lock_citizens(citizen_ids: Sequence[UUID]) -> list[LockedCitizen]:
    """Lock citizens in id order; the score is computed by a later statement, which sees what others committed.

    The rest of the transaction plans as the engine needs it, as after ``mark_plan``. Where nobody was locked the
    settings are not made, so the engine must not be asked then: its statement would keep the plan it gets.
    """
    return await fetch_all(LockedCitizen, LOCK, citizen_ids, list(PLAN), list(PLAN.values()))


async def mark_plan() -> None:
    """Plan as the engine needs it for the rest of the transaction."""
    await execute(MARK, list(PLAN), list(PLAN.values()))


async def mark_bulk() -> None:
    """Plan for a range of citizens, which may take longer than other statements, for the rest of the transaction."""
    await execute(MARK, list(PLAN_FOR_RANGE), list(PLAN_FOR_RANGE.values()))


async def find_scores(citizen_ids: Sequence[UUID], day: date, rule_book_id: int | None = None) -> list[ComputedScore]:
    """Score citizens on a day, under the active rule book unless another is named.

    Citizens who have not opted in or are not of age are left out.
    """
    return await fetch_all(ComputedScore, SCORE_ON_DAY, citizen_ids, day, rule_book_id)


async def find_scores_again(citizen_ids: Sequence[UUID]) -> list[ComputedScore]:
    """Score citizens as of the day and under the rule book of their current score, both read in one snapshot."""
    return await fetch_all(ComputedScore, SCORE_AGAIN, citizen_ids)


async def find_explained_again(citizen_ids: Sequence[UUID]) -> list[ExplainedScore]:
    """Explain citizens' current scores: as of their day and under their rule book."""
    return await fetch_all(ExplainedScore, EXPLAIN_AGAIN, citizen_ids)


async def find_explained_given(people: str, day: date, rule_book_id: int) -> list[ExplainedScore]:
    """Explain people who are given, not stored: a JSON array of id, birth_on, consents and records."""
    return await fetch_all(ExplainedScore, EXPLAIN_GIVEN, people, day, rule_book_id)
