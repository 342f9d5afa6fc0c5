"""What a key may ask about itself."""

from __future__ import annotations

from uuid import UUID

from litestar import Router, get
from litestar.di import NamedDependency

from app.kit.errors import Forbidden, InvalidRequest, StaleCursor, Unauthenticated
from app.kit.security.auth import PartnerCaller
from app.kit.web.http import refusals
from app.kit.web.paging import PAGE_SIZE_DEFAULT, Cursor, Limit, Page, decode_cursor, make_page
from app.kit.web.show import show
from app.partner.actions import caller as caller_actions
from app.partner.schemas import PartnerInstitution, PartnerSelf, PartnerTerminal

READ = {"scope": "read"}


@get("/me", operation_id="getPartnerSelf", status_code=200, opt=READ, responses=refusals(Unauthenticated, Forbidden))
async def get_self(partner: NamedDependency[PartnerCaller]) -> PartnerSelf:
    """Tell whose key this is and what it may do."""
    institution = caller_actions.find_institution(partner)
    return PartnerSelf(
        institution=show(PartnerInstitution, institution),
        key_id=partner.key_id,
        scopes=list(partner.scopes),
        store_ids=None if partner.store_ids is None else sorted(partner.store_ids),
    )


@get(
    "/terminals",
    operation_id="listPartnerTerminals",
    status_code=200,
    opt=READ,
    responses=refusals(InvalidRequest, StaleCursor, Unauthenticated, Forbidden),
)
async def list_terminals(
    partner: NamedDependency[PartnerCaller], cursor: Cursor = None, limit: Limit = PAGE_SIZE_DEFAULT
) -> Page[PartnerTerminal]:
    """List the terminals this key may speak for, with their stores."""
    places = caller_actions.list_terminals(partner, decode_cursor(cursor, UUID), limit)
    return make_page(places, limit, _show, lambda place: place.terminal.id)


def _show(place: caller_actions.Place) -> PartnerTerminal:
    terminal, store = place.terminal, place.store
    state = "active" if terminal.is_active else "suspended"
    return show(PartnerTerminal, terminal, store_name=store.name, state=state)


router = Router("/v1/partner", route_handlers=[get_self, list_terminals], tags=["partner"])
