"""SQL of the demo city: people by COPY, and what is there already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast
from uuid import UUID

import msgspec

from app.demo.rules_facts import EVENT_COLUMNS, RECORD_COLUMNS
from app.demo.rules_rows import CITIZEN_COLUMNS, CONSENT_COLUMNS, ConsentText
from app.kit.database import copy_encoded, fetch_all, fetch_one, fetch_value


class AccountNumber(msgspec.Struct, frozen=True):
    """An account number somebody has."""

    account_number: int


class KnownOpenid(msgspec.Struct, frozen=True):
    """The blind index of an openid somebody has."""

    openid_index: bytes


class ScoredCitizen(msgspec.Struct, frozen=True):
    """A citizen's score; honours are JSON text."""

    openid_index: bytes
    value: int
    level: str
    honours: str


class PlaceRow(msgspec.Struct, frozen=True):
    """A terminal with its store and institution; an institution or store without any has None there."""

    institution_id: UUID
    institution: str
    store_id: UUID | None
    store: str | None
    terminal_id: UUID | None
    terminal: str | None


class OfficialRow(msgspec.Struct, frozen=True):
    """A staff account."""

    id: UUID
    username: str
    institution_id: UUID | None


class CampaignRow(msgspec.Struct, frozen=True):
    """A campaign and where it stands."""

    id: UUID
    state: str
    revision: int


class BenefitRow(msgspec.Struct, frozen=True):
    """A benefit's id."""

    id: UUID
    code: str


async def insert_citizens(rows: bytes) -> None:
    """Store citizens, in the order of ``CITIZEN_COLUMNS``; like all rows here in PostgreSQL's binary format."""
    await copy_encoded("citizen", CITIZEN_COLUMNS, rows)


async def insert_consents(rows: bytes) -> None:
    """Store consents, in the order of ``CONSENT_COLUMNS``."""
    await copy_encoded("consent", CONSENT_COLUMNS, rows)


async def insert_source_events(rows: bytes) -> None:
    """Store which event became which record, in the order of ``EVENT_COLUMNS``."""
    await copy_encoded("record_source_event", EVENT_COLUMNS, rows)


async def insert_records(rows: bytes) -> None:
    """Store records, in the order of ``RECORD_COLUMNS``."""
    await copy_encoded("record", RECORD_COLUMNS, rows)


async def list_consent_texts() -> list[ConsentText]:
    """Return the version in force of every consent text."""
    return await fetch_all(
        ConsentText,
        """
        SELECT DISTINCT ON (purpose) purpose, version, is_required
          FROM consent_text WHERE published_at <= now() ORDER BY purpose, version DESC
        """,
    )


async def list_account_numbers_taken(numbers: Sequence[int]) -> list[AccountNumber]:
    """Return those of some account numbers that somebody has."""
    return await fetch_all(
        AccountNumber, "SELECT account_number FROM citizen WHERE account_number = ANY($1)", list(numbers)
    )


async def list_known_openids(openid_indexes: Sequence[bytes]) -> list[KnownOpenid]:
    """Return those of some openids that somebody has."""
    return await fetch_all(KnownOpenid, "SELECT openid_index FROM citizen WHERE openid_index = ANY($1)", openid_indexes)


async def list_scored(openid_indexes: Sequence[bytes]) -> list[ScoredCitizen]:
    """Return the scores of the citizens with these openids."""
    return await fetch_all(
        ScoredCitizen,
        """
        SELECT c.openid_index, s.value, s.level, s.honours
          FROM citizen c JOIN score_snapshot s ON s.citizen_id = c.id WHERE c.openid_index = ANY($1)
        """,
        openid_indexes,
    )


async def list_places(names: Sequence[str]) -> list[PlaceRow]:
    """Return what there is of some institutions."""
    return await fetch_all(
        PlaceRow,
        """
        SELECT i.id AS institution_id, i.name AS institution, s.id AS store_id, s.name AS store,
               t.id AS terminal_id, t.name AS terminal
          FROM institution i
          LEFT JOIN store s ON s.institution_id = i.id
          LEFT JOIN terminal t ON t.store_id = s.id
         WHERE i.name = ANY($1)
        """,
        names,
    )


async def find_is_terminal(terminal_id: UUID) -> bool:
    """Whether there is such a terminal."""
    return bool(await fetch_value("SELECT EXISTS (SELECT FROM terminal WHERE id = $1)", terminal_id))


async def find_official(username: str) -> OfficialRow | None:
    """Find a staff account."""
    return await fetch_one(
        OfficialRow, "SELECT id, username, institution_id FROM official WHERE username = $1", username
    )


async def find_waiting_scenario(code: str) -> UUID | None:
    """Find the proposal of a scenario that waits to be confirmed."""
    sql = "SELECT id FROM scenario_proposal WHERE code = $1 AND state = 'waiting'"
    return cast(UUID | None, await fetch_value(sql, code))


async def find_is_scenario(code: str) -> bool:
    """Whether there is such a scenario."""
    return bool(await fetch_value("SELECT EXISTS (SELECT FROM scenario WHERE code = $1)", code))


async def find_campaign(institution_id: UUID, code: str) -> CampaignRow | None:
    """Find the campaign of an institution that a benefit belongs to."""
    return await fetch_one(
        CampaignRow,
        """
        SELECT c.id, c.state, c.revision FROM benefit b JOIN campaign c ON c.id = b.campaign_id
         WHERE b.institution_id = $1 AND b.code = $2
        """,
        institution_id,
        code,
    )


async def list_benefits(institution_id: UUID, codes: Sequence[str]) -> list[BenefitRow]:
    """Return the ids of benefits of an institution."""
    return await fetch_all(
        BenefitRow, "SELECT id, code FROM benefit WHERE institution_id = $1 AND code = ANY($2)", institution_id, codes
    )
