"""Institutions, stores and terminals through the front door: created, suspended, of one tenant, audited."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, get_args

import msgspec
import pytest

from app.kit.clock import uuid7
from app.kit.db.database import fetch_value
from app.partner.directory import InstitutionKind
from app.partner.queries import places as places_queries
from tests.support.officials import OfficialLogin, make_official
from tests.support.partners import Partner, make_partner, move, refresh_directory

if TYPE_CHECKING:
    from uuid import UUID

    from httpx2 import AsyncClient

    from app.values.roles import Role

URL = "/v1/official/institutions"
MOVES = ("/suspend", "/resume", "/rotate")
OTHER_ROLES: list[Role] = ["editor", "reviewer", "caseworker", "auditor", "importer"]


def fresh_name() -> str:
    return f"惠民{uuid7().hex[-12:]}"


async def post(client: AsyncClient, official: OfficialLogin, url: str, body: object = None) -> tuple[int, Any]:
    if url.endswith(MOVES):
        answer = await move(client, official.headers, url, body)
    else:
        answer = await client.post(url, headers=official.headers, json=body)
    return answer.status_code, answer.json()


async def make_both() -> tuple[Partner, OfficialLogin, str]:
    partner = await make_partner()
    official = await make_official(roles=["administrator"], institution_id=partner.institution_id)
    return partner, official, f"{URL}/{partner.institution_id}"


async def count_audit(subject: str, action: str) -> int:
    return int(
        await fetch_value("SELECT count(*) FROM audit_entry WHERE subject = $1 AND action = $2", subject, action)
    )


async def count_events(subject_id: UUID | str, event_type: str) -> int:
    return int(
        await fetch_value("SELECT count(*) FROM event WHERE subject_id = $1 AND type = $2", subject_id, event_type)
    )


@pytest.mark.parametrize("kind", get_args(InstitutionKind))
async def test_the_centre_creates_an_institution_of_every_kind(client: AsyncClient, kind: str) -> None:
    centre, name = await make_official(roles=["administrator"]), fresh_name()
    status, made = await post(client, centre, URL, {"name": f" {name} ", "kind": kind})
    assert status == 201
    assert (made["name"], made["kind"], made["state"], made["allowedActions"]) == (name, kind, "active", ["suspend"])
    shown = await client.get(f"{URL}/{made['id']}", headers=centre.headers)
    assert shown.json() == made
    assert await count_audit(f"institution:{made['id']}", "institution.create") == 1
    assert await count_events(made["id"], "institution.created.v1") == 1


async def test_a_whole_shop_is_set_up_and_seen_by_every_process(client: AsyncClient) -> None:
    centre = await make_official(roles=["administrator"])
    _, institution = await post(client, centre, URL, {"name": fresh_name(), "kind": "merchant"})
    url = f"{URL}/{institution['id']}"
    owner = await make_official(roles=["administrator"], institution_id=institution["id"])
    status, store = await post(client, owner, f"{url}/stores", {"name": "一号店"})
    assert (status, store["state"], store["institutionId"]) == (201, "active", institution["id"])
    status, terminal = await post(client, owner, f"{url}/terminals", {"name": "收银台1", "storeId": store["id"]})
    assert (status, terminal["storeId"]) == (201, store["id"])
    body = {"name": "收银系统", "scopes": ["read"], "expiresAt": "2099-01-01T00:00:00Z"}
    assert (await post(client, owner, f"{url}/keys", body))[0] == 400
    body["expiresAt"] = (await fetch_value("SELECT now() + interval '1 day'")).isoformat()
    _, key = await post(client, owner, f"{url}/keys", body)
    await refresh_directory()
    seen = await client.get("/v1/partner/terminals", headers={"Authorization": f"Bearer {key['key']}"})
    assert seen.json()["data"] == [
        {"id": terminal["id"], "name": "收银台1", "storeId": store["id"], "storeName": "一号店", "state": "active"}
    ]
    for noun, row in (("store", store), ("terminal", terminal), ("key", key)):
        assert await count_audit(f"{noun}:{row['id']}", f"{noun}.create") == 1
        assert await count_events(row["id"], f"{noun}.created.v1") == 1


async def test_names_are_unique_where_people_would_confuse_them(client: AsyncClient) -> None:
    partner, official, url = await make_both()
    centre, other = await make_official(roles=["administrator"]), await make_partner()
    status, body = await post(client, centre, URL, {"name": partner.name, "kind": "merchant"})
    assert (status, body["code"]) == (409, "name_taken")
    assert (await post(client, official, f"{url}/stores", {"name": "网点0"}))[0] == 409
    terminal = {"name": "终端0", "storeId": str(partner.store_ids[0])}
    assert (await post(client, official, f"{url}/terminals", terminal))[0] == 409
    assert (await post(client, centre, f"{URL}/{other.institution_id}/stores", {"name": "网点0乙"}))[0] == 201
    name = fresh_name()
    racing = [post(client, centre, URL, {"name": name, "kind": "bank"}) for _ in range(5)]
    statuses = sorted(status for status, _ in await asyncio.gather(*racing))
    assert statuses == [201, 409, 409, 409, 409]


BAD_NAMES = [
    "",
    " ",
    "店" * 61,
    "店\u0000铺",
    "\u0000",
    "店\u0007",
    "店😀",
    "店\ue000",
    "e\u0301" * 61,
    7,
    None,
    ["店"],
]


@pytest.mark.parametrize("name", BAD_NAMES)
async def test_a_bad_name_is_refused_with_its_place(client: AsyncClient, name: object) -> None:
    centre, (partner, official, url) = await make_official(roles=["administrator"]), await make_both()
    for who, path, body in (
        (centre, URL, {"kind": "merchant"}),
        (official, f"{url}/stores", {}),
        (official, f"{url}/terminals", {"storeId": str(partner.store_ids[0])}),
    ):
        status, problem = await post(client, who, path, {**body, "name": name})
        assert status == 400, (path, problem)
        assert problem["errors"][0]["pointer"] == "/name"


@pytest.mark.parametrize(
    "body",
    [{}, [], "x", {"name": "店"}, {"name": "店", "kind": "school"}, {"name": "店", "kind": "bank", "state": "x"}],
)
async def test_a_bad_body_changes_nothing(client: AsyncClient, body: object) -> None:
    centre = await make_official(roles=["administrator"])
    before = await fetch_value("SELECT count(*) FROM institution")
    status, problem = await post(client, centre, URL, body)
    assert status == 400
    assert problem["code"] == "invalid_request"
    assert await fetch_value("SELECT count(*) FROM institution") == before


@pytest.mark.parametrize("noun", ["institution", "store", "terminal"])
async def test_what_is_suspended_says_so_and_goes_on(client: AsyncClient, noun: str) -> None:
    partner, _, url = await make_both()
    centre = await make_official(roles=["administrator"])
    row_id = {"store": partner.store_ids, "terminal": partner.terminal_ids}.get(noun, [partner.institution_id])[0]
    path = url if noun == "institution" else f"{url}/{noun}s/{row_id}"
    status, body = await post(client, centre, f"{path}/resume")
    assert (status, body["code"]) == (409, "state_unsuitable")
    assert [reason["code"] for reason in body["reasons"]] == ["state_active"]
    headers = centre.headers | {"If-Match": '"1"'}
    racing = await asyncio.gather(*(client.post(f"{path}/suspend", headers=headers) for _ in range(3)))
    assert sorted(answer.status_code for answer in racing) == [200, 412, 412]
    await refresh_directory()
    seen = await client.get("/v1/partner/terminals", headers=partner.headers)
    if noun == "institution":
        assert seen.status_code == 401
    else:
        assert [row["state"] for row in seen.json()["data"]] == ["suspended"]
    status, body = await post(client, centre, f"{path}/resume")
    assert (status, body["state"], body["allowedActions"]) == (200, "active", ["suspend"])
    await refresh_directory()
    seen = await client.get("/v1/partner/terminals", headers=partner.headers)
    assert [row["state"] for row in seen.json()["data"]] == ["active"]
    for action in ("suspend", "resume"):
        assert await count_audit(f"{noun}:{row_id}", f"{noun}.{action}") == 1
        assert await count_events(row_id, f"{noun}.{action.removesuffix('e')}ed.v1") == 1


async def test_an_institution_does_not_reach_its_neighbour(client: AsyncClient) -> None:
    """Every path under another institution is not there, with own and foreign ids alike."""
    mine, official, my_url = await make_both()
    theirs, _, their_url = await make_both()
    store, terminal = theirs.store_ids[0], theirs.terminal_ids[0]
    before = await fetch_rows(theirs)
    paths = [
        ("GET", their_url, None), ("POST", f"{their_url}/suspend", None), ("POST", f"{their_url}/resume", None),
        ("GET", f"{their_url}/stores/{store}", None), ("GET", f"{my_url}/terminals/{terminal}", None),
        ("GET", f"{their_url}/stores", None), ("POST", f"{their_url}/stores", {"name": "新店"}),
        ("GET", f"{their_url}/terminals", None),
        ("POST", f"{their_url}/terminals", {"name": "新机", "storeId": str(store)}),
        ("POST", f"{my_url}/terminals", {"name": "新机", "storeId": str(store)}),
        *(("POST", f"{url}/{row}/{move}", None) for url in (my_url, their_url) for move in ("suspend", "resume")
          for row in (f"stores/{store}", f"terminals/{terminal}")),
        ("POST", f"{their_url}/stores/{mine.store_ids[0]}/suspend", None),
        ("GET", f"{URL}/{uuid7()}", None),
    ]  # fmt: skip
    for method, path, body in paths:
        answer = await client.request(method, path, headers=official.headers | {"If-Match": '"1"'}, json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), (method, path)
    assert await fetch_rows(theirs) == before
    listed = await client.get(URL, headers=official.headers)
    assert [row["id"] for row in listed.json()["data"]] == [str(mine.institution_id)]
    foreign = await client.get(f"{my_url}/terminals", headers=official.headers, params={"storeId": str(store)})
    assert foreign.json()["data"] == []


async def fetch_rows(partner: Partner) -> str:
    rows = await fetch_value(
        """
        SELECT jsonb_build_array(
            (SELECT jsonb_agg(i) FROM institution i WHERE id = $1),
            (SELECT jsonb_agg(s ORDER BY s.id) FROM store s WHERE institution_id = $1),
            (SELECT jsonb_agg(t ORDER BY t.id) FROM terminal t WHERE institution_id = $1),
            (SELECT jsonb_agg(k ORDER BY k.id) FROM api_key k WHERE institution_id = $1))::text
        """,
        partner.institution_id,
    )
    return str(rows)


async def test_only_the_centre_makes_and_stops_institutions(client: AsyncClient) -> None:
    _, official, url = await make_both()
    for path, body in (
        (URL, {"name": fresh_name(), "kind": "bank"}),
        (f"{url}/suspend", None),
        (f"{url}/resume", None),
    ):
        status, problem = await post(client, official, path, body)
        assert (status, problem["code"]) == (403, "forbidden")


@pytest.mark.parametrize("role", OTHER_ROLES)
async def test_no_other_role_touches_the_directory(client: AsyncClient, role: Role) -> None:
    official, (partner, _, url) = await make_official(roles=[role]), await make_both()
    store, terminal, key = partner.store_ids[0], partner.terminal_ids[0], uuid7()
    moves = [f"stores/{store}/", f"terminals/{terminal}/", f"keys/{key}/", ""]
    key_wish = {"name": "钥", "scopes": ["read"], "expiresAt": "2099-01-01T00:00:00Z"}
    routes: list[tuple[str, str, object]] = [
        ("GET", URL, None), ("GET", url, None), ("POST", URL, {"name": "店", "kind": "bank"}),
        *(("GET", f"{url}/{noun}", None) for noun in ("stores", "terminals", "keys")),
        ("POST", f"{url}/stores", {"name": "店"}), ("POST", f"{url}/terminals", {"name": "机", "storeId": str(store)}),
        ("POST", f"{url}/keys", key_wish), ("POST", f"{url}/keys/{key}/rotate", {"overlapSeconds": 0}),
        *(("POST", f"{url}/{row}{move}", None) for row in moves for move in ("suspend", "resume")),
    ]  # fmt: skip
    before = await fetch_rows(partner)
    for method, path, body in routes:
        for headers, status in ((official.headers, 403), ({}, 401), (partner.headers, 401)):
            answer = await client.request(method, path, headers=headers, json=body)
            assert answer.status_code == status, (method, path)
    assert await fetch_rows(partner) == before


async def test_lists_come_in_stable_pages(client: AsyncClient) -> None:
    partner = await make_partner(stores=3, terminals=2)
    official = await make_official(roles=["administrator"], institution_id=partner.institution_id)
    url = f"{URL}/{partner.institution_id}"
    for noun, expected in (("stores", partner.store_ids), ("terminals", partner.terminal_ids)):
        found: list[str] = []
        query: dict[str, str] = {"limit": "2"}
        while query.get("cursor", "") is not None:
            body = (await client.get(f"{url}/{noun}", headers=official.headers, params=query)).json()
            found += [row["id"] for row in body["data"]]
            query["cursor"] = body["page"]["nextCursor"]
        assert found == sorted(map(str, expected))
        for bad in ({"cursor": "x"}, {"limit": "0"}, {"limit": "101"}):
            answer = await client.get(f"{url}/{noun}", headers=official.headers, params=bad)
            assert answer.status_code == 400
    of_store = await client.get(
        f"{url}/terminals", headers=official.headers, params={"storeId": str(partner.store_ids[1])}
    )
    assert {row["storeId"] for row in of_store.json()["data"]} == {str(partner.store_ids[1])}


async def test_the_audit_tells_who_did_what(client: AsyncClient) -> None:
    partner, official, url = await make_both()
    store = partner.store_ids[0]
    await post(client, official, f"{url}/stores/{store}/suspend")
    detail = await fetch_value(
        "SELECT detail FROM audit_entry WHERE subject = $1 AND actor_id = $2 AND actor = $3",
        f"store:{store}", official.id, official.username,
    )  # fmt: skip
    assert msgspec.json.decode(detail) == {"institutionId": str(partner.institution_id)}


STOPPED = ["store", "terminal", "key"]


async def find_row_id(partner: Partner, noun: str) -> object:
    if noun == "key":
        return await fetch_value("SELECT id FROM api_key WHERE institution_id = $1", partner.institution_id)
    return (partner.store_ids if noun == "store" else partner.terminal_ids)[0]


@pytest.mark.parametrize("noun", STOPPED)
async def test_what_the_centre_suspended_only_the_centre_resumes(client: AsyncClient, noun: str) -> None:
    partner, owner, url = await make_both()
    centre, colleague = [await make_official(roles=["administrator"]) for _ in range(2)]
    path = f"{url}/{noun}s/{await find_row_id(partner, noun)}"
    assert (await post(client, centre, f"{path}/suspend"))[0] == 200
    seen = (await client.get(path, headers=owner.headers)).json()
    assert (seen["state"], seen["suspendedByCentre"], seen["allowedActions"]) == ("suspended", True, [])
    status, problem = await post(client, owner, f"{path}/resume")
    assert (status, problem["code"]) == (403, "suspended_by_centre")
    assert (await post(client, owner, f"{path}/suspend"))[0] == 409
    status, resumed = await post(client, colleague, f"{path}/resume")
    assert (status, resumed["state"], resumed["suspendedByCentre"]) == (200, "active", False)
    for who in (owner, owner):
        assert (await post(client, who, f"{path}/suspend"))[1]["suspendedByCentre"] is False
        assert (await post(client, who, f"{path}/resume"))[0] == 200


@pytest.mark.parametrize("noun", STOPPED)
async def test_a_suspension_of_ones_own_is_no_way_around_the_centres(client: AsyncClient, noun: str) -> None:
    partner, owner, url = await make_both()
    centre = await make_official(roles=["administrator"])
    path = f"{url}/{noun}s/{await find_row_id(partner, noun)}"
    assert (await post(client, owner, f"{path}/suspend"))[1]["allowedActions"] == ["resume"]
    seen = (await client.get(path, headers=centre.headers)).json()
    assert (seen["suspendedByCentre"], seen["allowedActions"]) == (False, ["suspend", "resume"])
    assert (await post(client, centre, f"{path}/suspend"))[1]["suspendedByCentre"] is True
    assert (await post(client, centre, f"{path}/suspend"))[0] == 409
    assert (await post(client, owner, f"{path}/resume"))[1]["code"] == "suspended_by_centre"
    assert (await post(client, centre, f"{path}/resume"))[0] == 200


@pytest.mark.parametrize("noun", STOPPED)
async def test_the_centre_and_the_owner_at_once(client: AsyncClient, noun: str) -> None:
    """Whoever comes second had read something else: however they race, the centre's suspension is never undone."""
    partner, owner, url = await make_both()
    centre = await make_official(roles=["administrator"])
    path = f"{url}/{noun}s/{await find_row_id(partner, noun)}"
    assert (await post(client, owner, f"{path}/suspend"))[0] == 200
    headers = {"If-Match": '"2"'}
    stopped, resumed = await asyncio.gather(
        client.post(f"{path}/suspend", headers=centre.headers | headers),
        client.post(f"{path}/resume", headers=owner.headers | headers),
    )
    assert sorted((stopped.status_code, resumed.status_code)) == [200, 412]
    seen = (await client.get(path, headers=centre.headers)).json()
    assert seen["suspendedByCentre"] is (stopped.status_code == 200)


async def test_even_without_the_rule_the_database_keeps_the_centres_suspension(client: AsyncClient) -> None:
    partner, _, url = await make_both()
    centre = await make_official(roles=["administrator"])
    store = partner.store_ids[0]
    assert (await post(client, centre, f"{url}/stores/{store}/suspend"))[0] == 200
    assert not await places_queries.mark_moved("store", store, "active", revision=2, by_centre=False)
    assert not await places_queries.mark_moved("store", store, "active", revision=1, by_centre=True)
    assert await places_queries.mark_moved("store", store, "active", revision=2, by_centre=True)


async def test_a_move_names_the_version_that_was_read(client: AsyncClient) -> None:
    partner, owner, url = await make_both()
    path = f"{url}/stores/{partner.store_ids[0]}"
    seen = await client.get(path, headers=owner.headers)
    assert seen.headers["etag"] == '"1"'
    for tag, status in (
        (None, 428),
        ("*", 428),
        (" * ", 428),
        ('W/"1"', 412),
        ('"2"', 412),
        ('"1"', 200),
        ('"1"', 412),
    ):
        headers = owner.headers | ({"If-Match": tag} if tag else {})
        answer = await client.post(f"{path}/suspend", headers=headers)
        assert answer.status_code == status, tag
    assert (await client.get(path, headers=owner.headers)).headers["etag"] == '"2"'
