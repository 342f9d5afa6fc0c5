"""Officials say what points become, give secrets with an overlap, and keys that report only to owners of a source."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from app.kit.clock import now
from app.kit.db.database import execute, fetch_value
from tests.support.citizens import join
from tests.support.importing import score_of
from tests.support.objecting import register_source
from tests.support.officials import OfficialLogin, make_official
from tests.support.partners import bearer, make_key, make_partner
from tests.support.pointing import EVENTS_PATH, CityApp, event_of, make_app, report, sign

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response

HOUR = {"indicator": "POS_PATROL", "numerator": 1, "denominator": 60, "yearlyCap": 3000}


async def centre() -> OfficialLogin:
    return await make_official(roles=["administrator"])


async def rotate(client: AsyncClient, who: OfficialLogin, source: str, overlap_seconds: int = 0) -> Response:
    return await client.post(
        f"/v1/official/sources/{source}/secret", json={"overlapSeconds": overlap_seconds}, headers=who.headers
    )


async def put(client: AsyncClient, who: OfficialLogin, source: str, kind: str, rule: dict[str, Any]) -> Response:
    body = rule | {"kind": kind}
    return await client.post(f"/v1/official/sources/{source}/point-rules", json=body, headers=who.headers)


async def test_secrets_rotate_with_an_overlap(client: AsyncClient) -> None:
    app, person = await make_app(), await join(client)
    mine = await make_official(roles=["administrator"], institution_id=app.partner.institution_id)
    made = await rotate(client, mine, app.source, 600)
    assert made.status_code == 201
    assert made.json()["source"] == app.source
    fresh = CityApp(app.partner, app.source, made.json()["secret"])
    for one in (app, fresh):
        assert (await report(client, one, event_of(person))).status_code == 202
    newest = CityApp(app.partner, app.source, (await rotate(client, mine, app.source, 600)).json()["secret"])
    assert (await report(client, app, event_of(person))).status_code == 400, "only the last one overlaps"
    for one in (fresh, newest):
        assert (await report(client, one, event_of(person))).status_code == 202
    passed = now() - timedelta(seconds=1)
    await execute(
        "UPDATE source_secret SET expires_at = $2 WHERE source = $1 AND expires_at > now()", app.source, passed
    )
    assert (await report(client, fresh, event_of(person))).status_code == 400
    assert (await report(client, newest, event_of(person))).status_code == 202
    rows = str(await fetch_value("SELECT string_agg(s::text, ' ') FROM source_secret s WHERE source = $1", app.source))
    assert newest.secret.encode().hex() not in rows
    entry = "SELECT detail::text FROM audit_entry WHERE subject = $1 ORDER BY number DESC LIMIT 1"
    detail = msgspec.json.decode(str(await fetch_value(entry, f"source:{app.source}")))
    assert set(detail) == {"secretId", "overlapSeconds"}


async def test_both_signatures_may_be_sent_while_they_overlap(client: AsyncClient) -> None:
    app, person = await make_app(), await join(client)
    body = msgspec.json.encode(event_of(person))
    mine, foreign = sign(app.secret, body), (await make_app()).secret
    both = f"{sign(foreign, body)['webhook-signature']} {mine['webhook-signature']}"
    headers = app.partner.headers | mine | {"webhook-signature": both, "Content-Type": "application/json"}
    assert (await client.post(EVENTS_PATH, content=body, headers=headers)).status_code == 202


async def test_an_institution_with_two_sources_reports_for_the_one_that_signs(client: AsyncClient) -> None:
    app, person = await make_app(), await join(client)
    second = f"app-{secrets.token_hex(6)}"
    await register_source(second, app.partner.institution_id)
    official = await centre()
    assert (await put(client, official, second, "patrol", HOUR)).status_code == 200
    other = CityApp(app.partner, second, (await rotate(client, official, second)).json()["secret"])
    assert (await report(client, other, event_of(person, kind="patrol", amount=60))).status_code == 202
    assert await fetch_value("SELECT source FROM record WHERE citizen_id = $1 AND quantity = 1", person.id) == second


async def test_a_rule_is_fixed_once_it_has_counted(client: AsyncClient) -> None:
    app, person, official = await make_app(rules=False), await join(client), await centre()
    first = await put(client, official, app.source, "patrol", HOUR)
    assert (first.status_code, first.json()["yearlyCap"]) == (200, 3000)
    halved = HOUR | {"denominator": 30}
    assert (await put(client, official, app.source, "patrol", halved)).json()["denominator"] == 30
    assert (await put(client, official, app.source, "patrol", halved)).status_code == 200
    before = await score_of(person)
    assert (await report(client, app, event_of(person, kind="patrol", amount=300))).status_code == 202
    assert await score_of(person) == before + 4  # ten hours
    fixed = await put(client, official, app.source, "patrol", HOUR)
    assert (fixed.status_code, fixed.json()["code"]) == (409, "point_rule_in_use")
    assert (await put(client, official, app.source, "patrol", halved)).status_code == 200
    listed = await client.get(f"/v1/official/sources/{app.source}/point-rules", headers=official.headers)
    assert [(one["kind"], one["denominator"]) for one in listed.json()["data"]] == [("patrol", 30)]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"indicator": "POS_RESCUE"}, "/indicator"),
        ({"indicator": "PETITION"}, "/indicator"),
        ({"indicator": "POS_CLUE", "denominator": 1}, "/yearlyCap"),
        ({"yearlyCap": 59}, "/yearlyCap"),
    ],
)
async def test_points_become_only_what_they_may(client: AsyncClient, changes: dict[str, Any], pointer: str) -> None:
    app, official = await make_app(rules=False), await centre()
    answer = await put(client, official, app.source, "x1", HOUR | changes)
    assert (answer.status_code, answer.json()["code"]) == (422, "point_rule_invalid")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_a_source_that_may_no_longer_report_makes_nothing(client: AsyncClient) -> None:
    app, person, official = await make_app(), await join(client), await centre()
    await execute("UPDATE source SET indicators = '{POS_CLUE}' WHERE code = $1", app.source)
    assert (await report(client, app, event_of(person))).json()["errors"][0]["code"] == "kind_unknown"
    assert (await report(client, app, event_of(person, kind="clue", amount=5))).status_code == 202
    assert (await put(client, official, app.source, "hours", HOUR)).json()["errors"][0]["pointer"] == "/indicator"


async def test_rules_are_the_centres_and_secrets_the_owners(client: AsyncClient) -> None:
    app, other = await make_app(rules=False), await make_partner()
    mine = await make_official(roles=["administrator"], institution_id=app.partner.institution_id)
    stranger = await make_official(roles=["administrator"], institution_id=other.institution_id)
    assert (await put(client, mine, app.source, "patrol", HOUR)).status_code == 403
    path = f"/v1/official/sources/{app.source}/point-rules"
    assert (await client.get(path, headers=mine.headers)).status_code == 200
    for answer in (
        await put(client, stranger, app.source, "patrol", HOUR),
        await rotate(client, stranger, app.source),
        await client.get(path, headers=stranger.headers),
        await rotate(client, mine, "no-such-source"),
    ):
        assert answer.status_code == 404


async def test_a_key_that_reports_needs_a_source(client: AsyncClient) -> None:
    partner, official = await make_partner(), await centre()
    path = f"/v1/official/institutions/{partner.institution_id}/keys"
    body = {"name": "上报", "scopes": ["report"], "expiresAt": (now() + timedelta(days=1)).isoformat()}
    refused = await client.post(path, json=body, headers=official.headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "scope_ungrantable")
    await register_source(f"app-{secrets.token_hex(6)}", partner.institution_id)
    made = await client.post(path, json=body, headers=official.headers)
    assert (made.status_code, made.json()["scopes"]) == (201, ["report"])


async def test_other_keys_report_nothing(client: AsyncClient) -> None:
    app, person = await make_app(), await join(client)
    key = bearer(await make_key(app.partner.institution_id, scopes=["scan", "redeem", "read"]))
    answer = await report(client, app, event_of(person), Authorization=key["Authorization"])
    assert answer.status_code == 403
