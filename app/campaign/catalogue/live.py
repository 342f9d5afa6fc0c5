"""The benefits in force as every process holds them in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from app.campaign.terms.document import CampaignDocument, Kind
from app.campaign.terms.eligibility import Eligibility
from app.campaign.terms.grant import Grant, PerCitizen
from app.campaign.terms.ladder import compute_effective_eligibility
from app.campaign.terms.limits import Scenario
from app.score.book.document import Level


class LiveBenefit(msgspec.Struct, frozen=True, kw_only=True):
    """A benefit of an approved version; ``store_ids`` None: every store of the institution.

    The benefits of a campaign that was ended early are still found by id until its time would have been over, so that a
    till is answered "not active" rather than "unknown".
    """

    id: UUID
    code: str
    title: str
    kind: Kind
    scenario: str
    needs_name: bool
    institution_id: UUID
    campaign_id: UUID
    campaign_version: int
    eligibility: Eligibility
    grant: Grant
    stock: int | None
    per_citizen: PerCitizen | None
    reversal_window_seconds: int
    store_ids: frozenset[UUID] | None
    without_score: str | None
    starts_at: datetime
    ends_at: datetime
    state: Literal["live", "paused", "ended"]

    @property
    def is_paused(self) -> bool:
        """Whether the campaign is paused."""
        return self.state == "paused"

    def is_active(self, at: datetime) -> bool:
        """Whether the benefit may be used at an instant: live, begun and not yet over."""
        return self.state == "live" and self.starts_at <= at < self.ends_at

    def is_at_store(self, store_id: UUID) -> bool:
        """Whether the benefit is valid at a store of its institution."""
        return self.store_ids is None or store_id in self.store_ids


class Catalogue:
    """Every benefit in force or paused, every scenario, and the levels they are judged by; only replaced as a whole.

    ``levels`` are those of the rule book in force, by their codes.
    """

    def __init__(
        self, benefits: Iterable[LiveBenefit], scenarios: Iterable[Scenario], levels: Mapping[str, Level]
    ) -> None:
        self.levels = levels
        self._scenarios = {scenario.code: scenario for scenario in scenarios}
        self._by_id = {benefit.id: benefit for benefit in sorted(benefits, key=lambda benefit: benefit.id)}
        self._all = tuple(benefit for benefit in self._by_id.values() if benefit.state != "ended")
        self._everywhere: dict[tuple[UUID, str | None], tuple[LiveBenefit, ...]] = {}
        self._only_at: dict[tuple[UUID, str | None], tuple[LiveBenefit, ...]] = {}
        for benefit in self._all:
            for scenario in (benefit.scenario, None):
                if benefit.store_ids is None:
                    _append(self._everywhere, (benefit.institution_id, scenario), benefit)
                for store_id in benefit.store_ids or ():
                    _append(self._only_at, (store_id, scenario), benefit)

    def benefit(self, benefit_id: UUID) -> LiveBenefit | None:
        """Find a benefit by id, also one of a campaign that was ended early."""
        return self._by_id.get(benefit_id)

    def at_store(self, store_id: UUID, institution_id: UUID, scenario: str | None) -> tuple[LiveBenefit, ...]:
        """Return the live and paused benefits valid at a store of an institution, in one scenario or in all."""
        everywhere = self._everywhere.get((institution_id, scenario), ())
        return everywhere + self._only_at.get((store_id, scenario), ())

    def all(self) -> tuple[LiveBenefit, ...]:
        """Return every live and paused benefit, in the order of their ids."""
        return self._all

    def scenario(self, code: str) -> Scenario | None:
        """Find a scenario."""
        return self._scenarios.get(code)


def _append(
    index: dict[tuple[UUID, str | None], tuple[LiveBenefit, ...]], key: tuple[UUID, str | None], benefit: LiveBenefit
) -> None:
    index[key] = (*index.get(key, ()), benefit)


def compute_live_benefits(
    document: CampaignDocument,
    *,
    campaign_id: UUID,
    institution_id: UUID,
    version: int,
    state: Literal["live", "paused", "ended"],
    benefit_ids: Mapping[str, UUID],
    scenarios: Mapping[str, Scenario],
    levels: Mapping[str, Level],
) -> list[LiveBenefit]:
    """Turn an approved document into the benefits it puts in force."""
    return [
        LiveBenefit(
            id=benefit_ids[benefit.code],
            code=benefit.code,
            title=benefit.title,
            kind=benefit.kind,
            scenario=benefit.scenario,
            needs_name=scenarios[benefit.scenario].needs_name,
            institution_id=institution_id,
            campaign_id=campaign_id,
            campaign_version=version,
            eligibility=compute_effective_eligibility(benefit.eligibility, benefit.grant, levels),
            grant=benefit.grant,
            stock=benefit.stock,
            per_citizen=benefit.per_citizen,
            reversal_window_seconds=benefit.reversal_window_seconds,
            store_ids=None if benefit.stores is None else frozenset(benefit.stores),
            without_score=benefit.without_score,
            starts_at=document.starts_at,
            ends_at=document.ends_at,
            state=state,
        )
        for benefit in document.benefits
    ]
