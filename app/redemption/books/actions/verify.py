"""The invariants of redeeming, checked on live data: each check names what breaks it, or returns None."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from app.campaign.terms.document import Benefit, parse_document
from app.campaign.terms.grant import Steps
from app.kit.check import Check
from app.kit.clock import now
from app.redemption.books.queries import verify as verify_queries
from app.redemption.books.queries.verify import Cap

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.redemption.books.queries.verify import Offender

RECENT = timedelta(days=7)


async def check_stock() -> str | None:
    """Places taken are the redemptions that are not reversed."""
    return _name(await verify_queries.list_stock_offenders(), "stock differs from redemptions for benefits")


async def check_stock_held() -> str | None:
    """No benefit has more redemptions than its stock, but for those from before the stock was set."""
    stocks = {place: benefit.stock for place, benefit in await _list_benefits() if benefit.stock is not None}
    offenders = await verify_queries.list_overdrawn_stocks(list(stocks), list(stocks.values()))
    return _name(offenders, "there are more redemptions than the stock of benefits")


async def check_uses() -> str | None:
    """Every person's counted uses are their redemptions that are not reversed."""
    return _name(await verify_queries.list_use_offenders(), "uses differ from redemptions for benefits")


async def check_caps() -> str | None:
    """Nobody has more redemptions in a period than the caps in force allow, but for those from before the caps."""
    caps = [cap for benefit_id, benefit in await _list_benefits() for cap in _iterate_caps(benefit_id, benefit)]
    return _name(await verify_queries.list_cap_offenders(caps), "somebody is above the cap of benefits")


async def check_traces() -> str | None:
    """Every redemption of the last seven days has its scan, its event and its line in the access log."""
    return _name(await verify_queries.list_untraced_redemptions(now() - RECENT), "traces are missing for redemptions")


async def _list_benefits() -> list[tuple[UUID, Benefit]]:
    """Return every benefit of a version in force with its id."""
    found: list[tuple[UUID, Benefit]] = []
    for row in await verify_queries.list_documents_in_force():
        document = parse_document(row.document)
        benefit_ids = msgspec.json.decode(row.benefit_ids, type=dict[str, UUID])
        found += [(benefit_ids[benefit.code], benefit) for benefit in document.benefits]
    return found


def _iterate_caps(benefit_id: UUID, benefit: Benefit) -> Iterator[Cap]:
    """Yield the caps of a benefit; step 0 is the whole benefit's."""
    if benefit.per_citizen is not None:
        yield Cap(benefit_id, 0, benefit.per_citizen.count, benefit.per_citizen.period)
    if isinstance(benefit.grant, Steps):
        for number, step in enumerate(benefit.grant.steps, 1):
            if step.per_citizen is not None:
                yield Cap(benefit_id, number, step.per_citizen.count, step.per_citizen.period)


def _name(offenders: Sequence[Offender], problem: str) -> str | None:
    return f"{problem} {', '.join(str(offender.id) for offender in offenders)}" if offenders else None


CHECKS = (
    Check("stock used is redemptions not reversed", check_stock),
    Check("no more redemptions than a stock in force, but for earlier ones", check_stock_held),
    Check("uses of each person are redemptions not reversed", check_uses),
    Check("nobody above a cap", check_caps),
    Check("every redemption of 7 days has scan, event and access log", check_traces),
)
