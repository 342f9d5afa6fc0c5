"""Whether a document may come into force: what its rules say, and what only the database can answer."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from app.campaign.publishing.queries import read as read_queries
from app.campaign.publishing.queries import write as write_queries
from app.campaign.publishing.review import Review
from app.campaign.review.refusals import CampaignInvalid
from app.campaign.scenario import queries as scenario_queries
from app.campaign.terms.document import parse_document
from app.campaign.terms.flags import find_flags
from app.campaign.terms.limits import judge_document
from app.campaign.terms.observer import OBSERVED_DAYS, Observed, compute_in_use, is_observed, judge_observer
from app.score.book.actions.find import find_current_levels
from app.values.days import shanghai_day
from app.values.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from uuid import UUID

    from app.campaign.publishing.queries.read import VersionedCampaign
    from app.campaign.terms.document import CampaignDocument
    from app.campaign.terms.ladder import Levels
    from app.campaign.terms.observer import InUse


async def check_document(document: CampaignDocument, institution_id: UUID, at: datetime) -> None:
    """Refuse a document that breaks a rule or names stores of another institution."""
    if faults := await _find_faults(document, institution_id, at):
        raise CampaignInvalid(faults)


async def _find_faults(document: CampaignDocument, institution_id: UUID, at: datetime) -> list[Fault]:
    scenarios = {scenario.code: scenario for scenario in await scenario_queries.list_scenarios()}
    faults = judge_document(document, scenarios, await find_current_levels(), at)
    return faults or await _find_foreign_stores(document, institution_id)


async def check_observer(document: CampaignDocument, institution_id: UUID, at: datetime) -> None:
    """Refuse a document by which, with all it has seen in a year, its institution could tell people apart too finely.

    A caller that puts a document in force holds the institution's lock (``lock_institution``): two documents that are
    each allowed alone, approved at the same moment, could together ask for more than is allowed.
    """
    faults = judge_observer(document, await _list_observed(institution_id, at), await find_current_levels())
    if faults:
        raise CampaignInvalid(faults)


async def review_document(document: CampaignDocument, institution_id: UUID, at: datetime) -> Review:
    """Return everything that is wrong with a document and what a reviewer reads of it, without refusing it."""
    others, levels = await _list_observed(institution_id, at), await find_current_levels()
    faults = await _find_faults(document, institution_id, at) or judge_observer(document, others, levels)
    return Review(faults=faults, in_use=_compute_in_use(document, others, levels), flags=find_flags(document))


async def review_waiting(campaigns: Sequence[VersionedCampaign], at: datetime) -> dict[UUID, Review]:
    """Return what a reviewer reads of versions that wait, by campaign; faults are left to the review of each one."""
    levels = await find_current_levels()
    seen = await _list_seen(sorted({campaign.institution_id for campaign in campaigns}), at)
    return {
        campaign.id: Review(
            faults=[],
            in_use=_compute_in_use(campaign.read_document(), seen.get(campaign.institution_id, []), levels),
            flags=find_flags(campaign.read_document()),
        )
        for campaign in campaigns
    }


def _compute_in_use(document: CampaignDocument, others: Sequence[Observed], levels: Levels) -> InUse:
    return compute_in_use([*others, Observed(document, _last_day(document.ends_at))], levels)


async def _list_observed(institution_id: UUID, at: datetime) -> list[Observed]:
    return (await _list_seen([institution_id], at)).get(institution_id, [])


async def _list_seen(institution_ids: list[UUID], at: datetime) -> dict[UUID, list[Observed]]:
    """Return by institution the documents it still remembers: in force within a year, or yet to come."""
    today = shanghai_day(at)
    since = at - timedelta(days=OBSERVED_DAYS + 1)  # a day more than needed: days of the calendar are compared below
    found: dict[UUID, list[Observed]] = {}
    for row in await read_queries.list_seen_documents(institution_ids, since):
        seen = Observed(parse_document(row.document), _last_day(row.last_at))
        if is_observed(seen.last_on, today):
            found.setdefault(row.institution_id, []).append(seen)
    return found


def _last_day(end: datetime) -> date:
    """Return the last day of what ends before an instant; for midnight that is the day before."""
    return shanghai_day(end - timedelta(microseconds=1))


async def _find_foreign_stores(document: CampaignDocument, institution_id: UUID) -> list[Fault]:
    named = {store_id for benefit in document.benefits for store_id in benefit.stores or ()}
    own = await write_queries.list_own_stores(institution_id, sorted(named)) if named else set()
    return [
        Fault(
            pointer=f"/benefits/{index}/stores/{place}", code="store_unknown", zh="本机构没有这个网点",
            en="the institution has no such store",
        )
        for index, benefit in enumerate(document.benefits)
        for place, store_id in enumerate(benefit.stores or ())
        if store_id not in own
    ]  # fmt: skip
