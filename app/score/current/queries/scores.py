"""SQL of current scores and their history: one function, one statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from app.citizen.tables import LIVE_CALLER, LIVE_SESSIONS
from app.kit.db.database import execute, fetch_all, fetch_one
from app.kit.db.group_commit import coalesce
from app.kit.db.rows import fetch_rows, select
from app.kit.security.auth import CitizenCaller
from app.score.current.score import StoredScore
from app.score.engine.queries import ComputedScore
from app.score.tables import ScoreChange

SNAPSHOT_COLUMNS = (
    "citizen_id", "value", "level", "dimension_points", "honours", "part_points", "rule_book_id", "as_of",
    "next_change_on", "inputs_hash",
)  # fmt: skip


# The dimensions of a score in either of the forms it may be stored in, as parts.unpack_dimensions reads them.
EITHER_DIMENSIONS = "coalesce(dimension_points::text, dimensions::text) AS dimensions"


class ScoredCitizen(msgspec.Struct, frozen=True):
    """A citizen who has a score."""

    id: UUID


class LevelCount(msgspec.Struct, frozen=True):
    """How many citizens are in a level."""

    level: str
    citizens: int


class ValueCount(msgspec.Struct, frozen=True):
    """How many citizens have a score in a step of so many points."""

    step: int
    citizens: int


class StoredSnapshot(StoredScore, frozen=True, kw_only=True):
    """A current score, and whose it is."""

    citizen_id: UUID


class NamedSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A current score with the rule book it follows; ``honours`` is JSON text."""

    value: int
    level: str
    as_of: date
    honours: str | None
    inputs_hash: bytes | None
    book_code: str
    book_version: int
    book_digest: bytes


class ScoredCaller(CitizenCaller, frozen=True, kw_only=True):
    """A citizen with a live session, and the current score; its fields are all None where there is none."""

    value: int | None
    level: str | None
    dimensions: str | None
    as_of: date | None
    rule_book_id: int | None


class StoredChange(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a score's history; reasons are JSON text."""

    id: UUID
    citizen_id: UUID
    at: datetime
    from_value: int | None
    to_value: int
    from_level: str | None
    to_level: str
    reasons: str


async def insert_scores(scores: Sequence[ComputedScore], steps: Sequence[StoredChange], *, at: datetime) -> None:
    """Store current scores, in the place of older ones, and steps of history; either may be none."""
    await execute(
        """
        WITH history AS (
            INSERT INTO score_change (id, citizen_id, at, from_value, to_value, from_level, to_level, reasons)
            SELECT * FROM unnest($12::uuid[], $13::uuid[], $14::timestamptz[], $15::integer[], $16::integer[],
                                 $17::text[], $18::text[], $19::jsonb[])
        )
        INSERT INTO score_snapshot (citizen_id, value, level, dimension_points, honours, part_points, rule_book_id,
                                    as_of, next_change_on, inputs_hash, computed_at)
        SELECT id, value, level, dimensions::bigint[], honours, parts::bigint[], book, as_of, next_on, hash,
               $11::timestamptz
        FROM unnest($1::uuid[], $2::integer[], $3::text[], $4::text[], $5::jsonb[], $6::text[], $7::integer[],
                    $8::date[], $9::date[], $10::bytea[])
             AS new (id, value, level, dimensions, honours, parts, book, as_of, next_on, hash)
        ON CONFLICT (citizen_id) DO UPDATE SET
            value = excluded.value, level = excluded.level, dimension_points = excluded.dimension_points,
            honours = excluded.honours, part_points = excluded.part_points, rule_book_id = excluded.rule_book_id,
            as_of = excluded.as_of, next_change_on = excluded.next_change_on,
            inputs_hash = excluded.inputs_hash, computed_at = excluded.computed_at, dimensions = NULL, parts = NULL
        """,
        *([getattr(score, name) for score in scores] for name in SNAPSHOT_COLUMNS),
        at,
        *([getattr(step, name) for step in steps] for name in StoredChange.__struct_fields__),
    )


async def list_changes(citizen_id: UUID, *, before: UUID | None, limit: int) -> list[StoredChange]:
    """Return a citizen's steps, newest first, from just before one of them."""
    changes = select(ScoreChange, StoredChange).where(ScoreChange.citizen_id == citizen_id)
    if before is not None:
        changes = changes.where(ScoreChange.id < before)
    return await fetch_rows(StoredChange, changes.order_by(ScoreChange.id, ascending=False), limit=limit)


async def find_named_snapshot(citizen_id: UUID) -> NamedSnapshot | None:
    """Return a citizen's current score with its rule book."""
    return await fetch_one(
        NamedSnapshot,
        """
        SELECT s.value, s.level, s.as_of, s.honours, s.inputs_hash, b.code AS book_code, b.version AS book_version,
               b.digest AS book_digest
          FROM score_snapshot s JOIN rule_book b ON b.id = s.rule_book_id
         WHERE s.citizen_id = $1
        """,
        citizen_id,
    )


async def find_snapshot(citizen_id: UUID) -> StoredSnapshot | None:
    """Return a citizen's current score; reads that wait together share one statement."""
    return await SNAPSHOTS.submit(citizen_id)


async def _find_snapshots(citizen_ids: list[UUID]) -> list[StoredSnapshot | Exception | None]:
    rows = await fetch_all(
        StoredSnapshot,
        f"""
        SELECT citizen_id, value, level, {EITHER_DIMENSIONS}, rule_book_id, as_of
        FROM score_snapshot WHERE citizen_id = ANY($1)
        """,
        citizen_ids,
    )
    by_citizen = {row.citizen_id: row for row in rows}
    return [by_citizen.get(citizen_id) for citizen_id in citizen_ids]


SNAPSHOTS = coalesce(_find_snapshots)


async def find_scored_caller(session_id: UUID) -> ScoredCaller | None:
    """Return the citizen of a live session with their score; reads that wait together share one statement.

    Session and score come in one statement, because this is the page that every phone opens with: two would be two
    rounds to the database, and two moments.
    """
    return await SCORED_CALLERS.submit(session_id)


async def _find_scored_callers(session_ids: list[UUID]) -> list[ScoredCaller | Exception | None]:
    rows = await fetch_all(
        ScoredCaller,
        f"""
        SELECT {LIVE_CALLER}, k.value, k.level, {EITHER_DIMENSIONS}, k.as_of, k.rule_book_id
        FROM {LIVE_SESSIONS} LEFT JOIN score_snapshot k ON k.citizen_id = c.id WHERE s.id = ANY($1)
        """,
        session_ids,
    )
    by_session = {row.session_id: row for row in rows}
    return [by_session.get(session_id) for session_id in session_ids]


SCORED_CALLERS = coalesce(_find_scored_callers)


async def list_random_scored(limit: int) -> list[ScoredCitizen]:
    """Return some citizens who have a score and do not wait for a new one, drawn by lot."""
    return await fetch_all(
        ScoredCitizen,
        """
        SELECT citizen_id AS id FROM score_snapshot s
        WHERE NOT EXISTS (SELECT FROM score_due d WHERE d.citizen_id = s.citizen_id)
        ORDER BY random() LIMIT $1
        """,
        limit,
    )


async def count_by_level() -> list[LevelCount]:
    """Return how many citizens are in each level somebody is in."""
    return await fetch_all(LevelCount, "SELECT level, count(*)::integer AS citizens FROM score_snapshot GROUP BY level")


async def count_by_step(points: int) -> list[ValueCount]:
    """Return how many citizens have a score in each step of so many points somebody is in, from the lowest."""
    return await fetch_all(
        ValueCount,
        """
        SELECT floor(value::numeric / $1)::integer AS step, count(*)::integer AS citizens
        FROM score_snapshot GROUP BY 1 ORDER BY 1
        """,
        points,
    )


async def delete_score(citizen_id: UUID) -> None:
    """Delete a citizen's score and its history."""
    await execute(
        """
        WITH history AS (DELETE FROM score_change WHERE citizen_id = $1),
            waiting AS (DELETE FROM score_due WHERE citizen_id = $1),
            prepared AS (DELETE FROM score_prepared WHERE citizen_id = $1),
            moved AS (
                INSERT INTO score_moved (citizen_id)
                SELECT $1 FROM score_preparation WHERE phase = 'preparing' ON CONFLICT DO NOTHING
            )
        DELETE FROM score_snapshot WHERE citizen_id = $1
        """,
        citizen_id,
    )


class PreviousScore(msgspec.Struct, frozen=True, kw_only=True):
    """A citizen's score before a switch beside the current one; parts as ``parts.unpack_parts`` reads them."""

    citizen_id: UUID
    value: int
    level: str
    parts: str
    rule_book_id: int
    from_value: int
    from_level: str
    from_parts: str
    from_rule_book_id: int


async def take_previous(citizen_ids: Sequence[UUID]) -> list[PreviousScore]:
    """Take the scores from before a switch of locked citizens and return them beside the current ones, each once."""
    return await fetch_all(
        PreviousScore,
        """
        WITH previous AS (DELETE FROM score_prepared WHERE citizen_id = ANY($1) RETURNING *)
        SELECT s.citizen_id, s.value, s.level, coalesce(s.part_points::text, s.parts::text) AS parts, s.rule_book_id,
               p.value AS from_value, p.level AS from_level,
               coalesce(p.part_points::text, p.parts::text) AS from_parts, p.rule_book_id AS from_rule_book_id
        FROM previous p
        CROSS JOIN LATERAL (SELECT * FROM score_snapshot WHERE citizen_id = p.citizen_id OFFSET 0) s
        """,
        citizen_ids,
    )
