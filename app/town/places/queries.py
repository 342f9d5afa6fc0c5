"""SQL of what institutions are there already: one function, one statement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast
from uuid import UUID

import msgspec

from app.kit.db.database import fetch_all, fetch_one, fetch_value


class PlaceTerminal(msgspec.Struct, frozen=True):
    """A terminal with its store and institution; None for the store or terminal that an institution lacks."""

    institution_id: UUID
    institution: str
    store_id: UUID | None
    store: str | None
    terminal_id: UUID | None
    terminal: str | None


class StaffAccount(msgspec.Struct, frozen=True):
    """A staff account."""

    id: UUID
    username: str
    institution_id: UUID | None


class FoundCampaign(msgspec.Struct, frozen=True):
    """A campaign and its state."""

    id: UUID
    state: str
    revision: int


class FoundBenefit(msgspec.Struct, frozen=True):
    """A benefit's id."""

    id: UUID
    code: str


async def list_places(names: Sequence[str]) -> list[PlaceTerminal]:
    """Return the stores and terminals that some institutions have already."""
    return await fetch_all(
        PlaceTerminal,
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


async def find_official(username: str) -> StaffAccount | None:
    """Find a staff account."""
    return await fetch_one(
        StaffAccount, "SELECT id, username, institution_id FROM official WHERE username = $1", username
    )


async def find_waiting_scenario(code: str) -> UUID | None:
    """Find the proposal of a scenario that waits to be confirmed."""
    sql = "SELECT id FROM scenario_proposal WHERE code = $1 AND state = 'waiting'"
    return cast(UUID | None, await fetch_value(sql, code))


async def find_is_scenario(code: str) -> bool:
    """Whether there is such a scenario."""
    return bool(await fetch_value("SELECT EXISTS (SELECT FROM scenario WHERE code = $1)", code))


async def find_campaign(institution_id: UUID, code: str) -> FoundCampaign | None:
    """Find the campaign of an institution that a benefit belongs to."""
    return await fetch_one(
        FoundCampaign,
        """
        SELECT c.id, c.state, c.revision FROM benefit b JOIN campaign c ON c.id = b.campaign_id
         WHERE b.institution_id = $1 AND b.code = $2
        """,
        institution_id,
        code,
    )


async def list_benefits(institution_id: UUID, codes: Sequence[str]) -> list[FoundBenefit]:
    """Return the ids of benefits of an institution."""
    return await fetch_all(
        FoundBenefit, "SELECT id, code FROM benefit WHERE institution_id = $1 AND code = ANY($2)", institution_id, codes
    )
