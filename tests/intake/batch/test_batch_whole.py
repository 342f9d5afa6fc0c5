"""A batch is one act: audited, whole or not at all, and once however many send it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
import pytest

from app.kit.db.database import fetch_all, fetch_value
from tests.support.citizens import join
from tests.support.importing import (
    OF_JOINING,
    events_of,
    importer,
    item_of,
    records_of,
    score_of,
    send,
)

if TYPE_CHECKING:
    from httpx2 import AsyncClient


class AuditedImport(msgspec.Struct, frozen=True):
    """What the audit says of an import."""

    action: str
    subject: str
    detail: str


async def test_an_import_is_audited_in_counts(client: AsyncClient) -> None:
    person, official = await join(client), await importer()
    await send(client, [item_of(person), item_of(person, indicator="petition"), 5], official)
    sql = "SELECT action, subject, detail FROM audit_entry WHERE actor_id = $1"
    (entry,) = await fetch_all(AuditedImport, sql, official.id)
    assert (entry.action, entry.subject) == ("record.import", "record")
    assert msgspec.json.decode(entry.detail) == {
        "sources": ["civil-affairs"],
        "counts": {"accepted": 1, "updated": 0, "duplicate": 0, "proposed": 0, "not_a_member": 0, "refused": 2},
    }


async def test_the_same_batch_from_two_importers_at_once(client: AsyncClient) -> None:
    """Every record once, nobody waits for ever, and the score has every point once."""
    people = [await join(client) for _ in range(6)]
    before = [await score_of(person) for person in people]
    items = [
        item_of(person, indicator=code) for person in people for code in ("POS_RESCUE", "POS_LOST_FOUND", "POS_CLUE")
    ]
    for item in items[1::3]:
        item["quantity"] = 10_000
    officials = [await importer() for _ in range(4)]
    answers = await asyncio.gather(
        *(send(client, items if number % 2 else items[::-1], official) for number, official in enumerate(officials))
    )
    assert [answer.status_code for answer in answers] == [200] * 4
    counts = [answer.json()["counts"] for answer in answers]
    assert sum(count["accepted"] for count in counts) == len(items)
    assert sum(count["duplicate"] for count in counts) == 3 * len(items)
    for person, was in zip(people, before, strict=True):
        assert len(await records_of(person)) == 3
        assert await score_of(person) == was + 40 + 4 + 4
        assert await events_of(person, "record.accepted.v1") == OF_JOINING + 3


async def test_different_records_of_one_citizen_at_once_add_up(client: AsyncClient) -> None:
    person = await join(client)
    before = await score_of(person)
    bodies = [[item_of(person, indicator="POS_CLUE")], [item_of(person, indicator="POS_RESCUE")]]
    answers = await asyncio.gather(*(send(client, body) for body in bodies))
    assert [answer.json()["counts"]["accepted"] for answer in answers] == [1, 1]
    assert await score_of(person) == before + 4 + 40


async def test_a_batch_that_cannot_be_audited_leaves_nothing(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await join(client)
    before = await score_of(person)

    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the audit is not there")

    monkeypatch.setattr("app.intake.batch.actions.write_audit", fail)
    assert (await send(client, item_of(person))).status_code == 500
    assert await records_of(person) == []
    assert await score_of(person) == before
    assert await events_of(person, "record.accepted.v1") == OF_JOINING


async def test_an_import_and_a_leaving_at_once(client: AsyncClient) -> None:
    """Whichever comes first, nothing recorded outlives the membership."""
    for _ in range(5):
        person = await join(client)
        items = [item_of(person, indicator="POS_CLUE") for _ in range(3)]
        left, sent = await asyncio.gather(client.delete("/v1/me", headers=person.headers), send(client, items))
        assert (left.status_code, sent.status_code) == (204, 200)
        assert {item["outcome"] for item in sent.json()["items"]} in ({"accepted"}, {"not_a_member"})
        assert await records_of(person) == []
        assert await fetch_value("SELECT count(*) FROM record_source_event WHERE citizen_id = $1", person.id) == 0
