"""What a partner did, over HTTP: lists to search, statements to reconcile with."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated
from uuid import UUID

from litestar import Router, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from app.kit.clock import first_id_of, now
from app.kit.errors import Forbidden, InvalidRequest, NotFound, RateLimited, StaleCursor, Unauthenticated
from app.kit.security.auth import PartnerCaller
from app.kit.web.http import refusals
from app.kit.web.paging import PAGE_SIZE_DEFAULT, Cursor, Limit, Page, decode_cursor, make_page, whole_page
from app.kit.web.show import show
from app.redemption.books.queries import report as report_queries
from app.redemption.books.queries.report import PartnersRedemption
from app.redemption.books.schemas import PartnerRedemption, Statement
from app.redemption.till.redeeming import (
    REFERENCE_CHARACTERS_MAX,
    STATEMENT_DAY_MAX,
    STATEMENT_DAY_MIN,
    compute_allowed_actions,
    is_statement_day,
)
from app.values.days import compute_day_begin
from app.values.fault import Fault
from app.values.patterns import REFERENCE

ALWAYS = (InvalidRequest, Unauthenticated, Forbidden, RateLimited)


@get(
    "/redemptions",
    operation_id="listPartnerRedemptions",
    opt={"scope": "read"},
    responses=refusals(*ALWAYS, StaleCursor),
)
async def list_partner_redemptions(
    partner: NamedDependency[PartnerCaller],
    reference: Annotated[
        str | None,
        QueryParameter(name="reference", max_length=REFERENCE_CHARACTERS_MAX, pattern=REFERENCE),
    ] = None,
    on: Annotated[date | None, QueryParameter(name="on", description="A Shanghai calendar day.")] = None,
    cursor: Cursor = None,
    limit: Limit = PAGE_SIZE_DEFAULT,
) -> Page[PartnerRedemption]:
    """List your redemptions, newest first; by your reference, or of one day."""
    if on is not None and not is_statement_day(on):
        zh = f"日期应在 {STATEMENT_DAY_MIN} 至 {STATEMENT_DAY_MAX} 之间"
        en = f"A day from {STATEMENT_DAY_MIN} to {STATEMENT_DAY_MAX}"
        raise InvalidRequest(errors=[Fault.at("/query/on", "out_of_range", zh, en)])
    begins_at, ends_at = _bounds(on or STATEMENT_DAY_MIN, on or STATEMENT_DAY_MAX)
    before = decode_cursor(cursor, UUID) or first_id_of(ends_at)
    at, stores = now(), _stores_of(partner)
    if reference is not None:
        found = await report_queries.list_by_reference(partner.institution_id, stores, reference)
        return whole_page([_show_redemption(row, at) for row in found if begins_at <= row.redeemed_at < ends_at])
    rows = await report_queries.list_partner_redemptions(
        partner.institution_id,
        stores,
        since=first_id_of(begins_at),
        before=min(before, first_id_of(ends_at)),
        limit=limit + 1,
    )
    return make_page(rows, limit, lambda row: _show_redemption(row, at), lambda row: row.id)


@get(
    "/statements/{day:date}",
    operation_id="readStatement",
    opt={"scope": "read"},
    responses=refusals(*ALWAYS, NotFound),
)
async def read_statement(day: FromPath[date], partner: NamedDependency[PartnerCaller]) -> Statement:
    """Total one Shanghai calendar day to reconcile with: count, sums, and a digest of the redemption ids."""
    if not is_statement_day(day):
        raise NotFound
    begins_at, ends_at = _bounds(day, day)
    totals = await report_queries.find_statement(
        partner.institution_id, _stores_of(partner), since=first_id_of(begins_at), before=first_id_of(ends_at)
    )
    return show(Statement, totals, date=day, currency="CNY", is_final=ends_at <= now())


def _bounds(first: date, last: date) -> tuple[datetime, datetime]:
    """Return the instants at which the first of these Shanghai days begins and the last one ends."""
    return compute_day_begin(first), compute_day_begin(last + timedelta(days=1))


def _stores_of(partner: PartnerCaller) -> list[UUID] | None:
    return None if partner.store_ids is None else sorted(partner.store_ids)


def _show_redemption(redemption: PartnersRedemption, at: datetime) -> PartnerRedemption:
    allowed = compute_allowed_actions(redemption.state, redemption.reversible_until, at)
    return show(PartnerRedemption, redemption, currency="CNY", allowed_actions=allowed)


router = Router("/v1/partner", route_handlers=[list_partner_redemptions, read_statement], tags=["redemption"])
