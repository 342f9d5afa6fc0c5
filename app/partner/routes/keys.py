"""What officials do with API keys."""

from __future__ import annotations

from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.kit.errors import ETagMissing, ETagStale, Forbidden, InvalidRequest, NotFound, StaleCursor, Unauthenticated
from app.kit.request.etag import ETAG, IfMatch, answer_with_etag
from app.kit.security.auth import OfficialCaller
from app.kit.web.http import refusals
from app.kit.web.paging import PAGE_SIZE_DEFAULT, Cursor, Limit, Page, decode_cursor, make_page
from app.kit.web.routing import move
from app.kit.web.show import show
from app.partner.actions import keys as keys_actions
from app.partner.actions import places as places_actions
from app.partner.queries import keys as keys_queries
from app.partner.queries.keys import Key
from app.partner.refusals import KeyNotInForce, ScopeUngrantable, StateUnsuitable, SuspendedByCentre
from app.partner.schemas import KeyRequest, KeySecret, KeyView, RotateRequest

ADMINISTRATOR = {"roles": ["administrator"]}
REFUSED = (StateUnsuitable, SuspendedByCentre)


@post(
    "/{institution_id:uuid}/keys",
    operation_id="createKey",
    status_code=201,
    opt=ADMINISTRATOR,
    response_headers=ETAG,
    responses=refusals(InvalidRequest, Unauthenticated, Forbidden, NotFound, ScopeUngrantable),
)
async def create_key(
    official: NamedDependency[OfficialCaller], institution_id: FromPath[UUID], data: JSONBody[KeyRequest]
) -> Response[KeySecret]:
    """Give an institution a key; it is shown this once."""
    made = await keys_actions.create_key(
        official,
        institution_id,
        name=data.name,
        scopes=data.scopes,
        store_ids=data.store_ids,
        expires_at=data.expires_at,
    )
    return _answer_secret(made, official)


@get(
    "/{institution_id:uuid}/keys",
    operation_id="listKeys",
    status_code=200,
    opt=ADMINISTRATOR,
    responses=refusals(InvalidRequest, StaleCursor, Unauthenticated, Forbidden, NotFound),
)
async def list_keys(
    official: NamedDependency[OfficialCaller],
    institution_id: FromPath[UUID],
    cursor: Cursor = None,
    limit: Limit = PAGE_SIZE_DEFAULT,
) -> Page[KeyView]:
    """List an institution's keys by their prefixes, never their secrets."""
    await places_actions.find_institution(official, institution_id)
    rows = await keys_queries.list_keys(institution_id, decode_cursor(cursor, UUID), limit)
    return make_page(rows, limit, lambda key: _show(key, official), lambda key: key.id)


@get(
    "/{institution_id:uuid}/keys/{key_id:uuid}",
    operation_id="getKey",
    status_code=200,
    opt=ADMINISTRATOR,
    response_headers=ETAG,
    responses=refusals(Unauthenticated, Forbidden, NotFound),
)
async def get_key(
    official: NamedDependency[OfficialCaller], institution_id: FromPath[UUID], key_id: FromPath[UUID]
) -> Response[KeyView]:
    """Show a key by its prefix, never its secret, with its `ETag`."""
    return _answer(await keys_actions.find_key(official, institution_id, key_id), official)


@post(
    "/{institution_id:uuid}/keys/{key_id:uuid}/rotate",
    operation_id="rotateKey",
    status_code=201,
    opt=ADMINISTRATOR,
    response_headers=ETAG,
    responses=refusals(InvalidRequest, Unauthenticated, Forbidden, NotFound, ETagMissing, ETagStale, KeyNotInForce),
)
async def rotate_key(
    official: NamedDependency[OfficialCaller],
    institution_id: FromPath[UUID],
    key_id: FromPath[UUID],
    data: JSONBody[RotateRequest],
    if_match: IfMatch = None,
) -> Response[KeySecret]:
    """Give a successor, shown this once; the key itself works on until the overlap is over."""
    made = await keys_actions.rotate_key(
        official, institution_id, key_id, overlap_seconds=data.overlap_seconds, if_match=if_match
    )
    return _answer_secret(made, official)


@move("/{institution_id:uuid}/keys/{key_id:uuid}/suspend", "suspendKey", ADMINISTRATOR, *REFUSED)
async def suspend_key(
    official: NamedDependency[OfficialCaller],
    institution_id: FromPath[UUID],
    key_id: FromPath[UUID],
    if_match: IfMatch = None,
) -> Response[KeyView]:
    """Suspend a key, with effect within a second."""
    return _answer(
        await keys_actions.move_key(official, institution_id, key_id, "suspend", if_match=if_match), official
    )


@move("/{institution_id:uuid}/keys/{key_id:uuid}/resume", "resumeKey", ADMINISTRATOR, *REFUSED)
async def resume_key(
    official: NamedDependency[OfficialCaller],
    institution_id: FromPath[UUID],
    key_id: FromPath[UUID],
    if_match: IfMatch = None,
) -> Response[KeyView]:
    """Let a suspended key work again."""
    return _answer(await keys_actions.move_key(official, institution_id, key_id, "resume", if_match=if_match), official)


def _answer(key: Key, official: OfficialCaller) -> Response[KeyView]:
    return answer_with_etag(_show(key, official), key.revision)


def _show(key: Key, official: OfficialCaller) -> KeyView:
    return show(KeyView, key, allowed_actions=places_actions.list_allowed_actions(official, key))


def _answer_secret(made: keys_actions.NewKey, official: OfficialCaller) -> Response[KeySecret]:
    key = made.key
    allowed = places_actions.list_allowed_actions(official, key)
    return answer_with_etag(show(KeySecret, key, key=made.secret, allowed_actions=allowed), key.revision, 201)


KEY_ROUTES = [create_key, list_keys, get_key, rotate_key, suspend_key, resume_key]
