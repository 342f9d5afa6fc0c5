"""Who is calling: the directory in memory, the key of a request, and which terminals it may speak for."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from app.kit.background import in_background
from app.kit.clock import now
from app.kit.db.cache import Versioned
from app.kit.errors import NotFound, Unauthenticated
from app.kit.security.auth import PartnerCaller, bearer_of
from app.partner.directory import Directory, compute_secret_hash, may_key_speak, may_reach_store
from app.partner.queries import keys as keys_queries
from app.partner.queries import places as places_queries
from app.partner.refusals import TerminalSuspended

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime
    from uuid import UUID

    from app.partner.directory import InstitutionEntry, StoreEntry, TerminalEntry

LOG = logging.getLogger("huixin.partner")
KEY_USE_FLUSH_SECONDS = 60


class Place(msgspec.Struct, frozen=True):
    """A terminal and its store."""

    terminal: TerminalEntry
    store: StoreEntry


async def load_directory() -> Directory:
    """Read the whole directory; children before parents, so that no child is read without its parent."""
    keys = await places_queries.list_key_entries()
    terminals = await places_queries.list_terminal_entries()
    stores = await places_queries.list_store_entries()
    return Directory(await places_queries.list_institution_entries(), stores, terminals, keys)


directory = Versioned("directory", load_directory)
_uses: dict[UUID, datetime] = {}  # key id -> when it was last used, until the next flush


async def authenticate(authorization: str | None) -> PartnerCaller:
    """Return whose key ``Bearer hxk_live_…`` is, from memory; every refusal is the same 401.

    A memory that could not be refreshed for long is not asked: it would know nothing of keys suspended since.
    """
    secret_hash = compute_secret_hash(bearer_of(authorization))
    trusted, at = directory.trusted, now()
    key = trusted.key_by_hash(secret_hash)
    institution = trusted.institution(key.institution_id) if key else None
    if key is None or institution is None or not may_key_speak(key, institution, at):
        raise Unauthenticated
    _uses[key.id] = at
    return PartnerCaller(
        key_id=key.id,
        institution_id=institution.id,
        institution_kind=institution.kind,
        scopes=key.scopes,
        store_ids=key.store_ids,
    )


def find_terminal(caller: PartnerCaller, terminal_id: UUID) -> TerminalEntry:
    """Return the terminal a key speaks for: NotFound unless it is its institution's and at one of the key's stores."""
    terminal = directory.current.terminal(terminal_id)
    if terminal is None or terminal.institution_id != caller.institution_id:
        raise NotFound
    if not may_reach_store(caller.store_ids, terminal.store_id):
        raise NotFound
    return terminal


def resolve_terminal(caller: PartnerCaller, terminal_id: UUID) -> TerminalEntry:
    """Return the terminal a key speaks for, as ``find_terminal`` does, and refuse one that is suspended."""
    terminal = find_terminal(caller, terminal_id)
    if not terminal.is_active:
        raise TerminalSuspended
    return terminal


def find_institution(caller: PartnerCaller) -> InstitutionEntry:
    """Return the caller's institution."""
    institution = directory.current.institution(caller.institution_id)
    if institution is None:
        raise NotFound
    return institution


def list_terminals(caller: PartnerCaller, after: UUID | None, limit: int) -> list[Place]:
    """Return ``limit`` + 1 terminals, with their stores, that a key may speak for, after an id."""
    current = directory.current
    within = (
        Place(terminal, store)
        for terminal in current.terminals_of(caller.institution_id)
        if after is None or terminal.id > after
        if may_reach_store(caller.store_ids, terminal.store_id)
        if (store := current.store(terminal.store_id)) is not None
    )
    return list(islice(within, limit + 1))


@asynccontextmanager
async def key_use_lifespan() -> AsyncIterator[None]:
    """Note each minute, and once more at the end, which keys were used."""
    try:
        async with in_background("noting which keys were used", _flush_in_a_minute):
            yield
    finally:
        await _flush_before_the_end()


async def flush_key_uses() -> None:
    """Write down when keys were last used; what cannot be written now waits for the next time."""
    uses = dict(_uses)
    if not uses:
        return
    await keys_queries.mark_keys_used(uses)
    for key_id, at in uses.items():
        if _uses.get(key_id) == at:
            del _uses[key_id]


async def _flush_in_a_minute() -> None:
    await asyncio.sleep(KEY_USE_FLUSH_SECONDS)
    await flush_key_uses()


async def _flush_before_the_end() -> None:
    try:
        await flush_key_uses()
    except Exception as error:  # noqa: BLE001 - stopping goes on
        LOG.warning("the last use of keys could not be noted: %s", type(error).__name__)
