"""How a campaign is used, for its publisher: numbers, never people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from app.campaign.catalogue.actions import catalogue
from app.kit.errors import NotFound
from app.redemption.books.queries import report as report_queries
from app.redemption.books.queries.report import BenefitCounts

if TYPE_CHECKING:
    from uuid import UUID

    from app.kit.security.auth import OfficialCaller


class Totals(BenefitCounts, frozen=True, kw_only=True):
    """One benefit's numbers; title and stock are those now in force, None where it is not in force."""

    title: str | None
    stock: int | None

    @property
    def used(self) -> int | None:
        """How many places are taken, those from before the stock was set among them; None without a stock."""
        return None if self.stock is None else self.redeemed

    @property
    def remaining(self) -> int | None:
        """How many places are left; 0 when more were given than a stock that was lowered since."""
        return None if self.stock is None else max(0, self.stock - self.redeemed)


async def read_totals(official: OfficialCaller, campaign_id: UUID) -> list[Totals]:
    """Total a campaign of the official's own institution; the centre may read all."""
    owner = await report_queries.find_campaign_owner(campaign_id)
    if owner is None or not official.may_act_for(owner):
        raise NotFound
    return [_to_totals(counts) for counts in await report_queries.list_totals(campaign_id)]


def _to_totals(counts: BenefitCounts) -> Totals:
    benefit = catalogue.current.benefit(counts.benefit_id)
    title, stock = (benefit.title, benefit.stock) if benefit else (None, None)
    return Totals(**msgspec.structs.asdict(counts), title=title, stock=stock)
