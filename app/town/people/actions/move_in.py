"""People move in by COPY, a block at a time, and the real engine scores them."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from app.citizen.actions.sealing import seal_openid
from app.kit.clock import now
from app.kit.db.database import transaction
from app.kit.jobs.aside import aside
from app.record.catalogue import CATALOGUE
from app.sandbox.answers import compute_openid
from app.score.book.actions.find import find_current_levels
from app.score.city.actions.prepare import score_city
from app.score.current.actions.rescore import rescore
from app.town.people import queries
from app.town.people.actions.block import BlockMaker, Made, Order
from app.town.people.life import Plan
from app.town.people.names import (
    ACCOUNT_NUMBERS,
    BLOCK,
    CENSUS_ON,
    CITIZENS_MAX,
    compute_account_number,
    compute_wechat_code,
)
from app.town.shown import CitizenShown
from app.values.days import shanghai_day

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from app.kit.jobs.aside import Aside
    from app.score.book.document import Level
    from app.town.people.rows import ConsentText

BLOCKS_AT_ONCE = 3  # while the database works on some, the next one is made
BLOCKS_WORTH_A_PROCESS = 30  # it takes a second to start
ROUNDS_MAX = 2  # the first may only end what was begun before the last people came
LOOKED_FOR = 3  # people of a block, whose presence shows that it is there; the first ones never leave
RECORDS_MEAN = 10.0
NOBODY = UUID(int=0)


async def make_people(
    *,
    citizens: int,
    seed: int,
    at: datetime,
    records_mean: float = RECORDS_MEAN,
    is_scored: bool = True,
    moved_in: Callable[[int], object] = bool,
) -> None:
    """Let people 1 to ``citizens`` of a seed move in; blocks that are there already are left as they are.

    Each block is one transaction: its people are there with their scores, or not at all; without ``is_scored`` nobody
    has one yet, see ``score_people``. ``moved_in`` is called with how many more moved in.
    """
    assert citizens <= CITIZENS_MAX
    assert shanghai_day(at) >= CENSUS_ON, "some would not be of age yet"
    plan = Plan(seed=seed, today=shanghai_day(at), records_mean=records_mean)
    texts = tuple(await queries.list_consent_texts())
    missing = await _find_missing(plan.seed, citizens)
    moved_in(citizens - sum(min(citizens - block * BLOCK, BLOCK) for block in missing))
    blocks, is_large = iter(missing), len(missing) >= BLOCKS_WORTH_A_PROCESS

    async def take_blocks(maker: Aside) -> None:
        for block in blocks:
            order = await _place_order(plan, block, citizens, at, texts)
            await _move_in(await maker.call("make", order), at=at, is_scored=is_scored)
            moved_in(len(order.accounts))

    async with (
        aside(BlockMaker, apart=is_large) as maker,
        asyncio.TaskGroup() as tasks,
    ):
        for _ in range(BLOCKS_AT_ONCE):
            tasks.create_task(take_blocks(maker))
    if is_large:
        await queries.update_statistics()


async def score_people(
    *, on_opened: Callable[[int], object] = bool, on_progress: Callable[[int], object] = bool
) -> None:
    """Score everybody at once if somebody has no score; the way for a large city, and one that was stopped goes on.

    ``on_opened`` is called with how many there are to be scored, ``on_progress`` with how many more were scored.
    """
    for _ in range(ROUNDS_MAX):
        if not await queries.find_is_unscored(shanghai_day(now())):
            return
        await score_city(on_opened=on_opened, on_progress=on_progress)


async def describe_citizens(*, count: int, seed: int) -> list[CitizenShown]:
    """Return the first citizens with what there is to know about them, in Chinese."""
    codes = [compute_wechat_code(seed, number) for number in range(1, count + 1)]
    indexes = [_index_openid(code) for code in codes]
    scored = {row.openid_index: row for row in await queries.list_scored(indexes)}
    levels = await find_current_levels()
    return [
        CitizenShown(wechat_code=code, note=_describe(scored[index], levels[scored[index].level]))
        for code, index in zip(codes, indexes, strict=True)
        if index in scored
    ]


async def _find_missing(seed: int, citizens: int) -> list[int]:
    """Return the blocks of which nobody is there."""
    blocks = range((citizens + BLOCK - 1) // BLOCK)
    openids = {
        _index_openid(compute_wechat_code(seed, block * BLOCK + place)): block
        for block in blocks
        for place in range(1, LOOKED_FOR + 1)
    }
    taken = {openids[row.openid_index] for row in await queries.list_openids_taken(list(openids))}
    return [block for block in blocks if block not in taken]


async def _place_order(plan: Plan, block: int, citizens: int, at: datetime, texts: tuple[ConsentText, ...]) -> Order:
    numbers = range(block * BLOCK + 1, min((block + 1) * BLOCK, citizens) + 1)
    return Order(
        plan=plan,
        block=block,
        last=citizens,
        milliseconds=int(at.timestamp() * 1000) + block,  # so that ids follow the order of people
        texts=texts,
        accounts=await _find_accounts(plan.seed, numbers),
    )


async def _find_accounts(seed: int, numbers: Sequence[int]) -> list[int]:
    """Return account numbers nobody has: a person's own, or another where that is taken."""
    accounts = [compute_account_number(seed, number) for number in numbers]
    taken = {row.account_number for row in await queries.list_account_numbers_taken(accounts)}
    return [secrets.randbelow(ACCOUNT_NUMBERS) if account in taken else account for account in accounts]


async def _move_in(made: Made, *, at: datetime, is_scored: bool) -> None:
    async with transaction():
        await queries.insert_citizens(made.citizens)
        await queries.insert_consents(made.consents)
        await queries.insert_source_events(made.source_events)
        await queries.insert_records(made.records)
        if is_scored:
            await rescore([UUID(bytes=id_) for id_ in made.member_ids], at=at)


def _index_openid(wechat_code: str) -> bytes:
    openid = compute_openid(wechat_code)
    assert openid is not None, "our own codes are the sandbox's"
    return seal_openid(NOBODY, openid)[0]


def _describe(scored: queries.ScoredCitizen, level: Level) -> str:
    held = msgspec.json.decode(scored.honours, type=list[dict[str, object]])
    honours = "、".join(
        CATALOGUE.honours[str(honour["code"])].title_zh + (f"（{honour['grade']}）" if honour["grade"] else "")
        for honour in held
    )
    return f"{level.title_zh}（{level.code}），{scored.value}分" + (f"，{honours}" if honours else "")
