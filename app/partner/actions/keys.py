"""API keys: shown once, rotated with an overlap, suspended."""

from __future__ import annotations

import secrets
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from app.kit.clock import now, uuid7
from app.kit.db.database import transaction
from app.kit.errors import InvalidRequest, NotFound
from app.kit.request.etag import need_etag
from app.partner.actions.places import (
    find_institution,
    lock_row,
    move_managed,
    need_found,
    need_tenant,
    note,
    read_name,
)
from app.partner.directory import (
    CREATE_KEY,
    ROTATE_KEY,
    Move,
    compute_key_prefix,
    compute_renewed_expiry,
    compute_secret_hash,
    is_lifetime_allowed,
)
from app.partner.queries import keys as keys_queries
from app.partner.queries.keys import Key
from app.partner.refusals import KeyNotInForce, ScopeUngrantable
from app.values.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime
    from uuid import UUID

    from app.kit.security.auth import OfficialCaller
    from app.values.roles import Scope
    from app.values.words import AuditAction

SECRET_BYTES = 32
# Scopes for which a room above is asked: this floor cannot say who owns a source. ``main`` wires the answer in.
ASKED_FOR: frozenset[Scope] = frozenset({"report"})
MAY_GRANT: dict[Scope, Callable[[UUID], Awaitable[bool]]] = {}


class NewKey(msgspec.Struct, frozen=True):
    """A key with the text that is shown this once."""

    key: Key
    secret: str


def make_key(key_id: UUID) -> str:
    """Make the text of a key: its prefix, which may be shown again, and 256 random bits."""
    return f"{compute_key_prefix(key_id)}_{secrets.token_urlsafe(SECRET_BYTES)}"


async def create_key(
    official: OfficialCaller,
    institution_id: UUID,
    *,
    name: str,
    scopes: Sequence[Scope],
    store_ids: Sequence[UUID] | None,
    expires_at: datetime,
) -> NewKey:
    """Give an institution a key, for some of its stores or (None) for all."""
    at = now()
    if not is_lifetime_allowed(expires_at, at):
        zh, en = "须为未来两年以内的时间", "In the future, at most two years ahead"
        raise InvalidRequest(errors=[Fault.at("/expiresAt", "expiry_invalid", zh, en)])
    stores = None if store_ids is None else sorted(set(store_ids))
    row = Key(
        id=uuid7(at), institution_id=institution_id, name=read_name(name), scopes=sorted(set(scopes)),
        store_ids=stores, state="active", created_at=at, expires_at=expires_at,
    )  # fmt: skip
    async with transaction():
        await find_institution(official, institution_id)
        if stores is not None and await keys_queries.count_stores_of(institution_id, stores) != len(stores):
            raise NotFound
        await _check_scopes(institution_id, row.scopes)
        return await _insert(official, row, CREATE_KEY, {})


async def rotate_key(
    official: OfficialCaller, institution_id: UUID, key_id: UUID, *, overlap_seconds: int, if_match: str | None
) -> NewKey:
    """Give a successor with the same rights and lifetime; the key itself expires when the overlap is over."""
    at = now()
    async with transaction():
        await lock_row(official, "api_key", institution_id, key_id)
        old = await find_key(official, institution_id, key_id)
        need_etag(if_match, old.revision)
        if old.state != "active" or old.expires_at <= at:
            raise KeyNotInForce(old.state)
        await keys_queries.mark_key_expiring(key_id, at + timedelta(seconds=overlap_seconds))
        await keys_queries.mark_key_revised(key_id)
        expires_at = compute_renewed_expiry(old.created_at, old.expires_at, at)
        row = msgspec.structs.replace(
            old,
            id=uuid7(at),
            created_at=at,
            expires_at=expires_at,
            last_used_at=None,
            revision=1,
            suspended_by_centre=False,
        )
        detail: dict[str, object] = {"replaces": key_id, "overlapSeconds": overlap_seconds}
        return await _insert(official, row, ROTATE_KEY, detail)


async def move_key(
    official: OfficialCaller, institution_id: UUID, key_id: UUID, move: Move, *, if_match: str | None
) -> Key:
    """Suspend or resume a key."""
    find = partial(find_key, official, institution_id, key_id)
    return await move_managed(official, "api_key", institution_id, key_id, move, find, if_match=if_match)


async def find_key(official: OfficialCaller, institution_id: UUID, key_id: UUID) -> Key:
    """Find a key of the caller's tenant."""
    need_tenant(official, institution_id)
    return need_found(await keys_queries.find_key(institution_id, key_id))


async def _check_scopes(institution_id: UUID, scopes: Sequence[Scope]) -> None:
    for scope in ASKED_FOR.intersection(scopes):
        may = MAY_GRANT.get(scope)
        if may is None or not await may(institution_id):
            raise ScopeUngrantable


async def _insert(official: OfficialCaller, row: Key, action: AuditAction, detail: dict[str, object]) -> NewKey:
    secret = make_key(row.id)
    await keys_queries.insert_key(row, compute_secret_hash(secret))
    facts: dict[str, object] = {
        "name": row.name, "prefix": row.prefix, "scopes": row.scopes, "storeIds": row.store_ids,
        "expiresAt": row.expires_at,
    }  # fmt: skip
    await note(official, action, row_id=row.id, institution_id=row.institution_id, detail=facts | detail)
    return NewKey(row, secret)
