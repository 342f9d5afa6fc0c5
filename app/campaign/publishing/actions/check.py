"""Whether a document may stand: what the rules say of it, and what only the database knows."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from app.campaign.publishing.queries import read as read_queries
from app.campaign.publishing.queries import write as write_queries
from app.campaign.review.refusals import CampaignInvalid
from app.campaign.scenario import queries as scenario_queries
from app.campaign.terms.document import parse_document
from app.campaign.terms.flags import Flag, find_flags
from app.campaign.terms.limits import judge_document
from app.campaign.terms.observer import OBSERVED_DAYS, InUse, Observed, compute_in_use, is_observed, judge_observer
from app.score.book.actions.find import find_current_levels
from app.values.days import shanghai_day
from app.values.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from uuid import UUID

    from app.campaign.publishing.queries.read import CampaignRow
    from app.campaign.terms.document import CampaignDocument
    from app.campaign.terms.ladder import Levels


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a document, what its institution can tell apart with it, and its words of the deny-list."""

    faults: list[Fault]
    in_use: InUse
    flags: list[Flag]


async def check_document(document: CampaignDocument, institution_id: UUID, at: datetime) -> None:
    """Refuse a document that breaks a rule or names foreign stores."""
    if faults := await _find_faults(document, institution_id, at):
        raise CampaignInvalid(faults)


async def _find_faults(document: CampaignDocument, institution_id: UUID, at: datetime) -> list[Fault]:
    scenarios = {scenario.code: scenario for scenario in await scenario_queries.list_scenarios()}
    faults = judge_document(document, scenarios, await find_current_levels(), at)
    return faults or await _find_foreign_stores(document, institution_id)


async def check_observer(document: CampaignDocument, institution_id: UUID, at: datetime) -> None:
    """Refuse a document by which its institution could tell people apart too finely, with what it has seen in a year.

    Whoever puts a document in force holds the institution's lock, so that two cannot do together what one may not.
    """
    faults = judge_observer(document, await _list_observed(institution_id, at), await find_current_levels())
    if faults:
        raise CampaignInvalid(faults)


async def review_document(document: CampaignDocument, institution_id: UUID, at: datetime) -> Review:
    """Return all there is to say of a document, without refusing it."""
    others, levels = await _list_observed(institution_id, at), await find_current_levels()
    faults = await _find_faults(document, institution_id, at) or judge_observer(document, others, levels)
    return Review(faults=faults, in_use=_compute_in_use(document, others, levels), flags=find_flags(document))


async def review_waiting(rows: Sequence[CampaignRow], at: datetime) -> dict[UUID, Review]:
    """Return what there is to say of versions that wait for a reviewer, by campaign; their faults are told later."""
    levels = await find_current_levels()
    seen = await _list_seen(sorted({row.institution_id for row in rows}), at)
    return {
        row.id: Review(
            faults=[],
            in_use=_compute_in_use(row.read_document(), seen.get(row.institution_id, []), levels),
            flags=find_flags(row.read_document()),
        )
        for row in rows
    }


def _compute_in_use(document: CampaignDocument, others: Sequence[Observed], levels: Levels) -> InUse:
    return compute_in_use([*others, Observed(document, _last_day(document.ends_at))], levels)


async def _list_observed(institution_id: UUID, at: datetime) -> list[Observed]:
    return (await _list_seen([institution_id], at)).get(institution_id, [])


async def _list_seen(institution_ids: list[UUID], at: datetime) -> dict[UUID, list[Observed]]:
    today = shanghai_day(at)
    since = at - timedelta(days=OBSERVED_DAYS + 1)  # by days of the calendar it is judged below
    found: dict[UUID, list[Observed]] = {}
    for row in await read_queries.list_seen_documents(institution_ids, since):
        seen = Observed(parse_document(row.document), _last_day(row.last_at))
        if is_observed(seen.last_on, today):
            found.setdefault(row.institution_id, []).append(seen)
    return found


def _last_day(end: datetime) -> date:
    """Return the last day of what ends before an instant: of midnight, the day before."""
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
