"""What the institutions give: each editor drafts and submits, the centre's reviewer approves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.campaign.publishing.actions.write import decide_campaign, draft_campaign, submit_campaign
from app.kit.request.etag import compute_etag
from app.town.places import queries
from app.town.places.places import compute_campaign, read_benefits
from app.town.shown import BenefitShown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from app.kit.security.auth import OfficialCaller
    from app.town.places.actions.places import MadePlace


async def make_campaigns(
    places: Sequence[MadePlace], editors: Mapping[str, OfficialCaller], reviewer: OfficialCaller, *, at: datetime
) -> list[BenefitShown]:
    """Bring every institution's campaign into force and return the benefits; one that is in force stays as it is.

    ``editors`` are the institutions' own, by the institution's short name.
    """
    benefits = read_benefits()
    shown: list[BenefitShown] = []
    for made in places:
        if not made.place.benefits:
            continue
        await _make_live(made, editors[made.place.slug], reviewer, at)
        ids = await queries.list_benefits(made.institution_id, list(made.place.benefits))
        shown += [
            BenefitShown(id=row.id, code=row.code, institution=made.place.name, title=benefits[row.code].title)
            for row in sorted(ids, key=lambda row: made.place.benefits.index(row.code))
        ]
    return shown


async def _make_live(made: MadePlace, editor: OfficialCaller, reviewer: OfficialCaller, at: datetime) -> None:
    """Take a campaign on from whatever state it is in; somebody may have stopped the demo halfway."""
    found = await queries.find_campaign(made.institution_id, made.place.benefits[0])
    if found is None:
        document = compute_campaign(made.place, read_benefits(), at)
        drafted = await draft_campaign(editor, made.institution_id, document)
        campaign_id, state, revision = drafted.id, "draft", drafted.revision
    else:
        campaign_id, state, revision = found.id, found.state, found.revision
    if state == "draft":
        revision = (await submit_campaign(editor, campaign_id, if_match=compute_etag(revision))).revision
    if state in ("draft", "submitted"):
        await decide_campaign(reviewer, campaign_id, "approve", if_match=compute_etag(revision))
