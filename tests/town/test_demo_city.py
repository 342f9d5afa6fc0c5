"""A small city on the real database: its people are scored, its campaigns reviewed, and its credentials work."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Any

import msgspec
import pyotp
import pytest

from app.campaign.catalogue.actions import catalogue
from app.kit.clock import now, uuid7
from app.kit.db.audit import find_broken_entry
from app.kit.db.cache import bump, refresh_all
from app.kit.db.database import copy_encoded, execute, fetch_all, fetch_value, transaction
from app.partner.actions.caller import directory
from app.record.catalogue import CATALOGUE
from app.score.book.standard import STANDARD_BOOK
from app.score.current.actions.rescore import rescore
from app.town.city.actions import make as make_actions
from app.town.people.copy import pack_bytes, pack_count, pack_rows, pack_text, pack_timestamp
from app.town.shown import City
from tests.support.pages import walk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path
    from uuid import UUID

    from httpx2 import AsyncClient

CITIZENS, SEED = 200, 7
MICROSECONDS = 825_638_400_123_000  # from 2000 to 2026-03-01
# The people of this seed who live here, by the area code of their ID numbers.
MINE = "(SELECT id FROM citizen WHERE district BETWEEN '990700' AND '990799')"


class Found(msgspec.Struct, frozen=True):
    """One value of a row."""

    value: Any


@pytest.fixture(scope="module")
async def city(app: object) -> AsyncIterator[City]:
    """Make the city; afterwards its campaigns end, so that other tests find only what they publish."""
    assert app is not None
    made = await make_actions.make_city(citizens=CITIZENS, seed=SEED)
    await refresh_all([directory, catalogue])
    yield made
    async with transaction():
        await execute(
            "UPDATE campaign SET state = 'ended' WHERE id IN (SELECT campaign_id FROM benefit WHERE id = ANY($1))",
            [benefit.id for benefit in made.benefits],
        )
        await bump("catalogue")
    await refresh_all([directory, catalogue])


async def values(sql: str, *arguments: object) -> list[Any]:
    return [row.value for row in await fetch_all(Found, sql, *arguments)]


async def test_everybody_has_a_score_and_every_level_and_honour_is_there(city: City) -> None:
    assert len(city.citizens) == make_actions.CITIZENS_SHOWN
    assert len(await values(f"SELECT citizen_id AS value FROM score_snapshot WHERE citizen_id IN {MINE}")) == CITIZENS
    levels = await values(f"SELECT DISTINCT level AS value FROM score_snapshot WHERE citizen_id IN {MINE}")
    assert set(levels) == {level.code for level in STANDARD_BOOK.levels}
    held = f"""
        SELECT DISTINCT h ->> 'code' AS value FROM score_snapshot, jsonb_array_elements(honours) h
         WHERE citizen_id IN {MINE}
        """
    assert set(await values(held)) == set(CATALOGUE.honours)


async def test_the_scores_are_the_engines(city: City) -> None:
    assert city.citizens
    ids: list[UUID] = await values(f"SELECT id AS value FROM citizen WHERE id IN {MINE}")
    async with transaction():
        assert await rescore(ids, at=now()) == []
        await execute("DELETE FROM score_snapshot WHERE citizen_id = $1", ids[0])
        assert len(await rescore(ids, at=now())) == 1


async def test_people_are_members_like_any_other(city: City) -> None:
    assert city.citizens
    accounts = await values(f"SELECT account_number AS value FROM citizen WHERE id IN {MINE}")
    assert len(set(accounts)) == CITIZENS
    required = await fetch_value("SELECT count(DISTINCT purpose) FROM consent_text WHERE is_required")
    given = f"""
        SELECT count(*) AS value FROM consent JOIN consent_text t USING (purpose, version)
         WHERE t.is_required AND citizen_id IN {MINE}
        """
    assert await values(given) == [CITIZENS * required]
    without = f"""
        SELECT r.id AS value FROM record r LEFT JOIN record_source_event e ON e.record_id = r.id
         WHERE r.citizen_id IN {MINE} AND e.citizen_id IS DISTINCT FROM r.citizen_id
        """
    assert await values(without) == []


async def test_making_it_again_makes_nobody_twice(city: City) -> None:
    before = await fetch_value("SELECT count(*) FROM citizen"), await fetch_value("SELECT count(*) FROM campaign")
    again = await make_actions.make_city(citizens=CITIZENS, seed=SEED)
    after = await fetch_value("SELECT count(*) FROM citizen"), await fetch_value("SELECT count(*) FROM campaign")
    assert before == after
    assert again.benefits == city.benefits
    assert again.citizens == city.citizens
    assert [p.terminal_id for p in again.partners] == [p.terminal_id for p in city.partners]
    assert {p.api_key for p in again.partners}.isdisjoint({p.api_key for p in city.partners})


async def test_a_file_of_another_city_is_recognised(city: City) -> None:
    assert await make_actions.is_here(city)
    elsewhere = msgspec.structs.replace(city.partners[0], terminal_id=uuid7())
    assert not await make_actions.is_here(msgspec.structs.replace(city, partners=[elsewhere, *city.partners[1:]]))


async def test_every_campaign_was_approved_by_somebody_else(city: City) -> None:
    made = """
        SELECT v.state || ' ' || c.state AS value
          FROM benefit b
          JOIN campaign c ON c.id = b.campaign_id
          JOIN campaign_version v ON v.campaign_id = c.id
         WHERE b.id = ANY($1)
        """
    assert await values(made, [benefit.id for benefit in city.benefits]) == ["approved live"] * len(city.benefits)
    own = "SELECT campaign_id AS value FROM campaign_version WHERE decided_by IN (drafted_by, submitted_by)"
    assert await values(own) == []
    assert await find_broken_entry() is None


async def test_the_file_lets_everybody_in(city: City, client: AsyncClient) -> None:
    benefits = {benefit.institution: benefit for benefit in city.benefits}
    assert {benefit.institution for benefit in city.benefits} <= {partner.institution for partner in city.partners}
    for citizen in city.citizens[:5]:
        token = await log_in(client, citizen.wechat_code)
        mine = await walk(client, "/v1/me/benefits", token, eligible="true", limit=100)
        assert {row["id"] for row in mine} & {str(benefit.id) for benefit in city.benefits}
    for partner in city.partners:
        headers = {"Authorization": f"Bearer {partner.api_key}"}
        me = (await client.get("/v1/partner/me", headers=headers)).json()
        assert (me["institution"]["name"], me["institution"]["kind"]) == (partner.institution, partner.kind)
        assert sorted(me["scopes"]) == ["read", "redeem", "scan"]
    library = next(partner for partner in city.partners if partner.kind == "library")
    code = (await client.post("/v1/me/codes", headers=token, json={"count": 1})).json()["codes"][0]["text"]
    scanned = await client.post(
        "/v1/partner/scans",
        headers={"Authorization": f"Bearer {library.api_key}"},
        json={"code": code, "terminalId": str(library.terminal_id)},
    )
    assert [row["id"] for row in scanned.json()["benefits"]] == [str(benefits[library.institution].id)]


async def test_officials_sign_in_and_are_of_the_roles_the_file_names(city: City, client: AsyncClient) -> None:
    roles = {role for official in city.officials for role in official.roles}
    assert roles == {"administrator", "editor", "reviewer", "importer", "auditor"}
    renewed = await make_actions.make_tour_officials()
    for made in renewed.values():
        body = {"username": made.post.username, "password": made.password, "totp": pyotp.TOTP(made.totp_secret).now()}
        answer = await client.post("/v1/official/login", json=body)
        assert answer.status_code == 200, answer.text
        assert set(answer.json()["official"]["roles"]) == set(made.post.roles)


async def test_the_file_is_its_owners_alone_and_says_what_it_should(city: City, tmp_path: Path) -> None:
    path = tmp_path / "demo.json"
    assert make_actions.read_city(path) is None
    make_actions.write_city(city, path, base_url="http://127.0.0.1:8000")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    written = msgspec.json.decode(path.read_bytes())
    assert written.pop("baseUrl") == "http://127.0.0.1:8000"
    assert {name: set(rows[0]) for name, rows in written.items()} == {
        "citizens": {"wechatCode", "note"},
        "partners": {"institution", "kind", "apiKey", "storeId", "terminalId"},
        "officials": {"username", "password", "totpSecret", "roles", "institution"},
        "benefits": {"id", "code", "institution", "title"},
    }
    assert make_actions.read_city(path) == city


async def test_copied_rows_are_stored_all_or_none(app: object) -> None:
    assert app is not None
    first, second = uuid7(), uuid7()
    with pytest.raises(Exception, match="institution_name_key"):
        await copy_institutions({first: "同名", second: "同名"})
    assert await fetch_value("SELECT count(*) FROM institution WHERE id = ANY($1)", [first, second]) == 0
    await copy_institutions({first: f"机构{first}"[:40]})
    found = await fetch_value("SELECT (name, kind, created_at)::text FROM institution WHERE id = $1", first)
    assert found == f'({f"机构{first}"[:40]},bank,"2026-03-01 00:00:00.123+00")'


async def copy_institutions(names: dict[UUID, str]) -> None:
    columns = ("id", "name", "kind", "state", "created_at")
    at = pack_timestamp(MICROSECONDS)
    rows = [
        b"".join((pack_count(len(columns)), pack_bytes(id_.bytes), *map(pack_text, (name, "bank", "active")), at))
        for id_, name in names.items()
    ]
    await copy_encoded("institution", columns, pack_rows(rows))


async def log_in(client: AsyncClient, code: str) -> dict[str, str]:
    answer = (await client.post("/v1/auth/wechat", json={"code": code})).json()
    assert answer["citizen"]["state"] == "active"
    return {"Authorization": f"Bearer {answer['accessToken']}"}
