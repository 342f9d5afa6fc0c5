"""Statements about city-app points: one function, one statement."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from app.intake.points.ledger import Rule
from app.intake.tables import PointEvent, PointInbox, PointRule, SourceSecret
from app.kit.db.database import execute, fetch_all, fetch_one, fetch_value
from app.kit.db.rows import fetch_field, fetch_rows, run, select


class Secret(msgspec.Struct, frozen=True):
    """A secret in force, encrypted, and the source that signs with it."""

    id: UUID
    source: str
    cipher: bytes


class WaitingEvent(msgspec.Struct, frozen=True):
    """An event that waits to be counted, encrypted."""

    id: UUID
    cipher: bytes
    received_at: datetime


RULE_COLUMNS = ", ".join(Rule.__struct_fields__)


async def count_sources_of(institution_id: UUID) -> int:
    """How many registered sources an institution owns."""
    return int(await fetch_value("SELECT count(*) FROM source WHERE institution_id = $1", institution_id))


async def list_secrets(institution_id: UUID, at: datetime) -> list[Secret]:
    """Return the secrets in force of an institution's sources."""
    return await fetch_all(
        Secret,
        """
        SELECT k.id, k.source, k.cipher FROM source_secret k JOIN source s ON s.code = k.source
        WHERE s.institution_id = $1 AND (k.expires_at IS NULL OR k.expires_at > $2)
        """,
        institution_id,
        at,
    )


async def delete_passing_secrets(source: str) -> None:
    """Delete the secrets that were rotated before: only the last one overlaps with a new one."""
    secrets = SourceSecret.delete()
    await run(secrets.where((SourceSecret.source == source) & SourceSecret.expires_at.is_not_null()))


async def mark_secret_expiring(source: str, at: datetime) -> None:
    """Let the current secret expire at ``at``."""
    secrets = SourceSecret.update({SourceSecret.expires_at: at})
    await run(secrets.where((SourceSecret.source == source) & SourceSecret.expires_at.is_null()))


async def insert_secret(secret_id: UUID, source: str, cipher: bytes, at: datetime) -> None:
    """Store the current secret of a source."""
    await execute(
        "INSERT INTO source_secret (id, source, cipher, created_at) VALUES ($1, $2, $3, $4)",
        secret_id, source, cipher, at,
    )  # fmt: skip


async def list_rules(source: str) -> list[Rule]:
    """Return what a source's points become."""
    rules = select(PointRule, Rule).where(PointRule.source == source)
    return await fetch_rows(Rule, rules.order_by(PointRule.kind))


async def find_rule_for_update(source: str, kind: str) -> Rule | None:
    """Find a rule and let no event be counted by it until the transaction ends."""
    return await fetch_one(
        Rule, f"SELECT {RULE_COLUMNS} FROM point_rule WHERE source = $1 AND kind = $2 FOR UPDATE", source, kind
    )


async def find_rule(source: str, kind: str) -> Rule | None:
    """Find the rule of a kind, unless its source may no longer report the indicator."""
    return await fetch_one(
        Rule,
        """
        SELECT r.source, r.kind, r.indicator, r.numerator, r.denominator, r.yearly_cap, r.created_at
        FROM point_rule r JOIN source s ON s.code = r.source
        WHERE r.source = $1 AND r.kind = $2 AND (s.indicators IS NULL OR r.indicator = ANY(s.indicators))
        """,
        source,
        kind,
    )


async def lock_rule(source: str, kind: str) -> Rule | None:
    """Find a rule and keep it from being changed until the event is counted; many may hold it."""
    return await fetch_one(
        Rule, f"SELECT {RULE_COLUMNS} FROM point_rule WHERE source = $1 AND kind = $2 FOR SHARE", source, kind
    )


async def count_events(source: str, kind: str) -> int:
    """Whether a rule has counted an event: 1 or 0."""
    return int(
        await fetch_value(
            "SELECT count(*) FROM (SELECT FROM point_event WHERE source = $1 AND kind = $2 LIMIT 1) AS counted",
            source,
            kind,
        )
    )


async def insert_rule(rule: Rule) -> None:
    """Store a rule, in the place of the one before, which has counted nothing."""
    await execute(
        f"""
        INSERT INTO point_rule ({RULE_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (source, kind) DO UPDATE
        SET indicator = excluded.indicator, numerator = excluded.numerator, denominator = excluded.denominator,
            yearly_cap = excluded.yearly_cap, created_at = excluded.created_at
        """,
        *msgspec.structs.astuple(rule),
    )


async def insert_waiting(waiting_id: UUID, cipher: bytes, at: datetime) -> None:
    """Let an event wait to be counted."""
    await execute("INSERT INTO point_inbox (id, cipher, received_at) VALUES ($1, $2, $3)", waiting_id, cipher, at)


async def list_waiting(after: UUID, failures_max: int, limit: int) -> list[WaitingEvent]:
    """Return events that wait, in the order they came in, without those that have failed too often."""
    events = select(PointInbox, WaitingEvent).where((PointInbox.id > after) & (PointInbox.failures < failures_max))
    return await fetch_rows(WaitingEvent, events.order_by(PointInbox.id), limit=limit)


async def delete_waiting(waiting_id: UUID) -> bool:
    """Take an event that waits, inside the transaction that counts it; False when another one has taken it."""
    return bool(await execute("DELETE FROM point_inbox WHERE id = $1", waiting_id))


async def mark_failed(waiting_id: UUID) -> None:
    """Note that an event could not be counted this time."""
    await run(PointInbox.update({PointInbox.failures: PointInbox.failures + 1}).where(PointInbox.id == waiting_id))


async def delete_given_up(failures_max: int, before: datetime) -> int:
    """Delete events that could not be counted and came in before an instant; how many."""
    events = PointInbox.delete()
    return await run(events.where((PointInbox.failures >= failures_max) & (PointInbox.received_at <= before)))


async def insert_event(source: str, event_id: str, kind: str, citizen_id: UUID, digest: bytes, at: datetime) -> bool:
    """Remember an event; False when it was counted before. Waits while another transaction counts the same one."""
    return bool(
        await execute(
            """
            INSERT INTO point_event (source, event_id, kind, citizen_id, facts_digest, received_at)
            VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (event_id, source) DO NOTHING
            """,
            source, event_id, kind, citizen_id, digest, at,
        )
    )  # fmt: skip


async def find_event_digest(source: str, event_id: str) -> bytes | None:
    """Return the digest of an event that was counted."""
    events = PointEvent.select(PointEvent.facts_digest)
    digest: bytes | None = await fetch_field(
        events.where((PointEvent.event_id == event_id) & (PointEvent.source == source))
    )
    return digest


async def update_total(citizen_id: UUID, source: str, kind: str, year: int, amount: int) -> int:
    """Add points to a person's year, and return what they are together now."""
    return int(
        await fetch_value(
            """
            INSERT INTO point_total AS stored (citizen_id, source, kind, year, total) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (citizen_id, source, kind, year) DO UPDATE SET total = stored.total + excluded.total
            RETURNING total
            """,
            citizen_id, source, kind, year, amount,
        )
    )  # fmt: skip


async def delete_points(citizen_id: UUID) -> None:
    """Delete what was counted of a citizen's app points; the app's event ids become free again."""
    await execute(
        """
        WITH freed AS (DELETE FROM point_event WHERE citizen_id = $1)
        DELETE FROM point_total WHERE citizen_id = $1
        """,
        citizen_id,
    )
