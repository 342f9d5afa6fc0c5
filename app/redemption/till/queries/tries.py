"""SQL of tries to redeem, as those answer for them who run the city. One function, one statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from app.kit.db.database import execute, fetch_all


class RefusedTry(msgspec.Struct, frozen=True, kw_only=True):
    """A try that was refused; ``trace_id`` is 32 hex digits."""

    reference: str
    institution_id: UUID
    at: datetime
    store_id: UUID | None
    terminal_id: UUID | None
    outcome: str
    trace_id: str


class Try(msgspec.Struct, frozen=True, kw_only=True):
    """A try under a reference, where it was made and how it ended; nothing of the person at the till.

    ``outcome`` is ``redeemed``, ``reversed`` or the refusal's code; only a refusal has a ``trace_id``.
    """

    at: datetime
    institution: str
    store: str | None
    terminal: str | None
    outcome: str
    trace_id: UUID | None


async def insert_refused(tries: Sequence[RefusedTry], same_within: timedelta) -> None:
    """Store tries, none that says what another one said within ``same_within`` before.

    The look before is a scalar one: for a NOT EXISTS the planner may read the whole table into a hash.
    """
    distinct = list({(one.institution_id, one.reference, one.terminal_id, one.outcome): one for one in tries}.values())
    await execute(
        """
        INSERT INTO refused_try (reference, institution_id, at, id, store_id, terminal_id, outcome, trace_id)
        SELECT reference, institution_id, at, uuidv7(), store_id, terminal_id, outcome, trace_id
          FROM unnest($1::text[], $2::uuid[], $3::timestamptz[], $4::uuid[], $5::uuid[], $6::text[], $7::uuid[])
               AS given (reference, institution_id, at, store_id, terminal_id, outcome, trace_id)
         WHERE (
            SELECT true FROM refused_try AS earlier
             WHERE earlier.reference = given.reference AND earlier.institution_id = given.institution_id
               AND earlier.at >= given.at - $8::interval AND earlier.outcome = given.outcome
               AND earlier.terminal_id IS NOT DISTINCT FROM given.terminal_id
             LIMIT 1
         ) IS NULL
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


async def list_tries(reference: str, institution: str | None, limit: int) -> list[Try]:
    """List the newest ``limit`` tries under a reference, newest first: refused ones while stored, redemptions of ever.

    ``institution`` is the name or the id of the one whose reference it is; None: of all, for two may use the same.
    """
    return await fetch_all(
        Try,
        """
        WITH redeemed AS MATERIALIZED (
            SELECT institution_id, id, store_id, terminal_id, redeemed_at FROM redemption WHERE reference = $1
        ), tried AS (
            SELECT at, institution_id, store_id, terminal_id, outcome, trace_id FROM refused_try WHERE reference = $1
            UNION ALL
            SELECT redeemed_at, institution_id, store_id, terminal_id, 'redeemed', NULL FROM redeemed
            UNION ALL
            SELECT v.reversed_at, r.institution_id, r.store_id, r.terminal_id, 'reversed', NULL
              FROM redeemed AS r
              JOIN reversal AS v ON v.institution_id = r.institution_id AND v.redemption_id = r.id
        )
        SELECT tried.at, institution.name AS institution, store.name AS store, terminal.name AS terminal,
               tried.outcome, tried.trace_id
          FROM tried
          JOIN institution ON institution.id = tried.institution_id
          LEFT JOIN store ON store.id = tried.store_id
          LEFT JOIN terminal ON terminal.id = tried.terminal_id
         WHERE $2::text IS NULL OR institution.name = $2 OR institution.id::text = $2
         ORDER BY tried.at DESC, institution.name DESC, tried.outcome DESC
         LIMIT $3
        """,
        reference,
        institution,
        limit,
    )
