"""Whether a document may stand: what the rules say of it, and what only the database knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.campaign import queries, queries_write
from app.campaign.refusals import CampaignInvalid
from app.campaign.rules_document import parse_document
from app.campaign.rules_ladder import judge_institution_thresholds
from app.campaign.rules_limits import judge_document
from app.campaign.rules_texts import Fault
from app.score.actions import find_current_levels

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from app.campaign.rules_document import CampaignDocument


async def check_document(document: CampaignDocument, institution_id: UUID, at: datetime) -> None:
    """Refuse a document that breaks a rule or names foreign stores."""
    scenarios = {scenario.code: scenario for scenario in await queries_write.list_scenarios()}
    faults = judge_document(document, scenarios, await find_current_levels(), at)
    faults = faults or await _find_foreign_stores(document, institution_id)
    if faults:
        raise CampaignInvalid(faults)


async def check_ladder(
    document: CampaignDocument, institution_id: UUID, campaign_id: UUID | None, at: datetime
) -> None:
    """Refuse a document that would make the thresholds of its institution's campaigns too many.

    Checked when a version is written, under the institution's lock, against all that is in force or may come into
    force: so whatever is approved later, in whatever order, stays within the limit.
    """
    others = await queries.list_counted_documents([institution_id], campaign_id, at)
    documents = [document, *(parse_document(other.document) for other in others)]
    faults = judge_institution_thresholds(documents, await find_current_levels())
    if faults:
        raise CampaignInvalid(faults)


async def _find_foreign_stores(document: CampaignDocument, institution_id: UUID) -> list[Fault]:
    named = {store_id for benefit in document.benefits for store_id in benefit.stores or ()}
    own = await queries_write.list_own_stores(institution_id, sorted(named)) if named else set()
    return [
        Fault(
            pointer=f"/benefits/{index}/stores/{place}", code="store_unknown", zh="本机构没有这个网点",
            en="the institution has no such store",
        )
        for index, benefit in enumerate(document.benefits)
        for place, store_id in enumerate(benefit.stores or ())
        if store_id not in own
    ]  # fmt: skip
