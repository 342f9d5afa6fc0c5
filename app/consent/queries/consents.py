"""SQL for consent texts and consents: one function, one statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from app.consent.purposes import GivenConsent, Purpose
from app.consent.tables import Consent
from app.kit.db.database import execute, fetch_all, fetch_one
from app.kit.db.rows import fetch_row, fetch_rows, run, select


class TextInForce(Purpose, frozen=True):
    """The text of a purpose, in the version in force."""

    title_zh: str
    title_en: str
    body_zh: str
    body_en: str


class ShownConsent(msgspec.Struct, frozen=True):
    """A consent with the text it was given to; ``is_current`` when that version is the one in force."""

    purpose: str
    version: int
    given_at: datetime
    title_zh: str
    title_en: str
    is_required: bool
    is_current: bool


async def list_texts_in_force() -> list[TextInForce]:
    """Return the newest version of every purpose, the required ones first."""
    return await fetch_all(
        TextInForce,
        """
        SELECT * FROM (
            SELECT DISTINCT ON (purpose) purpose, version, is_required, title_zh, title_en, body_zh, body_en
              FROM consent_text WHERE published_at <= now() ORDER BY purpose, version DESC) newest
         ORDER BY NOT is_required, purpose
        """,
    )


async def list_purposes_in_force() -> list[Purpose]:
    """Return every purpose with its version in force."""
    return await fetch_all(
        Purpose,
        """
        SELECT DISTINCT ON (purpose) purpose, version, is_required
          FROM consent_text WHERE published_at <= now() ORDER BY purpose, version DESC
        """,
    )


async def list_consents(citizen_id: UUID) -> list[GivenConsent]:
    """Return what a citizen consents to now."""
    consents = select(Consent, GivenConsent).where((Consent.citizen_id == citizen_id) & Consent.withdrawn_at.is_null())
    return await fetch_rows(GivenConsent, consents.order_by(Consent.purpose))


async def list_shown_consents(citizen_id: UUID) -> list[ShownConsent]:
    """Return a citizen's consents, each under the title it was given to; also where no text is in force any more."""
    return await fetch_all(
        ShownConsent,
        """
        SELECT c.purpose, c.version, c.given_at, t.title_zh, t.title_en, t.is_required,
               c.version IS NOT DISTINCT FROM (
                   SELECT max(newest.version) FROM consent_text newest
                    WHERE newest.purpose = c.purpose AND newest.published_at <= now()) AS is_current
          FROM consent c JOIN consent_text t USING (purpose, version)
         WHERE c.citizen_id = $1 AND c.withdrawn_at IS NULL ORDER BY c.purpose
        """,
        citizen_id,
    )


async def list_all_consents(citizen_id: UUID) -> list[GivenConsent]:
    """Return every consent a citizen ever gave, withdrawn or not, oldest first."""
    consents = select(Consent, GivenConsent).where(Consent.citizen_id == citizen_id)
    return await fetch_rows(GivenConsent, consents.order_by(Consent.given_at, Consent.id))


async def find_latest_consent(citizen_id: UUID, purpose: str) -> GivenConsent | None:
    """Return what a citizen last consented to for a purpose, withdrawn or not."""
    consents = select(Consent, GivenConsent).where((Consent.citizen_id == citizen_id) & (Consent.purpose == purpose))
    return await fetch_row(GivenConsent, consents.order_by(Consent.given_at, Consent.id, ascending=False).limit(1))


async def mark_superseded(citizen_id: UUID, purposes: Sequence[str], versions: Sequence[int], at: datetime) -> None:
    """End consents to other versions of these purposes; a new version is about to be accepted."""
    await execute(
        """
        UPDATE consent SET withdrawn_at = greatest($4, given_at)
          FROM unnest($2::text[], $3::integer[]) AS new (purpose, version)
         WHERE citizen_id = $1 AND withdrawn_at IS NULL
           AND consent.purpose = new.purpose AND consent.version <> new.version
        """,
        citizen_id,
        purposes,
        versions,
        at,
    )


async def insert_consents(
    citizen_id: UUID, ids: Sequence[UUID], purposes: Sequence[str], versions: Sequence[int], at: datetime
) -> list[GivenConsent]:
    """Store consents and return the new ones; what was given before is not given again."""
    return await fetch_all(
        GivenConsent,
        """
        INSERT INTO consent (id, citizen_id, purpose, version, given_at)
        SELECT id, $1, purpose, version, $5
          FROM unnest($2::uuid[], $3::text[], $4::integer[]) AS new (id, purpose, version)
        ON CONFLICT (citizen_id, purpose) WHERE withdrawn_at IS NULL DO NOTHING
        RETURNING id, purpose, version, given_at, withdrawn_at
        """,
        citizen_id,
        ids,
        purposes,
        versions,
        at,
    )


async def mark_withdrawn(citizen_id: UUID, purpose: str, at: datetime) -> GivenConsent | None:
    """Withdraw a consent; None when there is none to withdraw."""
    return await fetch_one(
        GivenConsent,
        """
        UPDATE consent SET withdrawn_at = greatest($3, given_at)
         WHERE citizen_id = $1 AND purpose = $2 AND withdrawn_at IS NULL
        RETURNING id, purpose, version, given_at, withdrawn_at
        """,
        citizen_id,
        purpose,
        at,
    )


async def delete_consents(citizen_id: UUID) -> None:
    """Delete every consent of a citizen."""
    await run(Consent.delete().where(Consent.citizen_id == citizen_id))
