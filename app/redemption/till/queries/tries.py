"""SQL of tries to redeem, as those answer for them who run the city. One function, one statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from app.kit.db.database import execute, fetch_all

TRIES_MAX = 1_000


class RefusedTry(msgspec.Struct, frozen=True, kw_only=True):
    """A try that was refused before its statement; ``trace_id`` is 32 hex digits."""

    reference: str
    institution_id: UUID
    at: datetime
    store_id: UUID | None
    terminal_id: UUID | None
    outcome: str
    trace_id: str


class Try(msgspec.Struct, frozen=True, kw_only=True):
    """A try under a reference, where it was made and how it ended; nothing of the person at the till.

    ``outcome`` is ``redeemed``, ``reversed`` or the refusal's code; ``trace_id`` is None for what is older than traces.
    """

    at: datetime
    institution: str
    store: str | None
    terminal: str | None
    outcome: str
    trace_id: UUID | None


async def insert_refused(tries: Sequence[RefusedTry], same_within: timedelta) -> None:
    """Store tries, none that says what another one said within ``same_within`` before."""
    distinct = list({(one.institution_id, one.reference, one.terminal_id, one.outcome): one for one in tries}.values())
    await execute(
        """
        INSERT INTO refused_try (reference, institution_id, at, id, store_id, terminal_id, outcome, trace_id)
        SELECT reference, institution_id, at, uuidv7(), store_id, terminal_id, outcome, trace_id
          FROM unnest($1::text[], $2::uuid[], $3::timestamptz[], $4::uuid[], $5::uuid[], $6::text[], $7::uuid[])
               AS given (reference, institution_id, at, store_id, terminal_id, outcome, trace_id)
         WHERE NOT EXISTS (
            SELECT FROM refused_try AS earlier
             WHERE earlier.reference = given.reference AND earlier.institution_id = given.institution_id
               AND earlier.at >= given.at - $8::interval AND earlier.outcome = given.outcome
               AND earlier.terminal_id IS NOT DISTINCT FROM given.terminal_id)
        """,
        [one.reference for one in distinct],
        [one.institution_id for one in distinct],
        [one.at for one in distinct],
        [one.store_id for one in distinct],
        [one.terminal_id for one in distinct],
        [one.outcome for one in distinct],
        [one.trace_id for one in distinct],
        same_within,
    )


async def list_tries(reference: str, institution: str | None, since: datetime) -> list[Try]:
    """List the tries under a reference, oldest first: what was refused since an instant, what was redeemed ever.

    ``institution`` is the name or the id of the one whose reference it is; None: of all, for two may use the same.
    """
    return await fetch_all(
        Try,
        """
        WITH redeemed AS MATERIALIZED (
            SELECT institution_id, id, citizen_id, store_id, terminal_id, redeemed_at
              FROM redemption WHERE reference = $1
        ), tried AS (
            SELECT at, institution_id, store_id, terminal_id, outcome, trace_id
              FROM access_log WHERE reference = $1 AND at >= $3
            UNION -- a try that was refused before its statement may be in both
            SELECT at, institution_id, store_id, terminal_id, outcome, trace_id
              FROM refused_try WHERE reference = $1 AND at >= $3
            UNION ALL
            SELECT r.redeemed_at, r.institution_id, r.store_id, r.terminal_id, 'redeemed', line.trace_id
              FROM redeemed AS r
              LEFT JOIN LATERAL (
                SELECT trace_id FROM access_log AS a
                 WHERE a.citizen_id = r.citizen_id AND a.at = r.redeemed_at AND a.id = r.id LIMIT 1
              ) AS line ON true
            UNION ALL
            SELECT v.reversed_at, r.institution_id, r.store_id, r.terminal_id, 'reversed', line.trace_id
              FROM redeemed AS r
              JOIN reversal AS v ON v.institution_id = r.institution_id AND v.redemption_id = r.id
              LEFT JOIN LATERAL (
                SELECT trace_id FROM access_log AS a
                 WHERE a.citizen_id = r.citizen_id AND a.at = v.reversed_at AND a.action = 'reverse' LIMIT 1
              ) AS line ON true
        )
        SELECT tried.at, institution.name AS institution, store.name AS store, terminal.name AS terminal,
               tried.outcome, tried.trace_id
          FROM tried
          JOIN institution ON institution.id = tried.institution_id
          LEFT JOIN store ON store.id = tried.store_id
          LEFT JOIN terminal ON terminal.id = tried.terminal_id
         WHERE $2::text IS NULL OR institution.name = $2 OR institution.id::text = $2
         ORDER BY tried.at, institution.name, tried.outcome
         LIMIT $4
        """,
        reference,
        institution,
        since,
        TRIES_MAX,
    )
