"""SQL of preparing a whole city's scores: ranges of citizens that commit one by one, and the switch."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from app.kit.db.database import execute, fetch_all, fetch_one
from app.score.current.queries.scores import ScoredCitizen
from app.score.engine.queries import STORED, compose

PREPARE_RANGE = compose("asked_in_range", "who", "facts_in_range", answer="prepare")
PREPARE_LISTED = compose("asked_listed", *STORED, answer="prepare")


class Preparation(msgspec.Struct, frozen=True, kw_only=True):
    """A preparation under way, and how many of its ranges are done.

    ``phase`` is ``preparing`` until the switch, and then ``telling`` until the switch is in every history.
    """

    id: int
    rule_book_id: int
    as_of: date
    phase: str
    citizens: int
    opened_at: datetime
    switched_at: datetime | None
    chunks: int
    chunks_done: int


class Chunk(msgspec.Struct, frozen=True):
    """A range of citizens: those after one id, up to another."""

    number: int
    after_id: UUID
    last_id: UUID


class ScheduledBook(msgspec.Struct, frozen=True):
    """A rule book that was approved for a day."""

    id: int
    effective_on: date


async def find_open_preparation() -> Preparation | None:
    """Return the preparation under way."""
    return await fetch_one(
        Preparation,
        """
        SELECT p.id, p.rule_book_id, p.as_of, p.phase, p.citizens, p.opened_at, p.switched_at,
               count(c.number)::integer AS chunks, count(c.done_at)::integer AS chunks_done
        FROM score_preparation p
        LEFT JOIN score_preparation_chunk c ON c.preparation_id = p.id
        WHERE p.phase IN ('preparing', 'telling')
        GROUP BY p.id
        """,
    )


async def find_scheduled_book(day: date) -> ScheduledBook | None:
    """Return the rule book that comes into force on or before a day."""
    return await fetch_one(
        ScheduledBook,
        "SELECT id, effective_on FROM rule_book WHERE state = 'scheduled' AND effective_on <= $1",
        day,
    )


async def insert_preparation(rule_book_id: int, as_of: date, chunk_citizens: int, at: datetime) -> int:
    """Open a preparation with its ranges; how many citizens it is about. A unique index refuses a second one."""
    return await execute(
        """
        WITH edge AS MATERIALIZED (
            SELECT id, number FROM (
                SELECT id, row_number() OVER (ORDER BY id) AS number, lead(id) OVER (ORDER BY id) IS NULL AS is_last
                FROM citizen
            ) numbered
            WHERE number % $3 = 0 OR is_last
        ),
        preparation AS (
            INSERT INTO score_preparation (rule_book_id, as_of, phase, citizens, opened_at)
            SELECT $1, $2, 'preparing', coalesce(max(number), 0), $4::timestamptz FROM edge
            RETURNING id
        )
        INSERT INTO score_preparation_chunk (preparation_id, number, after_id, last_id)
        SELECT p.id, row_number() OVER w, coalesce(lag(e.id) OVER w, '00000000-0000-0000-0000-000000000000'), e.id
        FROM edge e, preparation p
        WINDOW w AS (ORDER BY e.id)
        """,
        rule_book_id,
        as_of,
        chunk_citizens,
        at,
    )


async def delete_prepared() -> None:
    """Empty the table beside the current scores, and the list of citizens who moved."""
    await execute("TRUNCATE score_prepared, score_moved")


async def take_chunk(preparation_id: int, at: datetime) -> Chunk | None:
    """Take a range nobody else works on, until the transaction ends; it counts as done when that commits."""
    return await fetch_one(
        Chunk,
        """
        UPDATE score_preparation_chunk SET done_at = $2
        WHERE preparation_id = $1 AND number = (
            SELECT number FROM score_preparation_chunk WHERE preparation_id = $1 AND done_at IS NULL
            ORDER BY number LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING number, after_id, last_id
        """,
        preparation_id,
        at,
    )


async def mark_lazy() -> None:
    """Commit this transaction without waiting for the disk: a range lost in a crash is done again.

    The commit of the switch waits for its own place in the log, which is after all of theirs.
    """
    await execute("SET LOCAL synchronous_commit = off")


async def insert_prepared_range(chunk: Chunk, day: date, rule_book_id: int, at: datetime) -> int:
    """Score a range of citizens into the table beside the current scores; how many have one."""
    return await execute(PREPARE_RANGE, chunk.after_id, chunk.last_id, day, rule_book_id, at)


async def insert_prepared_listed(citizen_ids: Sequence[UUID], day: date, rule_book_id: int, at: datetime) -> int:
    """Score listed citizens into the table beside the current scores; the caller has deleted what was there."""
    return await execute(PREPARE_LISTED, citizen_ids, None, day, rule_book_id, at)


async def delete_prepared_listed(citizen_ids: Sequence[UUID]) -> None:
    """Forget what was prepared for citizens."""
    await execute("DELETE FROM score_prepared WHERE citizen_id = ANY($1)", citizen_ids)


async def list_scored_between(since: datetime, until: datetime, after: UUID, limit: int) -> list[ScoredCitizen]:
    """Return citizens who were rescored in a span of time, in id order, from just after one of them.

    A score that came with a switch does not count as one: it bears the moment at which its preparation was opened.
    """
    return await fetch_all(
        ScoredCitizen,
        """
        SELECT citizen_id AS id FROM score_snapshot
        WHERE computed_at BETWEEN $1 AND $2
          AND computed_at NOT IN (SELECT opened_at FROM score_preparation WHERE switched_at IS NOT NULL)
          AND citizen_id > $3
        ORDER BY citizen_id LIMIT $4
        """,
        since,
        until,
        after,
        limit,
    )


async def take_moved(limit: int) -> list[ScoredCitizen]:
    """Take citizens off the list of those who moved meanwhile."""
    return await fetch_all(
        ScoredCitizen,
        """
        DELETE FROM score_moved
        WHERE citizen_id IN (SELECT citizen_id FROM score_moved ORDER BY citizen_id LIMIT $1 FOR UPDATE)
        RETURNING citizen_id AS id
        """,
        limit,
    )
