"""API keys through the front door: shown once, stored as a hash, rotated, suspended, of one tenant."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from app.kit.clock import now, uuid7
from app.kit.db.database import execute, fetch_value
from app.partner.directory import KEY_STORES_MAX, ROTATION_OVERLAP_SECONDS_MAX, compute_secret_hash
from tests.support.officials import OfficialLogin, make_official
from tests.support.partners import Partner, bearer, make_partner, move, refresh_directory
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from httpx2 import AsyncClient


def expiry(**lifetime: float) -> str:
    return (now() + timedelta(**lifetime)).isoformat()


def ask(**changes: object) -> dict[str, object]:
    return {"name": "收银系统", "scopes": ["read"], "expiresAt": expiry(days=30)} | changes


async def make_both() -> tuple[Partner, OfficialLogin, str]:
    partner = await make_partner(stores=2)
    official = await make_official(roles=["administrator"], institution_id=partner.institution_id)
    return partner, official, f"/v1/official/institutions/{partner.institution_id}/keys"


async def create(client: AsyncClient, url: str, official: OfficialLogin, **changes: object) -> dict[str, Any]:
    answer = await client.post(url, headers=official.headers, json=ask(**changes))
    assert answer.status_code == 201, answer.text
    await refresh_directory()
    body: dict[str, Any] = answer.json()
    return body


async def status_of(client: AsyncClient, key: str) -> int:
    return (await client.get("/v1/partner/me", headers=bearer(key))).status_code


async def wait_for_status(client: AsyncClient, key: str, status: int) -> int:
    """Wait as another process would: for the listener or the half-second poll, nothing else."""

    async def is_so() -> bool:
        return await status_of(client, key) == status

    await wait_until(is_so)
    return status


async def test_a_key_is_shown_once_and_only_its_hash_is_stored(client: AsyncClient) -> None:
    partner, official, url = await make_both()
    made = await create(client, url, official, storeIds=[str(partner.store_ids[0])], scopes=["scan", "read"])
    key = made["key"]
    assert key.startswith(made["prefix"] + "_")
    assert await status_of(client, key) == 200
    listed = await client.get(url, headers=official.headers)
    row = next(row for row in listed.json()["data"] if row["id"] == made["id"])
    assert "key" not in row
    assert row == {name: value for name, value in made.items() if name != "key"}
    secret = key.removeprefix(made["prefix"])
    assert secret not in listed.text
    stored = await fetch_value("SELECT to_jsonb(k)::text FROM api_key k WHERE id = $1", made["id"])
    assert secret not in stored
    assert compute_secret_hash(key).hex() in stored
    for table in ("audit_entry", "event"):
        leaks = f"SELECT count(*) FROM {table} t WHERE strpos(to_jsonb(t)::text, $1) > 0"
        assert await fetch_value(leaks, secret[:20]) == 0


async def test_a_rotated_key_works_until_the_overlap_is_over(client: AsyncClient) -> None:
    _, official, url = await make_both()
    old = await create(client, url, official, scopes=["scan", "read"])
    answer = await move(client, official.headers, f"{url}/{old['id']}/rotate", {"overlapSeconds": 3600})
    assert answer.status_code == 201, answer.text
    new = answer.json()
    assert new["id"] != old["id"]
    assert (new["scopes"], new["name"], new["storeIds"]) == (old["scopes"], old["name"], old["storeIds"])
    await refresh_directory()
    assert await status_of(client, old["key"]) == 200
    assert await status_of(client, new["key"]) == 200
    left = await fetch_value("SELECT expires_at - now() FROM api_key WHERE id = $1", old["id"])
    assert timedelta(minutes=59) < left <= timedelta(hours=1)
    await execute("UPDATE api_key SET expires_at = now() WHERE id = $1", old["id"])
    await execute("UPDATE cache_version SET version = version + 1 WHERE name = 'directory'")
    await refresh_directory()
    assert await status_of(client, old["key"]) == 401
    assert await status_of(client, new["key"]) == 200


async def test_a_rotation_without_overlap_ends_the_old_key_at_once(client: AsyncClient) -> None:
    _, official, url = await make_both()
    old = await create(client, url, official)
    rotate = f"{url}/{old['id']}/rotate"
    new = (await move(client, official.headers, rotate, {"overlapSeconds": 0})).json()
    await refresh_directory()
    assert (await status_of(client, old["key"]), await status_of(client, new["key"])) == (401, 200)
    again = await move(client, official.headers, rotate, {"overlapSeconds": 0})
    assert (again.status_code, again.json()["code"]) == (409, "key_not_in_force")
    assert [reason["code"] for reason in again.json()["reasons"]] == ["state_expired"]


async def test_an_overlap_never_lengthens_a_life(client: AsyncClient) -> None:
    _, official, url = await make_both()
    old = await create(client, url, official, expiresAt=expiry(seconds=60))
    body = {"overlapSeconds": ROTATION_OVERLAP_SECONDS_MAX}
    assert (await move(client, official.headers, f"{url}/{old['id']}/rotate", body)).status_code == 201
    left = await fetch_value("SELECT expires_at - now() FROM api_key WHERE id = $1", old["id"])
    assert left <= timedelta(seconds=60)


@pytest.mark.parametrize("overlap", [-1, ROTATION_OVERLAP_SECONDS_MAX + 1, "1h", None, 1.5])
async def test_an_overlap_has_edges(client: AsyncClient, overlap: object) -> None:
    _, official, url = await make_both()
    key = await create(client, url, official)
    answer = await move(client, official.headers, f"{url}/{key['id']}/rotate", {"overlapSeconds": overlap})
    assert answer.status_code == 400, answer.text
    assert answer.json()["errors"][0]["pointer"] == "/overlapSeconds"


async def test_a_suspended_key_stops_and_goes_on(client: AsyncClient) -> None:
    """Nobody refreshes by hand here: the word spreads by itself."""
    _, official, url = await make_both()
    made = await create(client, url, official)
    suspended = await move(client, official.headers, f"{url}/{made['id']}/suspend")
    assert (suspended.status_code, suspended.json()["state"]) == (200, "suspended")
    assert suspended.json()["allowedActions"] == ["resume"]
    assert await wait_for_status(client, made["key"], 401) == 401
    again = await move(client, official.headers, f"{url}/{made['id']}/suspend")
    assert (again.status_code, again.json()["code"]) == (409, "state_unsuitable")
    assert [reason["code"] for reason in again.json()["reasons"]] == ["state_suspended"]
    rotated = await move(client, official.headers, f"{url}/{made['id']}/rotate", {"overlapSeconds": 1})
    assert (rotated.status_code, rotated.json()["code"]) == (409, "key_not_in_force")
    assert [reason["code"] for reason in rotated.json()["reasons"]] == ["state_suspended"]
    assert (await move(client, official.headers, f"{url}/{made['id']}/resume")).json()["state"] == "active"
    assert await wait_for_status(client, made["key"], 200) == 200


BAD: list[tuple[dict[str, object], str]] = [
    ({"name": ""}, "/name"),
    ({"name": "店" * 61}, "/name"),
    ({"name": "店\u0000"}, "/name"),
    ({"name": "店😀"}, "/name"),
    ({"name": "  "}, "/name"),
    ({"name": 7}, "/name"),
    ({"scopes": []}, "/scopes"),
    ({"scopes": ["everything"]}, "/scopes"),
    ({"scopes": "read"}, "/scopes"),
    ({"scopes": ["read"] * 5}, "/scopes"),
    ({"storeIds": []}, "/storeIds"),
    ({"storeIds": ["x"]}, "/storeIds"),
    ({"storeIds": [str(uuid7()) for _ in range(KEY_STORES_MAX + 1)]}, "/storeIds"),
    ({"expiresAt": "2020-01-01T00:00:00Z"}, "/expiresAt"),
    ({"expiresAt": "2999-01-01T00:00:00Z"}, "/expiresAt"),
    ({"expiresAt": "9999-12-31T23:59:59-23:59"}, "/expiresAt"),
    ({"expiresAt": "0001-01-01T00:00:00+23:59"}, "/expiresAt"),
    ({"expiresAt": "2030-01-01T00:00:00"}, "/expiresAt"),
    ({"expiresAt": "tomorrow"}, "/expiresAt"),
    ({"expiresAt": None}, "/expiresAt"),
    ({"secret": "x"}, ""),
]


@pytest.mark.parametrize(("changes", "pointer"), BAD)
async def test_a_bad_wish_is_refused_with_its_place(
    client: AsyncClient, changes: dict[str, object], pointer: str
) -> None:
    partner, official, url = await make_both()
    answer = await client.post(url, headers=official.headers, json=ask(**changes))
    assert answer.status_code == 400, answer.text
    assert any(error["pointer"].startswith(pointer) for error in answer.json()["errors"]), answer.text
    assert await fetch_value("SELECT count(*) FROM api_key WHERE institution_id = $1", partner.institution_id) == 1


async def test_stores_of_others_are_not_there(client: AsyncClient) -> None:
    partner, official, url = await make_both()
    other = await make_partner()
    for store_ids in ([other.store_ids[0]], [uuid7()], [partner.store_ids[0], other.store_ids[0]]):
        body = ask(storeIds=list(map(str, store_ids)))
        assert (await client.post(url, headers=official.headers, json=body)).status_code == 404
    twice = [str(partner.store_ids[0])] * 2
    assert (await create(client, url, official, storeIds=twice))["storeIds"] == twice[:1]


async def test_keys_of_others_are_not_there(client: AsyncClient) -> None:
    _, official, url = await make_both()
    _, stranger, strangers_url = await make_both()
    key = await create(client, url, official)
    for path in (url, strangers_url):
        for method, tail, body in (
            ("GET", "", None), ("GET", f"/{key['id']}", None), ("POST", "", ask()),
            ("POST", f"/{key['id']}/rotate", {"overlapSeconds": 0}),
            ("POST", f"/{key['id']}/suspend", None), ("POST", f"/{key['id']}/resume", None),
        ):  # fmt: skip
            if path == strangers_url and not tail:
                continue  # their own list
            headers = stranger.headers | {"If-Match": '"1"'}
            answer = await client.request(method, path + tail, headers=headers, json=body)
            assert answer.status_code == 404, (path, tail, answer.text)
    assert await status_of(client, key["key"]) == 200
    centre = await make_official(roles=["administrator"])
    assert (await move(client, centre.headers, f"{url}/{key['id']}/suspend")).status_code == 200


async def test_keys_come_in_pages(client: AsyncClient) -> None:
    _, official, url = await make_both()
    made = [(await create(client, url, official))["id"] for _ in range(3)]
    first = (await client.get(url, headers=official.headers, params={"limit": 2})).json()
    cursor = first["page"]["nextCursor"]
    second = (await client.get(url, headers=official.headers, params={"limit": 2, "cursor": cursor})).json()
    assert second["page"] == {"nextCursor": None, "hasMore": False}
    assert [row["id"] for row in first["data"] + second["data"]][1:] == made
