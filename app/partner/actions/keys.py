"""API keys: shown once, rotated with an overlap, suspended."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

import msgspec

from app.kit.clock import now, uuid7
from app.kit.db.database import transaction
from app.kit.errors import InvalidRequest, NotFound, Refusal
from app.kit.request.etag import need_etag
from app.partner.actions.places import find_institution, lock_row, move_row, note, read_name
from app.partner.directory import (
    CREATE_KEY,
    PARTNER_MOVES,
    ROTATE_KEY,
    Move,
    State,
    compute_key_prefix,
    compute_renewed_expiry,
    compute_secret_hash,
    is_lifetime_allowed,
)
from app.partner.queries import keys as keys_queries
from app.partner.queries.keys import KeyRow
from app.values.fault import Fault
from app.values.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime
    from uuid import UUID

    from app.kit.security.auth import OfficialCaller
    from app.values.roles import Scope
    from app.values.words import AuditAction

SECRET_BYTES = 32
# Scopes that a room above must agree to: who owns a source is not known on this floor. ``main`` wires the answer in.
ASKED_FOR: frozenset[Scope] = frozenset({"report"})
MAY_GRANT: dict[Scope, Callable[[UUID], Awaitable[bool]]] = {}
EXPIRED = Reason(code="state_expired", zh="当前状态：已过期", en="the state is expired")


class KeyNotInForce(Refusal):
    """The key is suspended or has expired; only a key in force is rotated."""

    code: ClassVar[str] = "key_not_in_force"
    zh: ClassVar[str] = "密钥已停用或过期，无法轮换"

    def __init__(self, state: State) -> None:
        super().__init__(reasons=[EXPIRED if state == "active" else PARTNER_MOVES.describe_state(state)])


class ScopeUngrantable(Refusal):
    """Only an institution that owns a registered source may be given a key that reports."""

    code: ClassVar[str] = "scope_ungrantable"
    status_code: ClassVar[int] = 422
    zh: ClassVar[str] = "仅拥有已登记数据来源的机构可获授上报权限"


class NewKey(msgspec.Struct, frozen=True):
    """A key with the text that is shown this once."""

    row: KeyRow
    key: str


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
    row = KeyRow(
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
) -> KeyRow:
    """Suspend or resume a key."""
    async with transaction():
        await lock_row(official, "api_key", institution_id, key_id)
        row = await find_key(official, institution_id, key_id)
        await move_row(official, "api_key", institution_id, row, move, if_match=if_match)
        return await find_key(official, institution_id, key_id)


async def find_key(official: OfficialCaller, institution_id: UUID, key_id: UUID) -> KeyRow:
    """Find a key of the caller's tenant."""
    row = await keys_queries.find_key(institution_id, key_id) if official.may_act_for(institution_id) else None
    if row is None:
        raise NotFound
    return row


async def _check_scopes(institution_id: UUID, scopes: Sequence[Scope]) -> None:
    for scope in ASKED_FOR.intersection(scopes):
        may = MAY_GRANT.get(scope)
        if may is None or not await may(institution_id):
            raise ScopeUngrantable


async def _insert(official: OfficialCaller, row: KeyRow, action: AuditAction, detail: dict[str, object]) -> NewKey:
    key = make_key(row.id)
    await keys_queries.insert_key(row, compute_secret_hash(key))
    facts: dict[str, object] = {
        "name": row.name, "prefix": row.prefix, "scopes": row.scopes, "storeIds": row.store_ids,
        "expiresAt": row.expires_at,
    }  # fmt: skip
    await note(official, action, row_id=row.id, institution_id=row.institution_id, detail=facts | detail)
    return NewKey(row, key)
