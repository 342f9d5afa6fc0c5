"""A negative record tells its citizen at once: in the same transaction, once, and from there to the phone."""

from __future__ import annotations

import asyncio
import contextvars
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec
import pytest

from app import worker
from app.intake.keeping import queries as keeping_queries
from app.intake.keeping.actions import notify as notify_actions
from app.intake.keeping.actions.notify import notify_of_negative_rows
from app.intake.keeping.negative import SourceTitle
from app.intake.source.compile import make_default_mapping
from app.kit.clock import now, uuid7
from app.kit.db.database import execute, fetch_value, transaction
from app.kit.jobs.pace import StoppablePace
from app.kit.jobs.queue import Job
from app.notice.actions.notices import add_quota
from app.notice.actions.send import send_notices
from app.notice.message import TEMPLATE
from app.record.catalogue import NewRecord
from app.record.rows import make_rows
from app.score.book.actions.read import read_current_book
from tests.support.citizens import join
from tests.support.importing import NEGATIVE, approve, item_of, keep, outcomes_of, send, today
from tests.support.notices import StoredNotice, find_notice, messages_to, openid_of
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from httpx2 import AsyncClient

    from tests.support.citizens import Joined

STATE = {"indicator": "NEG_TAX_ARREARS", "document": "税公告1号"}


async def count_notices(citizen_id: UUID) -> int:
    return int(await fetch_value("SELECT count(*) FROM notice WHERE citizen_id = $1", citizen_id))


async def notice_of(person: Joined) -> StoredNotice:
    subject = await fetch_value("SELECT subject_id FROM notice WHERE citizen_id = $1", person.id)
    return await find_notice(subject)


async def test_a_negative_record_has_a_notice_that_reaches_the_phone(client: AsyncClient) -> None:
    member = await join(client)
    await add_quota(member.id, TEMPLATE, 1)
    assert await keep(client, item_of(member, **NEGATIVE)) == ["proposed"]
    notice = await notice_of(member)
    assert notice.subject_id == await fetch_value(
        "SELECT id FROM record WHERE citizen_id = $1 AND indicator = 'NEG_CONTRACT_JUDG'", member.id
    )
    assert (notice.kind, notice.delivery) == ("negative_record", "pending")
    for said in ("合同违约", NEGATIVE["document"], "civil-affairs"):
        assert said in notice.body_zh
    pace = StoppablePace(1.0)
    job = Job("send_notices", "* * * * *", send_notices)
    working = asyncio.create_task(worker.keep_working([job], pace), context=contextvars.Context())
    try:
        await wait_until(lambda: messages_to(openid_of(member)))
    finally:
        pace.stopping.set()
        await working
    messages = await messages_to(openid_of(member))
    assert messages[0]["data"]["thing1"]["value"].startswith("新增失信记录")
    assert messages[0]["page"].endswith(str(notice.id))
    assert (await notice_of(member)).delivery == "sent"


async def test_good_news_and_refusals_have_no_notice(client: AsyncClient) -> None:
    member = await join(client)
    good = item_of(member)
    bad = item_of(member, indicator="NEG_CONTRACT_JUDG")  # without its document
    honour = item_of(member, indicator=None, honour="VOL_STAR", grade="3")
    assert await outcomes_of(client, good, bad, honour) == ["accepted", "document_missing", "accepted"]
    assert await count_notices(member.id) == 0


async def test_a_repeat_and_an_end_tell_nothing_new(client: AsyncClient) -> None:
    member = await join(client)
    item = item_of(member, **STATE)
    assert await keep(client, item, item) == ["proposed", "proposed"]
    assert await outcomes_of(client, item) == ["duplicate"]
    assert await outcomes_of(client, item | {"endsOn": str(today())}) == ["updated"]
    assert await count_notices(member.id) == 1


async def test_the_register_names_the_source(client: AsyncClient) -> None:
    code = f"court-{uuid7().hex[-12:]}"
    await execute(
        """
        INSERT INTO source (code, title_zh, title_en, mapping, created_at)
        VALUES ($1, '思明区法院', 'Court', $2, now())
        """,
        code,
        msgspec.json.encode(make_default_mapping(code)).decode(),
    )
    member = await join(client)
    assert await keep(client, item_of(member, source=code, **NEGATIVE)) == ["proposed"]
    notice = await notice_of(member)
    assert "思明区法院" in notice.body_zh
    assert "Reported by: Court." in notice.body_en


async def test_without_its_notice_no_record_is_stored(client: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """One transaction: neither without the other."""

    async def fail(*_: object, **__: object) -> None:
        raise ValueError

    member = await join(client)
    item = item_of(member, **NEGATIVE)
    (outcome,) = (await send(client, item)).json()["items"]
    monkeypatch.setattr(notify_actions, "insert_notices", fail)
    assert (await approve(client, outcome["proposalId"], item)).status_code == 500
    monkeypatch.undo()
    assert await count_notices(member.id) == 0
    assert (await approve(client, outcome["proposalId"], item)).status_code == 200
    assert await count_notices(member.id) == 1


async def test_thousands_at_once_cost_a_few_statements(client: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    member = await join(client)
    made = [
        NewRecord(
            citizen_id=member.id, indicator="NEG_CONTRACT_JUDG" if number % 2 else "POS_RESCUE", honour=None,
            source="court", event_id=str(number), event_on=today(),
        )
        for number in range(4000)
    ]  # fmt: skip
    ids = {place: str(uuid7()) for place in range(4000)}
    asked: list[object] = []
    list_titles = keeping_queries.list_source_titles

    async def note_read() -> object:
        asked.append("book")
        return await read_current_book()

    async def note_titles(codes: list[str]) -> list[SourceTitle]:
        asked.append(codes)
        return await list_titles(codes)

    monkeypatch.setattr(notify_actions, "read_current_book", note_read)
    monkeypatch.setattr(keeping_queries, "list_source_titles", note_titles)
    jobs = "SELECT count(*) FROM pgqueuer WHERE entrypoint = 'send_notices'"
    before = await fetch_value(jobs)
    async with transaction():
        assert await notify_of_negative_rows(make_rows(made), ids, at=now()) == 2000
        assert await notify_of_negative_rows(make_rows([made[1], made[3]]), {0: ids[1], 1: str(uuid7())}, at=now()) == 1
    assert asked == ["book", ["court"]] * 2
    assert await fetch_value(jobs) <= before + 1
    await execute("DELETE FROM notice WHERE citizen_id = $1", member.id)
