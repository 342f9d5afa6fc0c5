"""SQL of scenarios, of what officials propose they shall be, and of the closed list of uses."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from app.campaign.scenario.moves import ProposalState
from app.campaign.tables import Scenario as ScenarioTable
from app.campaign.tables import ScenarioProposal, ScenarioUse
from app.campaign.terms.limits import Scenario
from app.kit.db.database import execute, fetch_one
from app.kit.db.rows import fetch_row, fetch_rows, run, select


class Use(msgspec.Struct, frozen=True):
    """A use of the closed list."""

    code: str
    is_denied: bool
    title_zh: str
    title_en: str


class StoredScenario(Scenario, frozen=True, kw_only=True):
    """A scenario with its revision."""

    revision: int


class StoredProposal(Scenario, frozen=True, kw_only=True):
    """The scenario an official proposes, who proposed it, and what became of it."""

    id: UUID
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


async def list_scenarios() -> list[Scenario]:
    """Return every scenario."""
    return await fetch_rows(Scenario, select(ScenarioTable, Scenario).order_by(ScenarioTable.code))


async def find_scenario(code: str) -> StoredScenario | None:
    """Find a scenario."""
    return await fetch_row(StoredScenario, select(ScenarioTable, StoredScenario).where(ScenarioTable.code == code))


async def find_scenario_for_update(code: str) -> StoredScenario | None:
    """Find a scenario and lock it."""
    columns = ", ".join(StoredScenario.__struct_fields__)
    return await fetch_one(StoredScenario, f"SELECT {columns} FROM scenario WHERE code = $1 FOR UPDATE", code)


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


async def find_use(code: str) -> Use | None:
    """Find a use of the closed list, denied ones too."""
    return await fetch_row(Use, select(ScenarioUse, Use).where(ScenarioUse.code == code))


async def list_uses() -> list[Use]:
    """Return the closed list of uses, the denied ones last."""
    return await fetch_rows(Use, select(ScenarioUse, Use).order_by(ScenarioUse.is_denied, ScenarioUse.code))


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


async def find_proposal(proposal_id: UUID) -> StoredProposal | None:
    """Find a proposal."""
    proposals = select(ScenarioProposal, StoredProposal)
    return await fetch_row(StoredProposal, proposals.where(ScenarioProposal.id == proposal_id))


async def find_proposal_for_update(proposal_id: UUID) -> StoredProposal | None:
    """Find a proposal and lock it."""
    columns = ", ".join(StoredProposal.__struct_fields__)
    return await fetch_one(
        StoredProposal, f"SELECT {columns} FROM scenario_proposal WHERE id = $1 FOR UPDATE", proposal_id
    )


async def list_proposals(state: ProposalState | None, before: UUID | None, limit: int) -> list[StoredProposal]:
    """Return ``limit`` + 1 proposals, newest first."""
    proposals = select(ScenarioProposal, StoredProposal)
    if state is not None:
        proposals = proposals.where(ScenarioProposal.state == state)
    if before is not None:
        proposals = proposals.where(ScenarioProposal.id < before)
    newest_first = proposals.order_by(ScenarioProposal.id, ascending=False)
    return await fetch_rows(StoredProposal, newest_first, limit=limit + 1)


async def mark_decided(
    proposal_id: UUID, state: Literal["confirmed", "rejected"], official_id: UUID, at: datetime, note: str | None
) -> None:
    """Write down who decided on a waiting proposal, and how."""
    decision = ScenarioProposal.update(
        {
            ScenarioProposal.state: state,
            ScenarioProposal.decided_by: official_id,
            ScenarioProposal.decided_at: at,
            ScenarioProposal.note: note,
        }
    )
    await run(decision.where((ScenarioProposal.id == proposal_id) & (ScenarioProposal.state == "waiting")))
