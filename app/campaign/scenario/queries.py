"""SQL of scenarios, of what officials propose they shall be, and of the closed list of uses."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from app.campaign.scenario.moves import ProposalState
from app.campaign.terms.limits import Scenario
from app.kit.db.database import execute, fetch_all, fetch_one

FIELDS = "code, title_zh, title_en, use, needs_name, needs_without_score"
PROPOSAL_FIELDS = f"id, {FIELDS}, state, proposed_by, proposed_at, decided_by, decided_at, note"


class UseRow(msgspec.Struct, frozen=True):
    """A use of the closed list."""

    code: str
    is_denied: bool
    title_zh: str
    title_en: str


class ScenarioRow(msgspec.Struct, frozen=True, kw_only=True):
    """A scenario with its revision."""

    code: str
    title_zh: str
    title_en: str
    use: str
    needs_name: bool
    needs_without_score: bool
    revision: int


class ProposalRow(msgspec.Struct, frozen=True, kw_only=True):
    """What an official proposes a scenario shall be."""

    id: UUID
    code: str
    title_zh: str
    title_en: str
    use: str
    needs_name: bool
    needs_without_score: bool
    state: ProposalState
    proposed_by: UUID
    proposed_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None
    note: str | None

    @property
    def revision(self) -> int:
        """Return what its ETag is made of: a proposal changes once, when it is decided on."""
        return 1 if self.state == "waiting" else 2

    def to_scenario(self) -> Scenario:
        """Return the scenario it would be."""
        return Scenario(
            code=self.code, title_zh=self.title_zh, title_en=self.title_en, use=self.use, needs_name=self.needs_name,
            needs_without_score=self.needs_without_score,
        )  # fmt: skip


async def list_scenarios() -> list[Scenario]:
    """Return every scenario."""
    return await fetch_all(Scenario, f"SELECT {FIELDS} FROM scenario ORDER BY code")


async def find_scenario(code: str, *, lock: bool = False) -> ScenarioRow | None:
    """Find a scenario, and lock it where asked."""
    return await fetch_one(
        ScenarioRow, f"SELECT {FIELDS}, revision FROM scenario WHERE code = $1{' FOR UPDATE' if lock else ''}", code
    )


async def put_scenario(scenario: Scenario) -> None:
    """Store a confirmed scenario, new or in the place of what it was."""
    await execute(
        """
        INSERT INTO scenario (code, title_zh, title_en, use, needs_name, needs_without_score)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (code) DO UPDATE SET
            title_zh = excluded.title_zh, title_en = excluded.title_en, use = excluded.use,
            needs_name = excluded.needs_name, needs_without_score = excluded.needs_without_score,
            revision = scenario.revision + 1
        """,
        scenario.code, scenario.title_zh, scenario.title_en, scenario.use, scenario.needs_name,
        scenario.needs_without_score,
    )  # fmt: skip


async def find_use(code: str) -> UseRow | None:
    """Find a use of the closed list, denied ones too."""
    return await fetch_one(UseRow, "SELECT * FROM scenario_use WHERE code = $1", code)


async def list_uses() -> list[UseRow]:
    """Return the closed list of uses."""
    return await fetch_all(UseRow, "SELECT * FROM scenario_use ORDER BY is_denied, code")


async def insert_proposal(proposal_id: UUID, scenario: Scenario, official_id: UUID, at: datetime) -> bool:
    """Store a proposal; False when another one of its code waits."""
    return bool(
        await execute(
            """
            INSERT INTO scenario_proposal (id, code, title_zh, title_en, use, needs_name, needs_without_score, state,
                                           proposed_by, proposed_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, 'waiting', $8, $9)
            ON CONFLICT (code) WHERE state = 'waiting' DO NOTHING
            """,
            proposal_id, scenario.code, scenario.title_zh, scenario.title_en, scenario.use, scenario.needs_name,
            scenario.needs_without_score, official_id, at,
        )
    )  # fmt: skip


async def find_proposal(proposal_id: UUID, *, lock: bool = False) -> ProposalRow | None:
    """Find a proposal, and lock it where asked."""
    return await fetch_one(
        ProposalRow,
        f"SELECT {PROPOSAL_FIELDS} FROM scenario_proposal WHERE id = $1{' FOR UPDATE' if lock else ''}",
        proposal_id,
    )


async def list_proposals(state: ProposalState | None, before: UUID | None, limit: int) -> list[ProposalRow]:
    """Return ``limit`` + 1 proposals, newest first."""
    return await fetch_all(
        ProposalRow,
        f"""
        SELECT {PROPOSAL_FIELDS} FROM scenario_proposal
         WHERE ($1::text IS NULL OR state = $1) AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3
        """,
        state, before, limit + 1,
    )  # fmt: skip


async def mark_decided(
    proposal_id: UUID, state: Literal["confirmed", "rejected"], official_id: UUID, at: datetime, note: str | None
) -> None:
    """Write down who decided on a proposal, and how."""
    await execute(
        """
        UPDATE scenario_proposal SET state = $2, decided_by = $3, decided_at = $4, note = $5
         WHERE id = $1 AND state = 'waiting'
        """,
        proposal_id, state, official_id, at, note,
    )  # fmt: skip
