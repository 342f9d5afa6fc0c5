"""The invariants of redeeming, checked on live data: each check names what breaks it, or returns None."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from app.campaign.rules import CampaignDocument, Steps
from app.kit.clock import now
from app.redemption import queries_verify

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.redemption.queries_verify import ApprovedDocument, Offender

RECENT = timedelta(days=7)


async def check_stock() -> str | None:
    """Places taken are the redemptions that stand."""
    return _name(await queries_verify.list_stock_offenders(), "stock differs from redemptions for benefits")


async def check_uses() -> str | None:
    """Every person's uses are their redemptions that stand."""
    return _name(await queries_verify.list_use_offenders(), "uses differ from redemptions for benefits")


async def check_caps() -> str | None:
    """Nobody used a benefit more often in a period than any approved version of it allowed."""
    caps: dict[tuple[UUID, int], int] = {}
    for row in await queries_verify.list_approved_documents():
        for benefit_id, step, cap in _iterate_caps(row):
            caps[benefit_id, step] = max(cap, caps.get((benefit_id, step), 0))
    places = list(caps)
    offenders = await queries_verify.list_cap_offenders(
        [place[0] for place in places], [place[1] for place in places], list(caps.values())
    )
    return _name(offenders, "somebody is above the cap of benefits")


async def check_traces() -> str | None:
    """Every redemption of the last seven days has its scan, its event and its line in the access log."""
    return _name(await queries_verify.list_untold_redemptions(now() - RECENT), "traces are missing for redemptions")


def _iterate_caps(row: ApprovedDocument) -> Iterator[tuple[UUID, int, int]]:
    """Yield (benefit, step, cap) of a version; step 0 is the whole benefit's."""
    document = msgspec.json.decode(row.document, type=CampaignDocument)
    benefit_ids = msgspec.json.decode(row.benefit_ids, type=dict[str, UUID])
    for benefit in document.benefits:
        benefit_id = benefit_ids[benefit.code]
        if benefit.per_citizen is not None:
            yield benefit_id, 0, benefit.per_citizen.count
        if isinstance(benefit.grant, Steps):
            for number, step in enumerate(benefit.grant.steps, 1):
                if step.per_citizen is not None:
                    yield benefit_id, number, step.per_citizen.count


def _name(offenders: Sequence[Offender], problem: str) -> str | None:
    return f"{problem} {', '.join(str(offender.id) for offender in offenders)}" if offenders else None
