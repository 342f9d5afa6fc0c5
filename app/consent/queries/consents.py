"""SQL for consent texts and consents: one function, one statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from app.consent.purposes import GivenConsent, Purpose
from app.kit.db.database import execute, fetch_all, fetch_one


class TextRow(msgspec.Struct, frozen=True):
    """A consent text in force."""

    purpose: str
    version: int
    title_zh: str
    title_en: str
    body_zh: str
    body_en: str
    is_required: bool


class ShownConsent(msgspec.Struct, frozen=True):
    """A consent with the text it was given to; ``is_current`` when that version is the one in force."""

    purpose: str
    version: int
    given_at: datetime
    title_zh: str
    title_en: str
    is_required: bool
    is_current: bool


async def list_texts_in_force() -> list[TextRow]:
    """Return the newest version of every purpose, the required ones first."""
    return await fetch_all(
        TextRow,
        """
        SELECT * FROM (
            SELECT DISTINCT ON (purpose) purpose, version, title_zh, title_en, body_zh, body_en, is_required
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
    """Return what a citizen agrees to now."""
    return await fetch_all(
        GivenConsent,
        """
        SELECT id, purpose, version, given_at, withdrawn_at
          FROM consent WHERE citizen_id = $1 AND withdrawn_at IS NULL ORDER BY purpose
        """,
        citizen_id,
    )


async def list_shown_consents(citizen_id: UUID) -> list[ShownConsent]:
    """Return what a citizen agrees to now, each under the title agreed to; also where no text is in force any more."""
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
    """Return everything a citizen ever agreed to, withdrawn or not, oldest first."""
    return await fetch_all(
        GivenConsent,
        """
        SELECT id, purpose, version, given_at, withdrawn_at FROM consent WHERE citizen_id = $1 ORDER BY given_at, id
        """,
        citizen_id,
    )


async def find_latest_consent(citizen_id: UUID, purpose: str) -> GivenConsent | None:
    """Return what a citizen last agreed to for a purpose, withdrawn or not."""
    return await fetch_one(
        GivenConsent,
        """
        SELECT id, purpose, version, given_at, withdrawn_at
          FROM consent WHERE citizen_id = $1 AND purpose = $2 ORDER BY given_at DESC, id DESC LIMIT 1
        """,
        citizen_id,
        purpose,
    )


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
    """Delete every consent of somebody who leaves."""
    await execute("DELETE FROM consent WHERE citizen_id = $1", citizen_id)
