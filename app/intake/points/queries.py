"""SQL of city-app points: one function, one statement."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from app.intake.points.ledger import Rate
from app.kit.db.database import execute, fetch_all, fetch_one, fetch_value


class SecretRow(msgspec.Struct, frozen=True):
    """A secret in force, encrypted, and whose it is."""

    id: UUID
    source: str
    cipher: bytes


class SourceRow(msgspec.Struct, frozen=True):
    """A registered source, whose it is and what it may report; None: all there is."""

    code: str
    institution_id: UUID | None
    indicators: list[str] | None


class RuleRow(msgspec.Struct, frozen=True, kw_only=True):
    """What points of a kind become."""

    source: str
    kind: str
    indicator: str
    numerator: int
    denominator: int
    yearly_cap: int
    created_at: datetime

    @property
    def rate(self) -> Rate:
        """Return it without whose it is."""
        return Rate(
            indicator=self.indicator,
            numerator=self.numerator,
            denominator=self.denominator,
            yearly_cap=self.yearly_cap,
        )


class KnownEvent(msgspec.Struct, frozen=True):
    """An event that was counted."""

    facts_digest: bytes


class WaitingEvent(msgspec.Struct, frozen=True):
    """An event that waits to be counted, encrypted."""

    id: UUID
    cipher: bytes
    received_at: datetime


RULE_COLUMNS = ", ".join(RuleRow.__struct_fields__)


async def count_sources_of(institution_id: UUID) -> int:
    """How many registered sources an institution owns."""
    return int(await fetch_value("SELECT count(*) FROM source WHERE institution_id = $1", institution_id))


async def find_source(code: str) -> SourceRow | None:
    """Find a registered source."""
    return await fetch_one(SourceRow, "SELECT code, institution_id, indicators FROM source WHERE code = $1", code)


async def find_source_for_update(code: str) -> SourceRow | None:
    """Find a registered source and let one at a time change what it signs with."""
    return await fetch_one(
        SourceRow, "SELECT code, institution_id, indicators FROM source WHERE code = $1 FOR NO KEY UPDATE", code
    )


async def list_secrets(institution_id: UUID, at: datetime) -> list[SecretRow]:
    """Return the secrets in force of an institution's sources."""
    return await fetch_all(
        SecretRow,
        """
        SELECT k.id, k.source, k.cipher FROM source_secret k JOIN source s ON s.code = k.source
        WHERE s.institution_id = $1 AND (k.expires_at IS NULL OR k.expires_at > $2)
        """,
        institution_id,
        at,
    )


async def delete_passing_secrets(source: str) -> None:
    """Delete the secrets that were rotated before: only the last one overlaps with a new one."""
    await execute("DELETE FROM source_secret WHERE source = $1 AND expires_at IS NOT NULL", source)


async def mark_secret_expiring(source: str, at: datetime) -> None:
    """Let the current secret expire at ``at``."""
    await execute("UPDATE source_secret SET expires_at = $2 WHERE source = $1 AND expires_at IS NULL", source, at)


async def insert_secret(secret_id: UUID, source: str, cipher: bytes, at: datetime) -> None:
    """Store the current secret of a source."""
    await execute(
        "INSERT INTO source_secret (id, source, cipher, created_at) VALUES ($1, $2, $3, $4)",
        secret_id, source, cipher, at,
    )  # fmt: skip


async def list_rules(source: str) -> list[RuleRow]:
    """Return what a source's points become."""
    return await fetch_all(RuleRow, f"SELECT {RULE_COLUMNS} FROM point_rule WHERE source = $1 ORDER BY kind", source)


async def find_rule_for_update(source: str, kind: str) -> RuleRow | None:
    """Find a rule and let no event be counted by it meanwhile."""
    return await fetch_one(
        RuleRow, f"SELECT {RULE_COLUMNS} FROM point_rule WHERE source = $1 AND kind = $2 FOR UPDATE", source, kind
    )


async def find_rule(source: str, kind: str) -> RuleRow | None:
    """Find the rule of a kind, when its source may still report what it makes."""
    return await fetch_one(
        RuleRow,
        """
        SELECT r.source, r.kind, r.indicator, r.numerator, r.denominator, r.yearly_cap, r.created_at
        FROM point_rule r JOIN source s ON s.code = r.source
        WHERE r.source = $1 AND r.kind = $2 AND (s.indicators IS NULL OR r.indicator = ANY(s.indicators))
        """,
        source,
        kind,
    )


async def lock_rule(source: str, kind: str) -> RuleRow | None:
    """Find a rule and keep it from being changed until the event is counted; many may hold it."""
    return await fetch_one(
        RuleRow, f"SELECT {RULE_COLUMNS} FROM point_rule WHERE source = $1 AND kind = $2 FOR SHARE", source, kind
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


async def insert_rule(rule: RuleRow) -> None:
    """Store a rule, or another one in the place of one that has counted nothing."""
    await execute(
        """
        INSERT INTO point_rule (source, kind, indicator, numerator, denominator, yearly_cap, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (source, kind) DO UPDATE
        SET indicator = $3, numerator = $4, denominator = $5, yearly_cap = $6, created_at = $7
        """,
        *(getattr(rule, name) for name in RuleRow.__struct_fields__),
    )


async def insert_waiting(waiting_id: UUID, cipher: bytes, at: datetime) -> None:
    """Let an event wait to be counted."""
    await execute("INSERT INTO point_inbox (id, cipher, received_at) VALUES ($1, $2, $3)", waiting_id, cipher, at)


async def list_waiting(after: UUID, failures_max: int, limit: int) -> list[WaitingEvent]:
    """Return events that wait, in the order they came in; not those that cannot be counted again and again."""
    return await fetch_all(
        WaitingEvent,
        """
        SELECT id, cipher, received_at FROM point_inbox WHERE id > $1 AND failures < $2 ORDER BY id LIMIT $3
        """,
        after,
        failures_max,
        limit,
    )


async def delete_waiting(waiting_id: UUID) -> bool:
    """Take an event that waits, inside the transaction that counts it; False when somebody else has."""
    return bool(await execute("DELETE FROM point_inbox WHERE id = $1", waiting_id))


async def mark_failed(waiting_id: UUID) -> None:
    """Note that an event could not be counted this time."""
    await execute("UPDATE point_inbox SET failures = failures + 1 WHERE id = $1", waiting_id)


async def delete_given_up(failures_max: int, before: datetime) -> int:
    """Delete events that could not be counted and came in before an instant; how many."""
    return await execute("DELETE FROM point_inbox WHERE failures >= $1 AND received_at <= $2", failures_max, before)


async def lock_member(citizen_id: UUID) -> bool:
    """Lock a citizen so that nobody leaves meanwhile and scores move one after another; whether they are still one."""
    return bool(
        await fetch_value("SELECT 1 FROM citizen WHERE id = $1 AND state <> 'left' FOR NO KEY UPDATE", citizen_id)
    )


async def insert_event(source: str, event_id: str, kind: str, citizen_id: UUID, digest: bytes, at: datetime) -> bool:
    """Remember an event; False when it is known. Waits for whoever is telling the same."""
    return bool(
        await execute(
            """
            INSERT INTO point_event (source, event_id, kind, citizen_id, facts_digest, received_at)
            VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (event_id, source) DO NOTHING
            """,
            source, event_id, kind, citizen_id, digest, at,
        )
    )  # fmt: skip


async def find_event(source: str, event_id: str) -> KnownEvent | None:
    """Find an event that was counted."""
    return await fetch_one(
        KnownEvent, "SELECT facts_digest FROM point_event WHERE event_id = $2 AND source = $1", source, event_id
    )


async def update_total(citizen_id: UUID, source: str, kind: str, year: int, amount: int) -> int:
    """Add points to a person's year, and return what they are together now."""
    return int(
        await fetch_value(
            """
            INSERT INTO point_total AS known (citizen_id, source, kind, year, total) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (citizen_id, source, kind, year) DO UPDATE SET total = known.total + excluded.total
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
