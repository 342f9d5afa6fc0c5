"""The audit chain: read by auditors of the centre, and no entry is changed, cut out or moved unnoticed."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from app.kit.clock import uuid7
from app.kit.db.audit import find_broken_entry, write_audit
from app.kit.db.database import execute, fetch_value, transaction
from app.official.moves import AUDIT_CREATE
from tests.support.officials import make_official
from tests.support.partners import make_partner

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from httpx2 import AsyncClient

URL = "/v1/official/audit"
ENTRIES = 6


class Undo(Exception):  # noqa: N818 - takes the tampering back, is no error
    """Raised so that the tampering is rolled back."""


@asynccontextmanager
async def undone() -> AsyncIterator[None]:
    """Run a block in a transaction that is rolled back."""
    with suppress(Undo):
        async with transaction():
            yield
            raise Undo


async def write_entries(subject: str) -> int:
    """Write some entries and return the number of the first."""
    for index in range(ENTRIES):
        async with transaction():
            await write_audit(None, action=AUDIT_CREATE, subject=subject, detail={"index": index, "名": "文"})
    return int(await fetch_value("SELECT min(number) FROM audit_entry WHERE subject = $1", subject))


TAMPERING = {
    "time moved": "UPDATE audit_entry SET at = at + interval '1 microsecond' WHERE number = $1 + 2",
    "actor put in": "UPDATE audit_entry SET actor_id = gen_random_uuid() WHERE number = $1 + 2",
    "actor renamed": "UPDATE audit_entry SET actor = actor || '.' WHERE number = $1 + 2",
    "action changed": "UPDATE audit_entry SET action = 'test.other' WHERE number = $1 + 2",
    "subject changed": "UPDATE audit_entry SET subject = 'test:other' WHERE number = $1 + 2",
    "detail changed": "UPDATE audit_entry SET detail = detail || '{\"index\": 7}' WHERE number = $1 + 2",
    "detail emptied": "UPDATE audit_entry SET detail = '{}' WHERE number = $1 + 2",
    "hash flipped": "UPDATE audit_entry SET hash = set_byte(hash, 0, get_byte(hash, 0) # 1) WHERE number = $1 + 2",
    "link flipped": "UPDATE audit_entry SET previous_hash = set_byte(previous_hash, 31,"
    " get_byte(previous_hash, 31) # 128) WHERE number = $1 + 2",
    "cut out": "DELETE FROM audit_entry WHERE number = $1 + 2",
    "cut out and closed": "WITH cut AS (DELETE FROM audit_entry WHERE number = $1 + 2)"
    " UPDATE audit_entry SET number = number + 1000000 WHERE number = $1 + 3",
    "moved to the end": "UPDATE audit_entry SET number = (SELECT max(number) + 1 FROM audit_entry)"
    " WHERE number = $1 + 2",
}


@pytest.mark.parametrize("name", TAMPERING)
async def test_tampering_is_found_where_it_was_done(app: object, name: str) -> None:
    assert app is not None
    first = await write_entries(f"test:{uuid7()}")
    assert await find_broken_entry() is None
    async with undone():
        await execute(TAMPERING[name], first)
        assert await find_broken_entry() == first + 2
    assert await find_broken_entry() is None


async def test_two_entries_exchanged_are_found(app: object) -> None:
    assert app is not None
    first = await write_entries(f"test:{uuid7()}")
    async with undone():
        for sql in (
            "UPDATE audit_entry SET number = number + 1000000 WHERE number = $1 + 2",
            "UPDATE audit_entry SET number = number - 1 WHERE number = $1 + 3",
            "UPDATE audit_entry SET number = $1 + 3 WHERE number = $1 + 1000002",
        ):
            await execute(sql, first)
        assert await find_broken_entry() == first + 2


async def test_an_entry_copied_in_is_found(app: object) -> None:
    assert app is not None
    first = await write_entries(f"test:{uuid7()}")
    async with undone():
        await execute(
            "INSERT INTO audit_entry SELECT (SELECT max(number) + 1 FROM audit_entry), at, actor_id, actor, action,"
            " subject, detail, previous_hash, hash || '\\x00'::bytea FROM audit_entry WHERE number = $1",
            first,
        )
        assert await find_broken_entry() == await fetch_value("SELECT max(number) FROM audit_entry")


HIDING = {
    "nothing else": (),
    "the head set back": ("UPDATE audit_head SET number = last.number, hash = last.hash FROM ({last}) last",),
    "the head of a chain without entries": ("UPDATE audit_head SET number = 0",),
    "the head deleted": ("DELETE FROM audit_head",),
}


@pytest.mark.parametrize("hiding", HIDING)
@pytest.mark.parametrize("count", [1, 2, ENTRIES])
async def test_a_tail_cut_off_is_found(app: object, hiding: str, count: int) -> None:
    assert app is not None
    end = await write_entries(f"test:{uuid7()}") + ENTRIES
    last = "SELECT number, hash FROM audit_entry ORDER BY number DESC LIMIT 1"
    async with undone():
        await execute("DELETE FROM audit_entry WHERE number >= $1", end - count)
        for sql in HIDING[hiding]:
            await execute(sql.format(last=last))
        assert await find_broken_entry() == end - count
    assert await find_broken_entry() is None


@pytest.mark.parametrize("hiding", HIDING)
async def test_an_emptied_table_is_found(app: object, hiding: str) -> None:
    assert app is not None
    await write_entries(f"test:{uuid7()}")
    async with undone():
        await execute("DELETE FROM audit_entry")
        for sql in HIDING[hiding]:
            await execute(sql.format(last="SELECT 0 AS number, '\\x00'::bytea AS hash"))
        assert await find_broken_entry() == 1


async def test_what_is_written_after_the_cut_does_not_heal_it(app: object) -> None:
    """The chain goes on from its head, true or false, and never from what happens to be left."""
    assert app is not None
    end = await write_entries(f"test:{uuid7()}") + ENTRIES
    last = "SELECT number, hash FROM audit_entry ORDER BY number DESC LIMIT 1"
    for set_back in (False, True):
        async with undone():
            await execute("DELETE FROM audit_entry WHERE number >= $1", end - 2)
            if set_back:
                await execute(f"UPDATE audit_head SET number = last.number, hash = last.hash FROM ({last}) last")
            await write_audit(None, action=AUDIT_CREATE, subject="test:after", detail={})
            assert await find_broken_entry() == (end - 1 if set_back else end - 2)


@pytest.mark.parametrize("column", ["hash", "mac"])
async def test_a_head_that_was_flipped_is_found(app: object, column: str) -> None:
    assert app is not None
    end = await write_entries(f"test:{uuid7()}") + ENTRIES
    async with undone():
        await execute(f"UPDATE audit_head SET {column} = set_byte({column}, 0, get_byte({column}, 0) # 1)")
        assert await find_broken_entry() == end


async def test_without_a_head_nothing_official_is_written(app: object) -> None:
    assert app is not None
    async with undone():
        await execute("DELETE FROM audit_head")
        with pytest.raises(AssertionError):
            await write_audit(None, action=AUDIT_CREATE, subject="test:after", detail={})


async def test_parallel_actions_stand_in_one_chain(client: AsyncClient) -> None:
    """Whoever acts at once is written one after another; an action that is undone leaves no gap."""
    partner, centre = await make_partner(stores=6), await make_official(roles=["administrator"])
    base = f"/v1/official/institutions/{partner.institution_id}/stores"
    paths = [f"{base}/{store_id}/suspend" for store_id in partner.store_ids] * 2
    headers = centre.headers | {"If-Match": '"1"'}
    answers = await asyncio.gather(*(client.post(path, headers=headers) for path in paths))
    assert sorted(answer.status_code for answer in answers) == [200] * 6 + [412] * 6
    written = "SELECT count(*) FROM audit_entry WHERE actor_id = $1 AND action = 'store.suspend'"
    assert await fetch_value(written, centre.id) == 6
    assert await find_broken_entry() is None


async def test_an_auditor_reads_the_newest_first(client: AsyncClient) -> None:
    auditor, subject = await make_official(roles=["auditor"]), f"test:{uuid7()}"
    first = await write_entries(subject)
    page = (await client.get(URL, headers=auditor.headers, params={"limit": 4})).json()
    assert [row["number"] for row in page["data"]] == [first + 5, first + 4, first + 3, first + 2]
    entry = page["data"][0]
    assert entry["detail"] == {"index": 5, "名": "文"}
    assert (entry["actor"], entry["actorId"], entry["action"]) == ("command line", None, AUDIT_CREATE)
    assert entry["subject"] == subject
    assert len(entry["hash"]) == 64
    await write_entries(subject)  # newer entries do not move the next page
    query = {"limit": "2", "cursor": page["page"]["nextCursor"]}
    following = (await client.get(URL, headers=auditor.headers, params=query)).json()
    assert [row["number"] for row in following["data"]] == [first + 1, first]


async def test_others_do_not_read_it(client: AsyncClient) -> None:
    partner = await make_partner()
    others = [await make_official(roles=["administrator", "editor", "reviewer", "caseworker", "importer"])]
    others.append(await make_official(roles=["auditor"], institution_id=partner.institution_id))
    for official in others:
        assert (await client.get(URL, headers=official.headers)).status_code == 403
    assert (await client.get(URL, headers=partner.headers)).status_code == 401
    assert (await client.get(URL)).status_code == 401


@pytest.mark.parametrize("cursor", ["x", "MA", "LTE", "OTk5OTk5OTk5OTk5OTk5OTk5OTk", "IjEi", "bnVsbA", "MS41"])
async def test_a_stale_cursor_is_refused(client: AsyncClient, cursor: str) -> None:
    auditor = await make_official(roles=["auditor"])
    answer = await client.get(URL, headers=auditor.headers, params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")
