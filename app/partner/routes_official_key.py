"""What officials do with API keys."""

from __future__ import annotations

from uuid import UUID

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.kit.auth import OfficialCaller
from app.kit.errors import Forbidden, InvalidRequest, NotFound, StaleCursor, Unauthenticated
from app.kit.http import refusals
from app.kit.paging import PAGE_SIZE_DEFAULT, Cursor, Limit, Page, decode_cursor, make_page
from app.partner import actions_key, actions_official, queries_key
from app.partner.queries_key import KeyRow
from app.partner.schemas import KeyRequest, KeySecret, KeyView, RotateRequest

ADMINISTRATOR = {"roles": ["administrator"]}
MOVING = refusals(Unauthenticated, Forbidden, NotFound, actions_official.StateUnsuitable)


@post(
    "/{institution_id:uuid}/keys",
    operation_id="createKey",
    status_code=201,
    opt=ADMINISTRATOR,
    responses=refusals(InvalidRequest, Unauthenticated, Forbidden, NotFound, actions_key.ScopeUngrantable),
)
async def create_key(
    official: NamedDependency[OfficialCaller], institution_id: FromPath[UUID], data: JSONBody[KeyRequest]
) -> KeySecret:
    """Give an institution a key; it is shown this once."""
    made = await actions_key.create_key(
        official,
        institution_id,
        name=data.name,
        scopes=data.scopes,
        store_ids=data.store_ids,
        expires_at=data.expires_at,
    )
    return _show_secret(made)


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
    await actions_official.find_institution(official, institution_id)
    rows = await queries_key.list_keys(institution_id, decode_cursor(cursor, UUID), limit)
    return make_page(rows, limit, _show, lambda row: row.id)


@post(
    "/{institution_id:uuid}/keys/{key_id:uuid}/rotate",
    operation_id="rotateKey",
    status_code=201,
    opt=ADMINISTRATOR,
    responses=refusals(InvalidRequest, Unauthenticated, Forbidden, NotFound, actions_key.KeyNotInForce),
)
async def rotate_key(
    official: NamedDependency[OfficialCaller],
    institution_id: FromPath[UUID],
    key_id: FromPath[UUID],
    data: JSONBody[RotateRequest],
) -> KeySecret:
    """Give a successor, shown this once; the key itself works on until the overlap is over."""
    made = await actions_key.rotate_key(official, institution_id, key_id, overlap_seconds=data.overlap_seconds)
    return _show_secret(made)


@post(
    "/{institution_id:uuid}/keys/{key_id:uuid}/suspend",
    operation_id="suspendKey",
    status_code=200,
    opt=ADMINISTRATOR,
    responses=MOVING,
)
async def suspend_key(
    official: NamedDependency[OfficialCaller], institution_id: FromPath[UUID], key_id: FromPath[UUID]
) -> KeyView:
    """Suspend a key, with effect within a second."""
    return _show(await actions_key.move_key(official, institution_id, key_id, "suspend"))


@post(
    "/{institution_id:uuid}/keys/{key_id:uuid}/resume",
    operation_id="resumeKey",
    status_code=200,
    opt=ADMINISTRATOR,
    responses=MOVING,
)
async def resume_key(
    official: NamedDependency[OfficialCaller], institution_id: FromPath[UUID], key_id: FromPath[UUID]
) -> KeyView:
    """Let a suspended key work again."""
    return _show(await actions_key.move_key(official, institution_id, key_id, "resume"))


def _show(row: KeyRow) -> KeyView:
    return KeyView(
        id=row.id,
        institution_id=row.institution_id,
        name=row.name,
        prefix=row.prefix,
        scopes=row.scopes,
        store_ids=row.store_ids,
        state=row.state,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        allowed_actions=row.allowed_actions,
    )


def _show_secret(made: actions_key.NewKey) -> KeySecret:
    return KeySecret(**msgspec.structs.asdict(_show(made.row)), key=made.key)


KEY_ROUTES = [create_key, list_keys, rotate_key, suspend_key, resume_key]
