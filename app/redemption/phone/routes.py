"""What a citizen can get, and what they used."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import Router, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from app.kit.clock import now
from app.kit.errors import InvalidRequest, NotJoined, StaleCursor, Unauthenticated
from app.kit.security.auth import CitizenCaller
from app.kit.web.http import AnyRequest, Language, language_of, refusals, show_reason
from app.kit.web.paging import PAGE_SIZE_DEFAULT, Cursor, Limit, Page, decode_cursor, make_page
from app.kit.web.show import show
from app.redemption.phone import actions, queries
from app.redemption.phone.actions import Filter, JudgedBenefit
from app.redemption.phone.schemas import MyBenefit, MyRedemption
from app.values.patterns import SCENARIO_CHARACTERS_MAX, SCENARIO_CODE


@get(
    "/benefits",
    operation_id="listMyBenefits",
    responses=refusals(InvalidRequest, StaleCursor, Unauthenticated, NotJoined),
)
async def list_my_benefits(
    request: AnyRequest,
    citizen: NamedDependency[CitizenCaller],
    scenario: Annotated[
        str | None, QueryParameter(name="scenario", max_length=SCENARIO_CHARACTERS_MAX, pattern=SCENARIO_CODE)
    ] = None,
    eligible: Annotated[bool | None, QueryParameter(name="eligible")] = None,
    cursor: Cursor = None,
    limit: Limit = PAGE_SIZE_DEFAULT,
) -> Page[MyBenefit]:
    """List the benefits running in the city; for each that does not apply every failing clause, with its distance."""
    citizen.need_active()
    wanted = Filter(scenario=scenario, eligible=eligible, after_id=decode_cursor(cursor, UUID), limit=limit)
    judged = await actions.list_benefits(citizen, wanted, now())
    language = language_of(request)
    return make_page(judged, limit, lambda entry: _show(entry, language), lambda entry: entry.benefit.id)


@get(
    "/redemptions",
    operation_id="listMyRedemptions",
    responses=refusals(InvalidRequest, StaleCursor, Unauthenticated),
)
async def list_my_redemptions(
    citizen: NamedDependency[CitizenCaller], cursor: Cursor = None, limit: Limit = PAGE_SIZE_DEFAULT
) -> Page[MyRedemption]:
    """List what you used, newest first."""
    rows = await queries.list_my_redemptions(citizen.id, decode_cursor(cursor, UUID), limit + 1)
    return make_page(rows, limit, lambda row: show(MyRedemption, row, currency="CNY"), lambda row: row.id)


def _show(entry: JudgedBenefit, language: Language) -> MyBenefit:
    return show(
        MyBenefit,
        entry.benefit,
        institution=entry.institution,
        eligible=entry.verdict.is_eligible,
        reasons=[show_reason(reason, language) for reason in entry.verdict.reasons],
        grant=entry.resolved.grant if entry.verdict.is_eligible else entry.benefit.grant,
        remaining_for_me=entry.remaining,
    )


router = Router("/v1/me", route_handlers=[list_my_benefits, list_my_redemptions], tags=["redemption"])
