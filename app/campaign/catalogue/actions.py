"""The catalogue of what is in force, read anew whenever its version moves."""

from __future__ import annotations

from itertools import chain
from typing import Literal

import msgspec

from app.campaign.catalogue.live import Catalogue, compute_live_benefits
from app.campaign.publishing.queries import read as read_queries
from app.campaign.scenario import queries as scenario_queries
from app.kit.clock import now
from app.kit.db.cache import Versioned
from app.score.book.actions.find import find_current_levels


async def load_catalogue() -> Catalogue:
    """Read what is in force or paused; benefits before scenarios, so that none is read without its scenario."""
    rows = await read_queries.list_catalogue_campaigns(now())
    scenarios = {scenario.code: scenario for scenario in await scenario_queries.list_scenarios()}
    levels = await find_current_levels()
    benefits = chain.from_iterable(
        compute_live_benefits(
            row.read_document(),
            campaign_id=row.id,
            institution_id=row.institution_id,
            version=row.version,
            state=msgspec.convert(row.state, Literal["live", "paused", "ended"]),
            benefit_ids=row.read_benefit_ids(),
            scenarios=scenarios,
            levels=levels,
        )
        for row in rows
    )
    return Catalogue(benefits, scenarios.values(), levels)


catalogue = Versioned("catalogue", load_catalogue)
