"""People move in by COPY, and the real engine scores them, a thousand at a time."""

from __future__ import annotations

import asyncio
import secrets
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from app.citizen.actions import seal_openid, seal_person
from app.citizen.rules import Person
from app.demo import queries
from app.demo.rules_file import CitizenShown
from app.demo.rules_life import compute_records
from app.demo.rules_people import compute_person, compute_wechat_code
from app.kit.clock import shanghai_day, uuid7
from app.kit.database import transaction
from app.record.rules import CATALOGUE, compute_facts_digest
from app.sandbox.rules import compute_openid
from app.score.actions import rescore
from app.score.rules import LEVEL_TITLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from app.demo.queries import ConsentVersion
    from app.demo.rules_people import DemoPerson
    from app.record.rules import NewRecord

CHUNK = 1000
CHUNKS_AT_ONCE = 3  # while the database works on some, the next one is made
ACCOUNT_NUMBERS = 10**9
NOBODY = UUID(int=0)


class Household(msgspec.Struct, frozen=True):
    """A chunk of people as rows to COPY."""

    citizen_ids: list[UUID]
    citizens: list[tuple[object, ...]]
    consents: list[tuple[object, ...]]
    source_events: list[tuple[object, ...]]
    records: list[tuple[object, ...]]


async def make_people(*, citizens: int, seed: int, at: datetime, moved_in: Callable[[int], object]) -> None:
    """Let people 1 to ``citizens`` of a seed move in; chunks that are there already are left as they are.

    Each chunk is one transaction: its people are there with their scores, or not at all. ``moved_in`` is told how many.
    """
    texts = await queries.list_consent_versions()
    starts = iter(range(1, citizens + 1, CHUNK))

    async def take_chunks() -> None:
        for start in starts:
            numbers = range(start, min(start + CHUNK, citizens + 1))
            await _move_in(numbers, seed=seed, at=at, texts=texts)
            moved_in(len(numbers))

    async with asyncio.TaskGroup() as tasks:
        for _ in range(CHUNKS_AT_ONCE):
            tasks.create_task(take_chunks())


async def describe_citizens(*, count: int, seed: int) -> list[CitizenShown]:
    """Return the first citizens with what there is to know about them, in Chinese."""
    codes = [compute_wechat_code(seed, number) for number in range(1, count + 1)]
    indexes = [_index_openid(code) for code in codes]
    scored = {row.openid_index: row for row in await queries.list_scored(indexes)}
    return [
        CitizenShown(wechat_code=code, note=_describe(scored[index]))
        for code, index in zip(codes, indexes, strict=True)
        if index in scored
    ]


async def _move_in(numbers: Sequence[int], *, seed: int, at: datetime, texts: Sequence[ConsentVersion]) -> None:
    if await queries.find_is_known(_index_openid(compute_wechat_code(seed, numbers[0]))):
        return
    accounts = await _draw_account_numbers(len(numbers))
    chunk = _make_household(numbers, seed=seed, at=at, texts=texts, accounts=accounts)
    async with transaction():
        await queries.insert_citizens(chunk.citizens)
        await queries.insert_consents(chunk.consents)
        await queries.insert_source_events(chunk.source_events)
        await queries.insert_records(chunk.records)
        await rescore(chunk.citizen_ids, at=at)


async def _draw_account_numbers(count: int) -> list[int]:
    """Return random account numbers nobody has."""
    drawn: set[int] = set()
    while len(drawn) < count:
        fresh = {secrets.randbelow(ACCOUNT_NUMBERS) for _ in range(count - len(drawn))}
        taken = await queries.list_account_numbers_taken(sorted(fresh))
        drawn |= fresh - {row.account_number for row in taken}
    return list(drawn)


def _make_household(
    numbers: Sequence[int], *, seed: int, at: datetime, texts: Sequence[ConsentVersion], accounts: Sequence[int]
) -> Household:
    dice, today = Random(f"{seed} {numbers[0]}"), shanghai_day(at)
    chunk = Household([], [], [], [], [])
    for number, account in zip(numbers, accounts, strict=True):
        person, citizen_id = compute_person(dice, seed=seed, number=number, today=today), uuid7(at)
        joined_at = at - timedelta(days=person.member_days)
        chunk.citizen_ids.append(citizen_id)
        chunk.citizens.append(_seal(citizen_id, person, account, joined_at))
        chunk.consents.extend(_agree(citizen_id, person, texts, joined_at))
        for record in compute_records(dice, person, citizen_id, today):
            record_id = uuid7(at)
            chunk.source_events.append(_claim(record, record_id))
            chunk.records.append((record_id, *msgspec.structs.astuple(record), "active", at))
    return chunk


def _seal(citizen_id: UUID, person: DemoPerson, account_number: int, joined_at: datetime) -> tuple[object, ...]:
    paper = Person(name=person.name, id_number=person.id_number, phone=person.phone)
    openid = seal_openid(citizen_id, person.openid)
    sealed = msgspec.structs.astuple(seal_person(citizen_id, paper))
    return (citizen_id, account_number, "active", *openid, *sealed, uuid7(joined_at), joined_at, joined_at)


def _index_openid(wechat_code: str) -> bytes:
    openid = compute_openid(wechat_code)
    assert openid is not None, "our own codes are the sandbox's"
    return seal_openid(NOBODY, openid)[0]


def _agree(
    citizen_id: UUID, person: DemoPerson, texts: Sequence[ConsentVersion], at: datetime
) -> Iterator[tuple[object, ...]]:
    for text in texts:
        if text.is_required or text.purpose in person.separate_consents:
            yield (uuid7(at), citizen_id, text.purpose, text.version, at)


def _claim(record: NewRecord, record_id: UUID) -> tuple[object, ...]:
    return (record.source, record.event_id, record_id, record.citizen_id, compute_facts_digest(record))


def _describe(scored: queries.ScoredCitizen) -> str:
    held = msgspec.json.decode(scored.honours, type=list[dict[str, object]])
    honours = "、".join(
        CATALOGUE.honours[str(honour["code"])].title_zh + (f"（{honour['grade']}）" if honour["grade"] else "")
        for honour in held
    )
    return f"{LEVEL_TITLES[scored.level]}（{scored.level}），{scored.value}分" + (f"，{honours}" if honours else "")
