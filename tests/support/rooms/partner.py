"""The institution with its stores, terminals and keys."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from app.kit.clock import now
from app.kit.db.database import fetch_all
from tests.support.partners import make_key
from tests.support.right import Right

if TYPE_CHECKING:
    from httpx2 import AsyncClient

    from tests.support.world import World


async def furnish(_: AsyncClient, world: World) -> dict[str, str]:
    """Give the institution a second key, that may read only."""
    partner = world.partner
    await make_key(partner.institution_id, scopes=("read",))
    key, spare_key = await _find_keys(partner.institution_id)
    return {
        "institution": str(partner.institution_id),
        "store": str(partner.store_ids[0]), "spare_store": str(partner.store_ids[1]),
        "terminal": str(partner.terminal_ids[0]), "spare_terminal": str(partner.terminal_ids[1]),
        "key": str(key), "spare_key": str(spare_key),
    }  # fmt: skip


async def _find_keys(institution_id: UUID) -> list[UUID]:
    """Return the keys of an institution, the one that may do most first."""

    class Key(msgspec.Struct):
        id: UUID

    sql = "SELECT id FROM api_key WHERE institution_id = $1 ORDER BY cardinality(scopes) DESC"
    return [key.id for key in await fetch_all(Key, sql, institution_id)]


def _key(_: World) -> dict[str, Any]:
    return {"name": "新密钥", "scopes": ["read"], "expiresAt": (now() + timedelta(days=1)).isoformat()}


def _name(_: World) -> dict[str, Any]:
    return {"name": f"新名{secrets.token_hex(6)}"}


INSTITUTION = {"institutionId": "institution"}
STORE = INSTITUTION | {"storeId": "spare_store"}
TERMINAL = INSTITUTION | {"terminalId": "spare_terminal"}
KEY = INSTITUTION | {"keyId": "spare_key"}

RIGHT = {
    "getPartnerSelf": Right("partner"),
    "listPartnerTerminals": Right("partner"),
    "createInstitution": Right("centre_administrator", body=lambda w: {**_name(w), "kind": "merchant"}),
    "listInstitutions": Right("administrator"),
    "getInstitution": Right("administrator", INSTITUTION),
    "suspendInstitution": Right("centre_administrator", INSTITUTION, needs_etag=True),
    "resumeInstitution": Right("centre_administrator", INSTITUTION, needs_etag=True),
    "getStore": Right("administrator", STORE),
    "getTerminal": Right("administrator", TERMINAL),
    "getKey": Right("administrator", KEY),
    "createStore": Right("administrator", INSTITUTION, _name),
    "listStores": Right("administrator", INSTITUTION),
    "suspendStore": Right("administrator", STORE, needs_etag=True),
    "resumeStore": Right("administrator", STORE, needs_etag=True),
    "createTerminal": Right("administrator", INSTITUTION, lambda w: {**_name(w), "storeId": w.ids["store"]}),
    "listTerminals": Right("administrator", INSTITUTION),
    "suspendTerminal": Right("administrator", TERMINAL, needs_etag=True),
    "resumeTerminal": Right("administrator", TERMINAL, needs_etag=True),
    "createKey": Right("administrator", INSTITUTION, _key),
    "listKeys": Right("administrator", INSTITUTION),
    "rotateKey": Right("administrator", KEY, lambda _: {"overlapSeconds": 60}, needs_etag=True),
    "suspendKey": Right("administrator", KEY, needs_etag=True),
    "resumeKey": Right("administrator", KEY, needs_etag=True),
}
