"""The directory as it lies in memory, what a name may be, and what an API key looks like. Pure."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec

from app.event.feed import EVENT_TYPES, EventType
from app.values.moves import Moves
from app.values.text import clean_text, is_han
from app.values.words import AUDIT_ACTIONS, AuditAction

InstitutionKind = Literal["government", "hospital", "parking", "library", "transit", "bank", "merchant"]
State = Literal["active", "suspended"]
Move = Literal["suspend", "resume"]
Suspendable = Literal["institution", "store", "terminal", "api_key"]
# Who suspends what is suspended already makes the suspension the centre's: see compute_allowed_actions.
PARTNER_MOVES: Moves[State, Move] = Moves(
    {"active": {"suspend": "suspended"}, "suspended": {"suspend": "suspended", "resume": "active"}},
    begins={"active"},
    states_zh={"active": "启用", "suspended": "停用"},
    actions_zh={"suspend": "停用", "resume": "恢复"},
)
CREATE_INSTITUTION, CREATE_STORE, CREATE_TERMINAL, CREATE_KEY, ROTATE_KEY = (
    AUDIT_ACTIONS.declare("institution.create"),
    AUDIT_ACTIONS.declare("store.create"),
    AUDIT_ACTIONS.declare("terminal.create"),
    AUDIT_ACTIONS.declare("key.create"),
    AUDIT_ACTIONS.declare("key.rotate"),
)
AUDITED: dict[Suspendable, dict[Move, AuditAction]] = {
    "institution": {
        "suspend": AUDIT_ACTIONS.declare("institution.suspend"),
        "resume": AUDIT_ACTIONS.declare("institution.resume"),
    },
    "store": {"suspend": AUDIT_ACTIONS.declare("store.suspend"), "resume": AUDIT_ACTIONS.declare("store.resume")},
    "terminal": {
        "suspend": AUDIT_ACTIONS.declare("terminal.suspend"),
        "resume": AUDIT_ACTIONS.declare("terminal.resume"),
    },
    "api_key": {"suspend": AUDIT_ACTIONS.declare("key.suspend"), "resume": AUDIT_ACTIONS.declare("key.resume")},
}
# What happened when an official did what the audit chain calls by these names.
EVENTS: dict[AuditAction, EventType] = {
    CREATE_INSTITUTION: EVENT_TYPES.declare("institution.created.v1"),
    AUDITED["institution"]["suspend"]: EVENT_TYPES.declare("institution.suspended.v1"),
    AUDITED["institution"]["resume"]: EVENT_TYPES.declare("institution.resumed.v1"),
    CREATE_STORE: EVENT_TYPES.declare("store.created.v1"),
    AUDITED["store"]["suspend"]: EVENT_TYPES.declare("store.suspended.v1"),
    AUDITED["store"]["resume"]: EVENT_TYPES.declare("store.resumed.v1"),
    CREATE_TERMINAL: EVENT_TYPES.declare("terminal.created.v1"),
    AUDITED["terminal"]["suspend"]: EVENT_TYPES.declare("terminal.suspended.v1"),
    AUDITED["terminal"]["resume"]: EVENT_TYPES.declare("terminal.resumed.v1"),
    CREATE_KEY: EVENT_TYPES.declare("key.created.v1"),
    ROTATE_KEY: EVENT_TYPES.declare("key.rotated.v1"),
    AUDITED["api_key"]["suspend"]: EVENT_TYPES.declare("key.suspended.v1"),
    AUDITED["api_key"]["resume"]: EVENT_TYPES.declare("key.resumed.v1"),
}

NAME_CHARACTERS_MAX = 60
NAME_CATEGORIES = frozenset(("L", "M", "N", "P"))
NAME_EXTRA_CHARACTERS = frozenset(" +")

KEY_MARK = "hxk_live_"
KEY_PREFIX_HEX = 8
KEY_LIFETIME_MAX = timedelta(days=730)
KEY_STORES_MAX = 100
ROTATION_OVERLAP_SECONDS_MAX = 7 * 24 * 3600


class InstitutionEntry(msgspec.Struct, frozen=True):
    """An institution in the directory."""

    id: UUID
    name: str
    kind: InstitutionKind
    state: State


class StoreEntry(msgspec.Struct, frozen=True):
    """A store in the directory; active only while its institution is."""

    id: UUID
    institution_id: UUID
    name: str
    is_active: bool


class TerminalEntry(msgspec.Struct, frozen=True):
    """A terminal in the directory; active only while its store and institution are."""

    id: UUID
    institution_id: UUID
    store_id: UUID
    name: str
    is_active: bool


class KeyEntry(msgspec.Struct, frozen=True):
    """A key in the directory, found by the SHA-256 of the whole key; ``store_ids`` None: every store."""

    id: UUID
    institution_id: UUID
    secret_hash: bytes
    scopes: tuple[Literal["scan", "redeem", "read", "report"], ...]
    store_ids: frozenset[UUID] | None
    state: State
    expires_at: datetime


class Directory:
    """Every institution, store, terminal and key of the city, in memory."""

    def __init__(
        self,
        institutions: Iterable[InstitutionEntry],
        stores: Iterable[StoreEntry],
        terminals: Iterable[TerminalEntry],
        keys: Iterable[KeyEntry],
    ) -> None:
        self._institutions = {entry.id: entry for entry in institutions}
        self._stores = {entry.id: entry for entry in stores}
        self._terminals = {entry.id: entry for entry in terminals}
        self._keys = {entry.secret_hash: entry for entry in keys}
        self._terminals_of: dict[UUID, list[TerminalEntry]] = {}
        for entry in sorted(self._terminals.values(), key=lambda entry: entry.id):
            self._terminals_of.setdefault(entry.institution_id, []).append(entry)

    def institution(self, institution_id: UUID) -> InstitutionEntry | None:
        """Find an institution."""
        return self._institutions.get(institution_id)

    def store(self, store_id: UUID) -> StoreEntry | None:
        """Find a store."""
        return self._stores.get(store_id)

    def terminal(self, terminal_id: UUID) -> TerminalEntry | None:
        """Find a terminal."""
        return self._terminals.get(terminal_id)

    def terminals_of(self, institution_id: UUID) -> list[TerminalEntry]:
        """Return an institution's terminals in the order of their ids."""
        return self._terminals_of.get(institution_id, [])

    def key_by_hash(self, secret_hash: bytes) -> KeyEntry | None:
        """Find a key by the hash of the whole key."""
        return self._keys.get(secret_hash)


def may_key_speak(key: KeyEntry, institution: InstitutionEntry | None, now: datetime) -> bool:
    """Whether a key is in force: not suspended, not expired, and neither is its institution suspended."""
    is_institution_active = institution is not None and institution.state == "active"
    return key.state == "active" and key.expires_at > now and is_institution_active


def compute_allowed_actions(state: State, *, is_centres: bool, for_centre: bool) -> list[Move]:
    """Return what an official may do: ``is_centres`` the centre suspended it, ``for_centre`` the official is its own.

    What the centre suspended only the centre resumes; what an institution suspended the centre may make its own, lest
    a suspension of one's own be a way around the centre's.
    """
    if state == "active":
        return ["suspend"]
    if for_centre:
        return ["resume"] if is_centres else ["suspend", "resume"]
    return [] if is_centres else ["resume"]


def may_reach_store(store_ids: frozenset[UUID] | None, store_id: UUID) -> bool:
    """Whether a key bound to ``store_ids`` (None: every store of its institution) may speak for a store."""
    return store_ids is None or store_id in store_ids


def parse_name(text: str) -> str | None:
    """Return the name of an institution, store, terminal or key in NFC, cleaned; None when it is not one.

    Letters, digits and punctuation of any script, spaces and ``+``; no control characters, no symbols or emoji.
    """
    name = unicodedata.normalize("NFC", clean_text(text))
    if not 1 <= len(name) <= NAME_CHARACTERS_MAX or unicodedata.category(name[0])[0] == "M":
        return None
    return name if all(map(_is_name_character, name)) else None


def _is_name_character(character: str) -> bool:
    category = unicodedata.category(character)
    is_letter = category[0] in NAME_CATEGORIES and category != "Me"  # which makes a pictograph of what it encloses
    return is_letter or character in NAME_EXTRA_CHARACTERS or is_han(character)


def compute_key_prefix(key_id: UUID) -> str:
    """Return the part of a key that may be shown again: it says which key it is, and nothing of the secret."""
    return KEY_MARK + key_id.hex[-KEY_PREFIX_HEX:]


def compute_secret_hash(key: str) -> bytes:
    """Return what is stored of a key. A plain SHA-256 suffices: the key is 256 random bits, not a password."""
    return hashlib.sha256(key.encode()).digest()


def is_lifetime_allowed(expires_at: datetime, now: datetime) -> bool:
    """Whether a key may be given until ``expires_at``."""
    return now < expires_at <= now + KEY_LIFETIME_MAX


def compute_renewed_expiry(created_at: datetime, expires_at: datetime, now: datetime) -> datetime:
    """Return when the successor of a key expires: it lives as long as the one before."""
    return now + (expires_at - created_at)
