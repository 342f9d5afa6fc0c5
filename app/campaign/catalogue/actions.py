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
    """Read what is in force or paused, its scenarios and the levels of the rule book in force.

    These are three statements, each newer than the one before. Scenarios come after campaigns, so that no benefit is
    read without its scenario. The levels are part of the catalogue because eligibility is judged by them: they change
    together with it in this process (decision 35).
    """
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


# Every process holds it and reads it anew within a second of ``bump("catalogue")``, so that no request of a till needs
# a query for what its store offers (decision 5). ``catalogue.current`` is what was read last; ``catalogue.trusted``
# refuses once the database has not confirmed that for half a minute, for what a stopped campaign must not give any
# more.
catalogue = Versioned("catalogue", load_catalogue)
