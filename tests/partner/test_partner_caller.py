"""Which key is whose, and which terminals it may speak for."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from app.kit.clock import uuid7
from app.kit.db.database import execute, fetch_value
from app.kit.errors import NotFound, Unauthenticated
from app.partner.actions import caller as caller_actions
from app.partner.actions.caller import authenticate, flush_key_uses, resolve_terminal
from app.partner.directory import compute_secret_hash
from app.partner.queries import keys as keys_queries
from app.partner.refusals import TerminalSuspended
from tests.support.officials import make_official
from tests.support.partners import bearer, make_key, make_partner, refresh_directory

if TYPE_CHECKING:
    from datetime import datetime

    from httpx2 import AsyncClient


async def test_a_key_tells_whose_it_is(client: AsyncClient) -> None:
    partner = await make_partner(kind="hospital", scopes=("read", "scan"))
    answer = await client.get("/v1/partner/me", headers=partner.headers)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "institution": {"id": str(partner.institution_id), "name": partner.name, "kind": "hospital"},
        "keyId": answer.json()["keyId"],
        "scopes": ["read", "scan"],
        "storeIds": None,
    }


async def test_only_the_whole_key_is_the_key(client: AsyncClient) -> None:
    """Every wrong key is the same 401, whatever is wrong with it."""
    partner = await make_partner()
    expired = await make_key(partner.institution_id, lifetime=timedelta(seconds=-1))
    official = await make_official(roles=["administrator"])
    key, bodies = partner.api_key, set()
    for authorization in (
        "", "Bearer", "Bearer ", key, f"Basic {key}", f"Bearer {key[:-1]}", f"Bearer {key}x", f"Bearer  {key}",
        f"Bearer {key} ", f"Bearer {key.upper()}", f"Bearer {key[9:]}", f"Bearer {key},{key}", f"Bearer {expired}",
        f"Bearer {compute_secret_hash(key).hex()}", "Bearer hxk_live_", official.headers["Authorization"],
        f"Bearer {key[:-1]}é",
    ):  # fmt: skip
        headers = {b"authorization": authorization.encode()}
        answer = await client.get("/v1/partner/me", headers=headers)
        if authorization == f"Bearer {key} ":
            continue  # outer spaces are no part of a header's value
        assert answer.status_code == 401, authorization
        bodies.add(tuple(sorted((k, str(v)) for k, v in answer.json().items() if k != "traceId")))
        assert answer.headers["www-authenticate"] == "Bearer"
    assert len(bodies) == 1
    assert (await client.get("/v1/partner/me")).status_code == 401
    assert (await client.get("/v1/partner/me", headers={"authorization": f"bearer {key}"})).status_code == 200


async def test_a_key_expires_while_it_lies_in_memory(app: object, monkeypatch: pytest.MonkeyPatch) -> None:
    assert app is not None
    partner = await make_partner()
    authorization = partner.headers["Authorization"]
    caller = await authenticate(authorization)
    monkeypatch.setattr(caller_actions, "now", lambda: caller_expiry(authorization) - timedelta(microseconds=1))
    assert await authenticate(authorization) == caller
    monkeypatch.setattr(caller_actions, "now", lambda: caller_expiry(authorization))
    with pytest.raises(Unauthenticated):
        await authenticate(authorization)


def caller_expiry(authorization: str) -> datetime:
    key = caller_actions.directory.current.key_by_hash(compute_secret_hash(authorization.removeprefix("Bearer ")))
    assert key is not None
    return key.expires_at


async def test_a_key_speaks_for_its_own_terminals_only(app: object) -> None:
    assert app is not None
    partner, other = await make_partner(stores=2, terminals=2), await make_partner()
    caller = await authenticate(partner.headers["Authorization"])
    for terminal_id in partner.terminal_ids:
        assert resolve_terminal(caller, terminal_id).id == terminal_id
    for terminal_id in (other.terminal_ids[0], uuid7(), partner.store_ids[0], partner.institution_id):
        with pytest.raises(NotFound):
            resolve_terminal(caller, terminal_id)


async def test_a_key_of_one_store_does_not_reach_the_next(client: AsyncClient) -> None:
    partner = await make_partner(stores=2, terminals=2)
    key = await make_key(partner.institution_id, store_ids=partner.store_ids[:1])
    caller = await authenticate(f"Bearer {key}")
    assert resolve_terminal(caller, partner.terminal_ids[1]).store_id == partner.store_ids[0]
    for terminal_id in partner.terminal_ids[2:]:
        with pytest.raises(NotFound):
            resolve_terminal(caller, terminal_id)
    answer = await client.get("/v1/partner/terminals", headers=bearer(key))
    assert {row["id"] for row in answer.json()["data"]} == set(map(str, partner.terminal_ids[:2]))


@pytest.mark.parametrize("table", ["terminal", "store", "institution"])
async def test_what_is_suspended_has_no_terminals_at_work(app: object, table: str) -> None:
    assert app is not None
    partner = await make_partner(stores=2)
    caller = await authenticate(partner.headers["Authorization"])
    suspended = {"terminal": partner.terminal_ids, "store": partner.store_ids}.get(table, [partner.institution_id])[0]
    await execute(f"UPDATE {table} SET state = 'suspended' WHERE id = $1", suspended)
    await execute("UPDATE cache_version SET version = version + 1 WHERE name = 'directory'")
    await refresh_directory()
    with pytest.raises(TerminalSuspended):
        resolve_terminal(caller, partner.terminal_ids[0])
    if table == "institution":
        with pytest.raises(Unauthenticated):
            await authenticate(partner.headers["Authorization"])
    else:
        assert resolve_terminal(caller, partner.terminal_ids[1]).is_active


async def test_terminals_come_in_pages(client: AsyncClient) -> None:
    partner = await make_partner(stores=2, terminals=3)
    found: list[str] = []
    query: dict[str, str] = {"limit": "4"}
    for expected, has_more in ((4, True), (2, False)):
        body = (await client.get("/v1/partner/terminals", headers=partner.headers, params=query)).json()
        assert len(body["data"]) == expected
        assert body["page"]["hasMore"] is has_more
        found += [row["id"] for row in body["data"]]
        query["cursor"] = body["page"]["nextCursor"]
    assert found == sorted(map(str, partner.terminal_ids))
    assert {row["state"] for row in body["data"]} == {"active"}
    stale = await client.get("/v1/partner/terminals", headers=partner.headers, params={"cursor": "x"})
    assert (stale.status_code, stale.json()["code"]) == (400, "invalid_cursor")


async def test_the_last_use_is_noted_without_a_write_per_request(client: AsyncClient) -> None:
    partner = await make_partner()
    last_used = "SELECT max(last_used_at) FROM api_key WHERE institution_id = $1"
    for _ in range(3):
        assert (await client.get("/v1/partner/me", headers=partner.headers)).status_code == 200
    assert await fetch_value(last_used, partner.institution_id) is None
    await flush_key_uses()
    first = await fetch_value(last_used, partner.institution_id)
    assert first is not None
    await flush_key_uses()
    assert await fetch_value(last_used, partner.institution_id) == first
    await client.get("/v1/partner/me", headers=partner.headers)
    async with caller_actions.key_use_lifespan():
        pass
    assert await fetch_value(last_used, partner.institution_id) > first


async def test_a_use_that_cannot_be_noted_is_noted_later(app: object, monkeypatch: pytest.MonkeyPatch) -> None:
    assert app is not None
    partner = await make_partner()
    await authenticate(partner.headers["Authorization"])
    with monkeypatch.context() as broken:

        async def fail(_: object) -> None:
            raise OSError

        broken.setattr(keys_queries, "mark_keys_used", fail)
        with pytest.raises(OSError):  # noqa: PT011 - its supervisor logs it and tries again
            await flush_key_uses()
    await flush_key_uses()
    assert await fetch_value("SELECT last_used_at FROM api_key WHERE institution_id = $1", partner.institution_id)
