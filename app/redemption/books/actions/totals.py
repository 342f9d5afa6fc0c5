"""How a campaign is used, for its publisher: numbers, never people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from app.campaign.catalogue.actions import catalogue
from app.kit.errors import NotFound
from app.redemption.books.queries import report as report_queries

if TYPE_CHECKING:
    from uuid import UUID

    from app.kit.security.auth import OfficialCaller
    from app.redemption.books.queries.report import TotalsRow


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """One benefit's numbers; title and stock are those now in force, None when it is not."""

    row: TotalsRow
    title: str | None
    stock: int | None

    @property
    def used(self) -> int | None:
        """How many places are taken, also those from before the stock was set; None without a stock."""
        return None if self.stock is None else self.row.redeemed

    @property
    def remaining(self) -> int | None:
        """How many places are left: none when more are out than a stock that was lowered since."""
        return None if self.stock is None else max(0, self.stock - self.row.redeemed)


async def read_totals(official: OfficialCaller, campaign_id: UUID) -> list[Totals]:
    """Total a campaign of the official's own institution; the centre may read all."""
    owner = await report_queries.find_campaign_owner(campaign_id)
    if owner is None or not official.may_act_for(owner):
        raise NotFound
    rows = await report_queries.list_totals(campaign_id)
    return [_to_totals(row) for row in rows]


def _to_totals(row: TotalsRow) -> Totals:
    benefit = catalogue.current.benefit(row.benefit_id)
    return Totals(row=row, title=benefit.title if benefit else None, stock=benefit.stock if benefit else None)
