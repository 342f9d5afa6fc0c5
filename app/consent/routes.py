"""Consent texts for everybody; the own consents and the own access log."""

from __future__ import annotations

import msgspec
from litestar import Router, get
from litestar.di import NamedDependency

from app.consent.purposes import AccessPlace
from app.consent.queries import access as access_queries
from app.consent.queries import consents as consents_queries
from app.consent.queries.access import AccessLine
from app.consent.queries.consents import ShownConsent, TextInForce
from app.consent.schemas import AccessShown, ConsentShown, ConsentTextShown
from app.kit.errors import InvalidRequest, StaleCursor, Unauthenticated
from app.kit.security.auth import CitizenCaller
from app.kit.web.http import AnyRequest, Language, language_of, refusals
from app.kit.web.paging import PAGE_SIZE_DEFAULT, Cursor, Limit, Page, decode_cursor, make_page, whole_page
from app.kit.web.show import show


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
    lines = await access_queries.list_access(citizen.id, decode_cursor(cursor, AccessPlace), limit)
    return make_page(lines, limit, _show_access, lambda line: AccessPlace(line.at, line.id))


def _show_text(text: TextInForce, language: Language) -> ConsentTextShown:
    title, body = (text.title_en, text.body_en) if language == "en" else (text.title_zh, text.body_zh)
    return show(ConsentTextShown, text, title=title, text=body, is_separate=not text.is_required)


def _show_consent(consent: ShownConsent, language: Language) -> ConsentShown:
    title = consent.title_en if language == "en" else consent.title_zh
    return show(ConsentShown, consent, title=title, is_separate=not consent.is_required)


def _show_access(line: AccessLine) -> AccessShown:
    return show(AccessShown, line, told=msgspec.json.decode(line.told, type=list[str]))


router = Router("/v1", route_handlers=[list_consent_texts, list_own_consents, list_access], tags=["consent"])
ROUTERS = [router]
