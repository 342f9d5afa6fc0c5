"""Sending: by WeChat where it is allowed, else by SMS, once, and again when a service was away."""

from __future__ import annotations

import asyncio
import logging
import secrets
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import pytest

from app.citizen.actions import wechat as wechat_actions
from app.citizen.actions.wechat import AccessToken
from app.kit.clock import now
from app.kit.db.database import execute, fetch_value
from app.kit.outside.ask import CALL_SECONDS_MAX
from app.notice.actions import send as send_actions
from app.notice.actions.notices import add_quota, count_deliveries
from app.notice.actions.send import CALLS_MAX, LEASE, send_pending
from app.notice.clients import sms as sms_clients
from app.notice.message import NOTICE_PAGE, QUOTA_MAX, TEMPLATE, TRIES_MAX, Delivery
from app.notice.queries import send as send_queries
from app.sandbox.answers import ENVIRONMENT
from app.settings import read_settings
from tests.support.citizens import Joined, join
from tests.support.notices import find_notice, make_due, messages_to, number_of, openid_of, store_notice

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    from httpx2 import AsyncClient


@pytest.fixture(autouse=True)
async def nothing_pending(app: object) -> AsyncIterator[None]:
    """Let these tests send only what they stored."""
    del app
    await execute("DELETE FROM notice WHERE delivery = 'pending'")
    yield
    await execute("DELETE FROM notice WHERE delivery = 'pending'")


async def join_as(client: AsyncClient, manner: str = "") -> Joined:
    """Become a member whose messages fare in a manner of the sandbox."""
    return await join(client, code=f"demo-{manner}-{secrets.token_hex(8)}")


async def quota_of(citizen_id: UUID) -> int:
    """Return how many messages a citizen lets us send."""
    return int(await fetch_value("SELECT remaining FROM notice_quota WHERE citizen_id = $1", citizen_id))


async def test_who_allowed_a_message_gets_it_from_wechat(client: AsyncClient) -> None:
    member = await join_as(client)
    await add_quota(member.id, TEMPLATE, 2)
    subject = await store_notice(member.id, title_zh="新增失信记录：欠税公告")
    assert await send_pending() == 1
    notice = await find_notice(subject)
    assert (notice.delivery, notice.channel, notice.tries) == ("sent", "wechat", 1)
    (message,) = await messages_to(openid_of(member))
    assert message["template_id"] == ENVIRONMENT["WECHAT_TEMPLATE_RECORD"]
    assert message["page"] == f"{NOTICE_PAGE}?id={notice.id}"
    assert message["data"]["thing1"] == {"value": "新增失信记录：欠税公告"}
    assert await quota_of(member.id) == 1
    assert await messages_to(number_of(member)) == []
    assert await send_pending() == 0


@pytest.mark.parametrize("manner", ["", "noquota"])
async def test_who_allowed_none_gets_an_sms_that_says_nothing(client: AsyncClient, manner: str) -> None:
    """Without a quota here, or with one WeChat does not know of."""
    member = await join_as(client, manner)
    if manner:
        await add_quota(member.id, TEMPLATE, 3)
    subject = await store_notice(member.id, title_zh="新增失信记录：欠税公告")
    assert await send_pending() == 1
    notice = await find_notice(subject)
    assert (notice.delivery, notice.channel) == ("sent", "sms")
    (message,) = await messages_to(number_of(member))
    assert message["TemplateId"] == ENVIRONMENT["SMS_TEMPLATE_RECORD"]
    assert len(message["TemplateParamSet"]) == 1
    assert "欠税" not in str(message)
    assert await messages_to(openid_of(member)) == []
    if manner:
        assert await quota_of(member.id) == 0


async def test_what_wechat_could_not_take_is_tried_again_and_costs_one_message(client: AsyncClient) -> None:
    member = await join_as(client, "wxflaky")
    await add_quota(member.id, TEMPLATE, 5)
    subject = await store_notice(member.id)
    for tries in (1, 2):
        assert await send_pending() == 0
        notice = await find_notice(subject)
        assert (notice.delivery, notice.tries) == ("pending", tries)
        assert await send_pending() == 0, "not before its time"
        assert (await find_notice(subject)).tries == tries
        await make_due(subject)
    assert await send_pending() == 1
    assert len(await messages_to(openid_of(member))) == 1
    assert await messages_to(number_of(member)) == [], "a service that is away is waited for"
    assert await quota_of(member.id) == 4


async def test_in_the_end_it_is_given_up_and_stays_in_the_mini_program(client: AsyncClient) -> None:
    member = await join_as(client, "wxdown")
    await add_quota(member.id, TEMPLATE, 5)
    subject = await store_notice(member.id)
    await execute("UPDATE notice SET tries = $2 WHERE subject_id = $1", subject, TRIES_MAX - 1)
    before = (await count_deliveries()).get("failed", 0)
    assert await send_pending() == 0
    notice = await find_notice(subject)
    assert (notice.delivery, notice.tries) == ("failed", TRIES_MAX)
    assert (await count_deliveries())["failed"] == before + 1
    assert await quota_of(member.id) == 5


async def test_without_any_service_it_stays_in_the_mini_program(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    none = msgspec.structs.replace(read_settings(), wechat_template_record="", sms_base_url="")
    monkeypatch.setattr(send_actions, "read_settings", lambda: none)
    member = await join_as(client)
    await add_quota(member.id, TEMPLATE, 1)
    subject = await store_notice(member.id)
    assert await send_pending() == 0
    notice = await find_notice(subject)
    assert (notice.delivery, notice.channel) == ("none", None)


async def test_a_number_that_cannot_be_reached_is_not_tried_for_ever(client: AsyncClient) -> None:
    member = await join(client, phone_code=f"demo-phone-barred-{secrets.token_hex(8)}")
    subject = await store_notice(member.id)
    assert await send_pending() == 0
    assert (await find_notice(subject)).delivery == "failed"


@pytest.mark.parametrize(
    "wrong", [{"sms_secret_key": "wrong"}, {"sms_app_id": "1"}, {"sms_base_url": "http://127.0.0.1:9"}]
)
async def test_what_an_operator_must_put_right_is_tried_again(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str]
) -> None:
    monkeypatch.setattr(sms_clients, "read_settings", partial(msgspec.structs.replace, read_settings(), **wrong))
    member = await join_as(client)
    subject = await store_notice(member.id)
    assert await send_pending() == 0
    assert (await find_notice(subject)).delivery == "pending"
    monkeypatch.undo()
    await make_due(subject)
    assert await send_pending() == 1


async def test_a_wrong_template_goes_by_sms(client: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        send_actions,
        "read_settings",
        partial(msgspec.structs.replace, read_settings(), wechat_template_record="of another city"),
    )
    member = await join_as(client)
    await add_quota(member.id, TEMPLATE, 1)
    subject = await store_notice(member.id)
    assert await send_pending() == 1
    assert (await find_notice(subject)).channel == "sms"
    assert await quota_of(member.id) == 1


async def test_a_refused_token_is_replaced(client: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    member = await join_as(client)
    await add_quota(member.id, TEMPLATE, 1)
    subject = await store_notice(member.id)
    monkeypatch.setattr(wechat_actions._Held, "token", AccessToken("sandbox-stale", now().timestamp() + 999))
    assert await send_pending() == 1
    assert (await find_notice(subject)).channel == "wechat"


async def test_two_workers_send_each_notice_once(client: AsyncClient) -> None:
    members = [await join_as(client, f"n{number}") for number in range(6)]
    subjects = [await store_notice(member.id) for member in members for _ in range(8)]
    sent = await asyncio.gather(*(send_pending() for _ in range(4)))
    assert sum(sent) == len(subjects)
    for member in members:
        assert len(await messages_to(number_of(member))) == 8


async def test_whom_a_crash_left_in_the_middle_is_taken_up_when_the_lease_ends(client: AsyncClient) -> None:
    member = await join_as(client)
    subject = await store_notice(member.id)
    (crashed,) = await send_queries.take_pending(at=now(), leased_until=now() + LEASE, limit=1)
    assert await send_pending() == 0, "somebody has it"
    await make_due(subject)
    assert await send_pending() == 1
    late = Delivery(notice_id=crashed.id, tries=crashed.tries, state="failed")
    assert await send_queries.mark_delivered([late], now()) == 0, "who comes back too late changes nothing"
    assert (await find_notice(subject)).delivery == "sent"


async def test_a_lease_outlasts_what_a_chunk_may_take() -> None:
    assert timedelta(seconds=CALLS_MAX * CALL_SECONDS_MAX) < LEASE


async def test_the_quota_has_a_most(client: AsyncClient) -> None:
    member = await join_as(client)
    for _ in range(QUOTA_MAX // 5):
        await add_quota(member.id, TEMPLATE, 5)
    assert await quota_of(member.id) == QUOTA_MAX
    await add_quota(member.id, TEMPLATE, 1)
    await send_queries.mark_quota_unused(member.id, TEMPLATE)
    assert await quota_of(member.id) == QUOTA_MAX
    taken = [await send_queries.take_quota(member.id, TEMPLATE) for _ in range(QUOTA_MAX + 1)]
    assert taken == [True] * QUOTA_MAX + [False]


async def test_nothing_personal_is_logged(client: AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    member = await join_as(client, "wxdown")
    await add_quota(member.id, TEMPLATE, 1)
    subject = await store_notice(member.id, title_zh="新增失信记录：欠税公告")
    await send_pending()
    said = [record.getMessage() for record in caplog.records if record.name.startswith(("huixin", "pgqueuer", "httpx"))]
    assert any("no usable answer" in one for one in said)
    for secret in (openid_of(member), number_of(member)[3:], "欠税", member.name):
        assert not [one for one in said if secret in one], secret
    await execute("DELETE FROM notice WHERE subject_id = $1", subject)
