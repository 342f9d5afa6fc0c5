"""SQL for the access log: one function, one statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from app.consent.export import ExportedAccess
from app.consent.purposes import AccessPlace, NewAccess
from app.kit.db.database import execute, fetch_all

COLUMNS = "id, at, citizen_id, institution_id, store_id, terminal_id, official_id, action, scenario, outcome, told"
INSERT = f"""
    INSERT INTO access_log ({COLUMNS})
    SELECT id, at, citizen_id, institution_id, store_id, terminal_id, official_id, action, scenario, outcome,
           told::jsonb
      FROM unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[],
                  $8::text[], $9::text[], $10::text[], $11::text[]) AS new ({COLUMNS})
    """
# The primary key leads with (citizen_id, at): it reads the citizen's last lines, and no more.
UNLESS_SINCE = """
     WHERE NOT EXISTS (
        SELECT FROM access_log AS stored
         WHERE stored.citizen_id = new.citizen_id AND stored.at >= $12
           AND (stored.institution_id, stored.store_id, stored.terminal_id, stored.official_id, stored.action,
                stored.scenario, stored.outcome, stored.told) IS NOT DISTINCT FROM
               (new.institution_id, new.store_id, new.terminal_id, new.official_id, new.action,
                new.scenario, new.outcome, new.told::jsonb))
    """


class AccessLine(msgspec.Struct, frozen=True):
    """One line of the access log with the names of who asked; ``told``, what was disclosed, is JSON text."""

    id: UUID
    at: datetime
    institution: str | None
    store: str | None
    is_by_official: bool
    action: str
    scenario: str | None
    outcome: str
    told: str


async def insert_access(
    ids: Sequence[UUID], entries: Sequence[NewAccess], *, unless_since: datetime | None = None
) -> None:
    """Store lines of the access log under ``ids``; with ``unless_since``, none that was written since then."""
    await execute(
        INSERT if unless_since is None else INSERT + UNLESS_SINCE,
        ids,
        [entry.at for entry in entries],
        [entry.citizen_id for entry in entries],
        [entry.institution_id for entry in entries],
        [entry.store_id for entry in entries],
        [entry.terminal_id for entry in entries],
        [entry.official_id for entry in entries],
        [entry.action for entry in entries],
        [entry.scenario for entry in entries],
        [entry.outcome for entry in entries],
        [msgspec.json.encode(entry.told).decode() for entry in entries],
        *(() if unless_since is None else (unless_since,)),
    )


async def list_access(citizen_id: UUID, before: AccessPlace | None, limit: int) -> list[AccessLine]:
    """Return ``limit`` + 1 lines of a citizen's access log, newest first."""
    return await fetch_all(
        AccessLine,
        """
        SELECT a.id, a.at, i.name AS institution, s.name AS store, a.official_id IS NOT NULL AS is_by_official,
               a.action, a.scenario, a.outcome, a.told
          FROM access_log a
          LEFT JOIN institution i ON i.id = a.institution_id
          LEFT JOIN store s ON s.id = a.store_id
         WHERE a.citizen_id = $1 AND ($2::timestamptz IS NULL OR (a.at, a.id) < ($2, $3::uuid))
         ORDER BY a.at DESC, a.id DESC
         LIMIT $4
        """,
        citizen_id,
        before.at if before else None,
        before.id if before else None,
        limit + 1,
    )


async def count_access(citizen_id: UUID) -> list[ExportedAccess]:
    """Return how often who looked and how it ended, most recent first."""
    return await fetch_all(
        ExportedAccess,
        """
        SELECT i.name AS institution, a.action, a.outcome, count(*) AS times, max(a.at) AS last_at
          FROM access_log a LEFT JOIN institution i ON i.id = a.institution_id
         WHERE a.citizen_id = $1
         GROUP BY i.id, i.name, a.action, a.outcome
         ORDER BY max(a.at) DESC, i.name, a.action, a.outcome
        """,
        citizen_id,
    )
