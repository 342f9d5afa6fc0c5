"""The engine's statement, put together from its parts at import; each part is a file that can be read by itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from uuid import UUID

import msgspec

from app.kit.database import execute, fetch_all, read_sql

PEOPLE_STORED, PEOPLE_TOLD = "people_stored", "people_told"
PARTS = ("candidates", "contributions", "totals", "facts")
FEW_CITIZENS_MAX = 16
COMMENT = re.compile(r"^ *--.*\n", re.MULTILINE)


def _compose(*people: str) -> str:
    """Put the statement together, without comments: asyncpg keeps no statement longer than 15 KiB prepared."""
    parts = ",\n\n".join(read_sql(__file__, name).rstrip() for name in (*people, *PARTS))
    return COMMENT.sub("", f"WITH {parts}\n\n{read_sql(__file__, 'answer')}")


SCORE_ON_DAY = _compose("asked_on_day", PEOPLE_STORED)
SCORE_AGAIN = _compose("asked_again", PEOPLE_STORED)
SCORE_TOLD = _compose(PEOPLE_TOLD)


class ComputedScore(msgspec.Struct, frozen=True):
    """The engine's answer for one citizen, and the score it follows; the lists are JSON text."""

    citizen_id: UUID
    rule_book_id: int
    as_of: date
    base: int
    value: int
    level: str
    contributions: str
    adjustments: str
    dimensions: str
    honours: str
    next_change_on: date | None
    inputs_hash: bytes
    from_value: int | None
    from_level: str | None
    from_parts: str | None
    from_hash: bytes | None


class LockedCitizen(msgspec.Struct, frozen=True):
    """A citizen whose score nobody else computes until the transaction ends."""

    id: UUID


async def lock_citizens(citizen_ids: Sequence[UUID]) -> list[LockedCitizen]:
    """Lock citizens in id order; the score is computed by a later statement, which sees what others committed.

    For the rest of the transaction plans are chosen by how many citizens there are: planning the engine's statement
    takes longer than running it for one, and a plan made for one is wrong for thousands.
    """
    return await fetch_all(
        LockedCitizen,
        """
        WITH plan AS MATERIALIZED (SELECT set_config('plan_cache_mode', $2, true))
        SELECT c.id FROM citizen c, plan WHERE c.id = ANY($1) ORDER BY c.id FOR NO KEY UPDATE OF c
        """,
        citizen_ids,
        "force_generic_plan" if len(citizen_ids) <= FEW_CITIZENS_MAX else "force_custom_plan",
    )


async def mark_plan_reusable() -> None:
    """Use the plan at hand for the rest of the transaction; see ``lock_citizens``."""
    await execute("SELECT set_config('plan_cache_mode', 'force_generic_plan', true)")


async def find_scores(citizen_ids: Sequence[UUID], day: date, rule_book_id: int | None = None) -> list[ComputedScore]:
    """Score citizens on a day, under the active rule book unless another is named.

    Who has not opted in or is not of age is left out.
    """
    return await fetch_all(ComputedScore, SCORE_ON_DAY, citizen_ids, day, rule_book_id)


async def find_scores_again(citizen_ids: Sequence[UUID]) -> list[ComputedScore]:
    """Score citizens as of the day and under the rule book of their current score, both read in one snapshot."""
    return await fetch_all(ComputedScore, SCORE_AGAIN, citizen_ids)


async def find_scores_of_told(people: str, day: date, rule_book_id: int) -> list[ComputedScore]:
    """Score people who are told of, not stored: a JSON array of id, birth_on, consents and records."""
    return await fetch_all(ComputedScore, SCORE_TOLD, people, day, rule_book_id)
