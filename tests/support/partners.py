"""Makes institutions with stores, terminals and a key through the room's own queries, visible at once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from app.kit.clock import now, uuid7
from app.kit.db.cache import bump, refresh_all
from app.kit.db.database import transaction
from app.partner.actions.caller import directory
from app.partner.actions.keys import make_key as make_key_text
from app.partner.directory import compute_secret_hash
from app.partner.queries import keys as keys_queries
from app.partner.queries import places as places_queries
from app.partner.queries.keys import Key
from app.partner.queries.places import Institution, Store, Terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from httpx2 import AsyncClient, Response

    from app.partner.directory import InstitutionKind
    from app.values.roles import Scope

EVERY_SCOPE: tuple[Scope, ...] = ("scan", "redeem", "read", "report")


class Partner(msgspec.Struct, frozen=True):
    """An institution whose key may do everything; ``terminal_ids`` store by store."""

    institution_id: UUID
    name: str
    store_ids: list[UUID]
    terminal_ids: list[UUID]
    api_key: str
    headers: dict[str, str]


async def make_partner(
    *,
    kind: InstitutionKind = "merchant",
    stores: int = 1,
    terminals: int = 1,
    scopes: Sequence[Scope] = EVERY_SCOPE,
) -> Partner:
    """Store an institution with ``stores`` stores of ``terminals`` terminals each, and a key for all of them."""
    at, institution_id = now(), uuid7()
    name = f"机构{institution_id.hex[-12:]}"
    store_ids = [uuid7() for _ in range(stores)]
    places = [(store_id, number) for store_id in store_ids for number in range(terminals)]
    terminal_ids = [uuid7() for _ in places]
    active: dict[str, Any] = {"state": "active", "created_at": at}
    async with transaction():
        await places_queries.insert_institution(Institution(id=institution_id, name=name, kind=kind, **active))
        for number, store_id in enumerate(store_ids):
            row = Store(id=store_id, institution_id=institution_id, name=f"网点{number}", **active)
            await places_queries.insert_store(row)
        for terminal_id, (store_id, number) in zip(terminal_ids, places, strict=True):
            await places_queries.insert_terminal(
                Terminal(
                    id=terminal_id, institution_id=institution_id, store_id=store_id, name=f"终端{number}", **active
                )
            )
        await bump("directory")
    api_key = await make_key(institution_id, scopes=scopes)
    return Partner(institution_id, name, store_ids, terminal_ids, api_key, bearer(api_key))


async def make_key(
    institution_id: UUID,
    *,
    scopes: Sequence[Scope] = EVERY_SCOPE,
    store_ids: Sequence[UUID] | None = None,
    lifetime: timedelta = timedelta(days=1),
) -> str:
    """Store one more key of an institution and return it."""
    at, key_id = now(), uuid7()
    api_key = make_key_text(key_id)
    row = Key(
        id=key_id, institution_id=institution_id, name="测试", scopes=list(scopes),
        store_ids=None if store_ids is None else list(store_ids), state="active", created_at=at,
        expires_at=at + lifetime,
    )  # fmt: skip
    async with transaction():
        await keys_queries.insert_key(row, compute_secret_hash(api_key))
        await bump("directory")
    await refresh_directory()
    return api_key


async def move(client: AsyncClient, headers: dict[str, str], path: str, body: object = None) -> Response:
    """Do something to a thing as it now is: ``path`` ends in the move; who may not read it names its first version."""
    seen = await client.get(path.rpartition("/")[0], headers=headers)
    return await client.post(path, headers=headers | {"If-Match": seen.headers.get("etag", '"1"')}, json=body)


async def refresh_directory() -> None:
    """Let this process see what was changed a moment ago, without waiting for its listener."""
    await refresh_all([directory])


def bearer(token: str) -> dict[str, str]:
    """Return the headers of a caller."""
    return {"Authorization": f"Bearer {token}"}
