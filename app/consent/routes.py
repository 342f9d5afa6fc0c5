"""Consent texts for everybody; the own consents and the own access log."""

from __future__ import annotations

import msgspec
from litestar import Request, Router, get
from litestar.datastructures import State
from litestar.di import NamedDependency

from app.consent.purposes import AccessPlace
from app.consent.queries import access as access_queries
from app.consent.queries import consents as consents_queries
from app.consent.queries.access import AccessRow
from app.consent.queries.consents import ShownConsent, TextRow
from app.consent.schemas import AccessShown, ConsentShown, ConsentTextShown
from app.kit.errors import InvalidRequest, StaleCursor, Unauthenticated
from app.kit.security.auth import CitizenCaller
from app.kit.web.http import Language, language_of, refusals
from app.kit.web.paging import PAGE_SIZE_DEFAULT, Cursor, Limit, Page, decode_cursor, make_page, whole_page

AnyRequest = Request[object, object, State]


@get("/consents/current", operation_id="listConsentTexts", status_code=200)
async def list_consent_texts(request: AnyRequest) -> Page[ConsentTextShown]:
    """Show the consent texts in force, the required ones first."""
    language = language_of(request)
    return whole_page([_show_text(text, language) for text in await consents_queries.list_texts_in_force()])


@get("/me/consents", operation_id="listOwnConsents", status_code=200, responses=refusals(Unauthenticated))
async def list_own_consents(citizen: NamedDependency[CitizenCaller], request: AnyRequest) -> Page[ConsentShown]:
    """Show what the citizen agrees to now."""
    language = language_of(request)
    return whole_page([_show_consent(row, language) for row in await consents_queries.list_shown_consents(citizen.id)])


@get(
    "/me/access-log",
    operation_id="listAccess",
    status_code=200,
    responses=refusals(InvalidRequest, StaleCursor, Unauthenticated),
)
async def list_access(
    citizen: NamedDependency[CitizenCaller], cursor: Cursor = None, limit: Limit = PAGE_SIZE_DEFAULT
) -> Page[AccessShown]:
    """Show who looked, refused tries too, newest first."""
    rows = await access_queries.list_access(citizen.id, decode_cursor(cursor, AccessPlace), limit)
    return make_page(rows, limit, _show_access, lambda row: AccessPlace(row.at, row.id))


def _show_text(text: TextRow, language: Language) -> ConsentTextShown:
    return ConsentTextShown(
        purpose=text.purpose,
        version=text.version,
        title=text.title_en if language == "en" else text.title_zh,
        text=text.body_en if language == "en" else text.body_zh,
        is_required=text.is_required,
        is_separate=not text.is_required,
    )


def _show_consent(row: ShownConsent, language: Language) -> ConsentShown:
    return ConsentShown(
        purpose=row.purpose,
        version=row.version,
        title=row.title_en if language == "en" else row.title_zh,
        given_at=row.given_at,
        is_required=row.is_required,
        is_separate=not row.is_required,
        is_current=row.is_current,
    )


def _show_access(row: AccessRow) -> AccessShown:
    return AccessShown(
        id=row.id,
        at=row.at,
        institution=row.institution,
        store=row.store,
        is_by_official=row.is_by_official,
        action=row.action,
        scenario=row.scenario,
        outcome=row.outcome,
        told=msgspec.json.decode(row.told, type=list[str]),
    )


router = Router("/v1", route_handlers=[list_consent_texts, list_own_consents, list_access], tags=["consent"])
ROUTERS = [router]
