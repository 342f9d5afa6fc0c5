"""The feed: gap-free per institution whatever commits late, thin, and nobody else's."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from app.event import actions as event_actions
from app.event.actions import ensure_epoch, insert_events
from app.event.feed import FEED_START, FeedCursor, NewEvent
from app.kit.clock import now, uuid7
from app.kit.db.database import execute, fetch_value, transaction
from app.kit.web.paging import decode_cursor, encode_cursor
from app.redemption.till.redeeming import REVERSED
from tests.support.partners import bearer, make_key, make_partner
from tests.support.redeeming import make_benefit, make_shopper, redeem, reverse, show_code
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from httpx2 import AsyncClient

SECONDS_MAX = 120


async def write(institution_id: UUID, *subjects: UUID, **facts: Any) -> None:
    async with transaction():
        await insert_events(
            [
                NewEvent(type=REVERSED, subject_id=subject, at=now(), institution_id=institution_id, **facts)
                for subject in subjects
            ]
        )


async def read(client: AsyncClient, headers: dict[str, str], **query: Any) -> dict[str, Any]:
    answer = await client.get("/v1/partner/events", headers=headers, params=query)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def read_until(client: AsyncClient, headers: dict[str, str], count: int, *, limit: int = 100) -> list[UUID]:
    """Poll as a partner would; other databases of the server may hold the feed back for a moment."""
    seen: list[UUID] = []
    cursor = encode_cursor(FEED_START)

    async def has_seen_all() -> bool:
        nonlocal cursor
        body = await read(client, headers, cursor=cursor, limit=limit)
        assert len(body["data"]) <= limit
        seen.extend(UUID(item["subject"]) for item in body["data"])
        cursor = body["page"]["nextCursor"]
        return len(seen) >= count

    await wait_until(has_seen_all, SECONDS_MAX)
    return seen


async def test_an_event_committed_late_is_not_skipped(client: AsyncClient) -> None:
    """A slow transaction wrote first and commits last: until then the feed shows nothing after it."""
    partner = await make_partner()
    early, slow, fast = uuid7(), uuid7(), uuid7()
    await write(partner.institution_id, early)
    assert await read_until(client, partner.headers, 1) == [early]
    has_written, may_commit = asyncio.Event(), asyncio.Event()

    async def write_slowly() -> None:
        async with transaction():
            await insert_events(
                [NewEvent(type=REVERSED, subject_id=slow, at=now(), institution_id=partner.institution_id)]
            )
            has_written.set()
            await may_commit.wait()

    task = asyncio.create_task(write_slowly())
    await has_written.wait()
    await write(partner.institution_id, fast)
    before = await read(client, partner.headers)
    assert [item["subject"] for item in before["data"]] == [str(early)]
    may_commit.set()
    await task
    assert await read_until(client, partner.headers, 3) == [early, slow, fast]
    cursor = before["page"]["nextCursor"]
    after = await read(client, partner.headers, cursor=cursor)
    assert [item["subject"] for item in after["data"]] == [str(slow), str(fast)]


async def test_pollers_see_every_event_once_while_writers_race(client: AsyncClient) -> None:
    partner = await make_partner()
    subjects = [uuid7() for _ in range(40)]
    done = [asyncio.Event() for _ in range(5)]
    done[4].set()

    async def write_some(index: int) -> None:
        """Write at once, and commit when the one behind has committed: the last one first."""
        async with transaction():
            await insert_events(
                [
                    NewEvent(type=REVERSED, subject_id=subject, at=now(), institution_id=partner.institution_id)
                    for subject in subjects[index::4]
                ]
            )
            await done[index + 1].wait()
        done[index].set()

    reading = asyncio.create_task(read_until(client, partner.headers, 40, limit=3))
    await asyncio.gather(*map(write_some, range(4)))
    seen = await reading
    assert len(seen) == 40
    assert set(seen) == set(subjects)


async def test_a_transaction_rolled_back_leaves_no_event(client: AsyncClient) -> None:
    partner = await make_partner()
    stored = uuid7()
    with suppress(RuntimeError):
        async with transaction():
            await insert_events(
                [NewEvent(type=REVERSED, subject_id=uuid7(), at=now(), institution_id=partner.institution_id)]
            )
            raise RuntimeError
    await write(partner.institution_id, stored)
    assert await read_until(client, partner.headers, 1) == [stored]


async def test_pages_go_on_and_the_cursor_is_always_given(client: AsyncClient) -> None:
    partner = await make_partner()
    nothing = await read(client, partner.headers)
    assert nothing["data"] == []
    assert nothing["page"]["hasMore"] is False
    subjects = [uuid7() for _ in range(5)]
    await write(partner.institution_id, *subjects)
    assert await read_until(client, partner.headers, 5) == subjects  # one statement keeps the order it was given
    first = await read(client, partner.headers, cursor=nothing["page"]["nextCursor"], limit=2)
    second = await read(client, partner.headers, cursor=first["page"]["nextCursor"], limit=2)
    third = await read(client, partner.headers, cursor=second["page"]["nextCursor"], limit=2)
    last = await read(client, partner.headers, cursor=third["page"]["nextCursor"], limit=2)
    pages = [first, second, third, last]
    assert [page["page"]["hasMore"] for page in pages] == [True, True, False, False]
    assert [UUID(item["subject"]) for page in pages for item in page["data"]] == subjects
    assert last["page"]["nextCursor"] == third["page"]["nextCursor"]


async def test_items_are_thin_cloud_events_of_the_caller_alone(client: AsyncClient) -> None:
    partner, other, citizen_id, subject = await make_partner(), await make_partner(), uuid7(), uuid7()
    await write(other.institution_id, uuid7())
    await write(partner.institution_id, subject, citizen_id=citizen_id, data={"state": "redeemed"})
    assert await read_until(client, partner.headers, 1) == [subject]
    body = await read(client, partner.headers)
    (item,) = body["data"]
    assert set(item) == {"specversion", "id", "type", "source", "time", "subject", "data"}
    assert (item["specversion"], item["type"], item["data"]) == ("1.0", REVERSED, {"state": "redeemed"})
    assert str(citizen_id) not in str(body)


async def test_reading_needs_the_read_scope(client: AsyncClient) -> None:
    partner = await make_partner(scopes=("scan", "redeem"))
    answer = await client.get("/v1/partner/events", headers=partner.headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    reader = bearer(await make_key(partner.institution_id, scopes=("read",)))
    assert (await client.get("/v1/partner/events", headers=reader)).status_code == 200


@pytest.mark.parametrize(
    "cursor",
    ["x", "bm90IGpzb24", "W10", "WzEsMl0", "é", encode_cursor([1, 2, "no id"]), encode_cursor([-1, 0, UUID(int=0)]),
     encode_cursor([0, 2**63, UUID(int=0)]), encode_cursor([2**15, 0, UUID(int=0)]), encode_cursor({"epoch": 1}),
     encode_cursor([1, 2, UUID(int=0), 4]), "a" * 501],
)  # fmt: skip
async def test_a_cursor_of_another_list_is_refused(client: AsyncClient, cursor: str) -> None:
    partner = await make_partner()
    answer = await client.get("/v1/partner/events", headers=partner.headers, params={"cursor": cursor})
    assert answer.status_code == 400, answer.text
    assert answer.json()["code"] in {"invalid_cursor", "invalid_request"}


@pytest.mark.parametrize(("limit", "status"), [(0, 400), (1, 200), (100, 200), (101, 400), ("x", 400)])
async def test_limit_has_edges(client: AsyncClient, limit: int | str, status: int) -> None:
    partner = await make_partner()
    answer = await client.get("/v1/partner/events", headers=partner.headers, params={"limit": limit})
    assert answer.status_code == status


async def test_a_restore_into_another_cluster_begins_an_epoch_and_loses_nothing(client: AsyncClient) -> None:
    """The events of the old life have larger transaction ids than this cluster will reach for years."""
    partner, old, new = await make_partner(), uuid7(), uuid7()
    before = await fetch_value("SELECT max(epoch) FROM event_epoch")
    await ensure_epoch()
    assert await fetch_value("SELECT max(epoch) FROM event_epoch") == before
    await execute("INSERT INTO event_epoch (system_identifier) VALUES (42)")  # as if written by the old cluster
    await execute(
        "INSERT INTO event (id, epoch, xid, at, type, institution_id, subject_id, data)"
        " VALUES ($1, (SELECT max(epoch) FROM event_epoch), '8000000000000', now(), $4, $2, $3, '{}')",
        uuid7(), partner.institution_id, old, REVERSED,
    )  # fmt: skip
    hidden = await read(client, partner.headers)
    assert hidden["data"] == []  # in its own epoch that id lies ahead
    await asyncio.gather(*(ensure_epoch() for _ in range(4)))
    assert await fetch_value("SELECT max(epoch) FROM event_epoch") == before + 2
    await write(partner.institution_id, new)
    assert await read_until(client, partner.headers, 2) == [old, new]


async def test_no_epoch_ends_when_processes_start_together(app: object) -> None:
    assert app is not None
    before = await fetch_value("SELECT count(*) FROM event_epoch")
    await asyncio.gather(*(ensure_epoch() for _ in range(8)))
    assert await fetch_value("SELECT count(*) FROM event_epoch") == before


async def test_an_event_outside_a_transaction_is_a_bug(app: object) -> None:
    assert app is not None
    with pytest.raises(AssertionError):
        await insert_events([NewEvent(type=REVERSED, subject_id=uuid7(), at=now())])


def test_a_cursor_survives_its_journey() -> None:
    cursor = FeedCursor(3, 2**63 - 1, uuid7())
    assert decode_cursor(encode_cursor(cursor), FeedCursor) == cursor


async def read_all(client: AsyncClient, headers: dict[str, str], count: int, **query: Any) -> list[dict[str, Any]]:
    """Poll page after page until there are ``count`` events and no more to come."""
    items: list[dict[str, Any]] = []
    cursor = encode_cursor(FEED_START)

    async def has_read_all() -> bool:
        nonlocal cursor
        body = await read(client, headers, cursor=cursor, **query)
        items.extend(body["data"])
        cursor = body["page"]["nextCursor"]
        return not body["page"]["hasMore"] and len(items) >= count

    await wait_until(has_read_all, SECONDS_MAX)  # other databases of the server may hold the feed back for a moment
    return items


async def test_a_key_of_some_stores_reads_their_events_alone(client: AsyncClient) -> None:
    partner = await make_partner(stores=3)
    mine, other, third = partner.store_ids
    bound = bearer(await make_key(partner.institution_id, store_ids=[mine, third]))
    benefit_id = await make_benefit(partner)
    codes = [show_code(await make_shopper()) for _ in range(3)]
    receipts = [
        await redeem(client, partner, benefit_id, code=code, terminal=terminal) for terminal, code in enumerate(codes)
    ]
    at_mine, at_other, at_third = [receipt.json()["id"] for receipt in receipts]
    assert (await reverse(client, partner, at_other)).status_code == 200
    assert (await reverse(client, partner, at_mine)).status_code == 200
    await write(partner.institution_id, uuid7())  # of the institution as a whole

    everything = await read_all(client, partner.headers, 6)
    theirs = await read_all(client, bound, 3)
    assert [item["subject"] for item in theirs] == [at_mine, at_third, at_mine]
    assert str(other) not in str(theirs)
    assert {item["id"] for item in theirs} < {item["id"] for item in everything}


@pytest.mark.parametrize("limit", [1, 2, 100])
async def test_a_key_of_some_stores_looks_over_the_others_without_a_gap(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    """Whole windows may hold nothing of its stores: the cursor goes on all the same, and nothing is skipped."""
    monkeypatch.setattr(event_actions, "STORE_WINDOW", 4)
    partner = await make_partner(stores=2)
    mine, other = map(str, partner.store_ids)
    bound = bearer(await make_key(partner.institution_id, store_ids=[partner.store_ids[0]]))
    pattern = [other] * 9 + [mine, mine, other, mine] + [other] * 4 + [mine] + [other] * 3
    subjects = [uuid7() for _ in pattern]
    for subject, store_id in zip(subjects, pattern, strict=True):
        await write(partner.institution_id, subject, data={"storeId": store_id})
    wanted = [str(subject) for subject, store_id in zip(subjects, pattern, strict=True) if store_id == mine]
    assert await read_until(client, partner.headers, len(subjects)) == subjects

    items = await read_all(client, bound, len(wanted), limit=limit)
    assert [item["subject"] for item in items] == wanted
    assert [item["data"] for item in items] == [{"storeId": mine}] * len(wanted)


async def test_a_page_of_some_stores_may_be_empty_and_yet_more_to_come(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_actions, "STORE_WINDOW", 2)
    partner = await make_partner(stores=2)
    bound = bearer(await make_key(partner.institution_id, store_ids=[partner.store_ids[0]]))
    await write(partner.institution_id, *[uuid7() for _ in range(3)], data={"storeId": str(partner.store_ids[1])})
    await read_until(client, partner.headers, 3)
    first = await read(client, bound)
    second = await read(client, bound, cursor=first["page"]["nextCursor"])
    third = await read(client, bound, cursor=second["page"]["nextCursor"])
    assert [page["data"] for page in (first, second, third)] == [[], [], []]
    assert [page["page"]["hasMore"] for page in (first, second, third)] == [True, False, False]
    assert third["page"]["nextCursor"] == second["page"]["nextCursor"]
