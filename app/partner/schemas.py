"""The directory on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from app.kit.web.http import Ask, Wire
from app.partner.directory import (
    KEY_STORES_MAX,
    NAME_CHARACTERS_MAX,
    ROTATION_OVERLAP_SECONDS_MAX,
    InstitutionKind,
    Move,
    State,
)
from app.values.roles import Scope

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=NAME_CHARACTERS_MAX)]
SCOPES_MAX = 4


class InstitutionRequest(Ask, kw_only=True):
    """A new institution."""

    name: Name
    kind: InstitutionKind


class StoreRequest(Ask, kw_only=True):
    """A new store."""

    name: Name


class TerminalRequest(Ask, kw_only=True):
    """A new terminal at a store."""

    store_id: UUID
    name: Name


class KeyRequest(Ask, kw_only=True):
    """A new key; without `storeIds` it works at every store of the institution."""

    name: Name
    scopes: Annotated[list[Scope], msgspec.Meta(min_length=1, max_length=SCOPES_MAX)]
    store_ids: Annotated[list[UUID], msgspec.Meta(min_length=1, max_length=KEY_STORES_MAX)] | None = None
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)]


class RotateRequest(Ask, kw_only=True):
    """For how long the old key still works beside the new one."""

    overlap_seconds: Annotated[int, msgspec.Meta(ge=0, le=ROTATION_OVERLAP_SECONDS_MAX)]


class InstitutionView(Wire, kw_only=True):
    """An institution."""

    id: UUID
    name: str
    kind: InstitutionKind
    state: State
    suspended_by_centre: bool
    created_at: datetime
    allowed_actions: list[Move]


class StoreView(Wire, kw_only=True):
    """A store."""

    id: UUID
    institution_id: UUID
    name: str
    state: State
    suspended_by_centre: bool
    created_at: datetime
    allowed_actions: list[Move]


class TerminalView(Wire, kw_only=True):
    """A terminal."""

    id: UUID
    institution_id: UUID
    store_id: UUID
    name: str
    state: State
    suspended_by_centre: bool
    created_at: datetime
    allowed_actions: list[Move]


class KeyView(Wire, kw_only=True):
    """A key as it may be shown again: its prefix, never its secret."""

    id: UUID
    institution_id: UUID
    name: str
    prefix: str
    scopes: list[Scope]
    store_ids: list[UUID] | None
    state: State
    suspended_by_centre: bool
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    allowed_actions: list[Move]


class KeySecret(KeyView, kw_only=True):
    """A new key: `key` is shown this once and cannot be shown again."""

    key: str


class PartnerInstitution(Wire, kw_only=True):
    """The institution a key belongs to."""

    id: UUID
    name: str
    kind: InstitutionKind


class PartnerSelf(Wire, kw_only=True):
    """Whose key this is, what it may do and until when; `storeIds` null: every store of the institution."""

    institution: PartnerInstitution
    key_id: UUID
    scopes: list[Scope]
    store_ids: list[UUID] | None


class PartnerTerminal(Wire, kw_only=True):
    """A terminal the key may speak for; suspended while it, its store or its institution is."""

    id: UUID
    name: str
    store_id: UUID
    store_name: str
    state: State
