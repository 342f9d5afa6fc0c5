"""Scenarios: where benefits may be used, and the uses no scenario may be put to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.campaign import queries_write
from app.campaign.refusals import ScenarioTaken, UseDenied, UseUnknown
from app.kit.audit import write_audit
from app.kit.cache import bump
from app.kit.database import transaction
from app.kit.errors import Forbidden

if TYPE_CHECKING:
    from app.campaign.rules_limits import Scenario
    from app.kit.auth import OfficialCaller


async def create_scenario(official: OfficialCaller, scenario: Scenario) -> None:
    """Add a scenario for the whole city; a denied use is refused with its title."""
    if official.institution_id is not None:
        raise Forbidden
    async with transaction():
        use = await queries_write.find_use(scenario.use)
        if use is None:
            raise UseUnknown
        if use.is_denied:
            raise UseDenied(use.title_zh, use.title_en)
        if not await queries_write.insert_scenario(scenario):
            raise ScenarioTaken
        await bump("catalogue")
        detail: dict[str, object] = {"use": scenario.use, "titleZh": scenario.title_zh}
        await write_audit(official, action="scenario.create", subject=f"scenario:{scenario.code}", detail=detail)
