"""What is said and heard of scenarios on the wire."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from app.campaign.review.schemas import FlagView
from app.campaign.scenario.moves import ProposalState
from app.campaign.terms.texts import Code, ScenarioCode, Title
from app.kit.web.http import Ask, Wire


class ScenarioRequest(Ask, kw_only=True):
    """A new scenario; `use` is of the closed list."""

    code: ScenarioCode
    title_zh: Title
    title_en: Title
    use: Code
    needs_name: bool
    needs_without_score: bool


class ScenarioChangeRequest(Ask, kw_only=True):
    """What a scenario shall be; its code stays."""

    title_zh: Title
    title_en: Title
    use: Code
    needs_name: bool
    needs_without_score: bool


class ScenarioView(Wire, kw_only=True):
    """Where benefits are used.

    `needsName`: the till sees a masked name. `needsWithoutScore`: a benefit there says what everyone gets anyway.
    """

    code: str
    title_zh: str
    title_en: str
    use: str
    needs_name: bool
    needs_without_score: bool


class UseView(Wire, kw_only=True):
    """A use of the closed list."""

    code: str
    is_denied: bool
    title_zh: str
    title_en: str


class ScenarioProposalView(Wire, kw_only=True):
    """A scenario as an official proposes it; in force once another one of the centre confirms it.

    `flags` are words of the deny-list in its titles, which whoever confirms acknowledges.
    """

    id: UUID
    state: ProposalState
    scenario: ScenarioView
    flags: list[FlagView]
    proposed_by: UUID
    proposed_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None
    note: str | None
