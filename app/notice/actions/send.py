"""Sending notices: WeChat where the citizen has allowed it, else SMS, else the mini-program alone.

Notices are taken for a while and sent outside of any transaction. Two workers never hold the same one. A crash after
the service's answer and before it is noted sends a message once more when the lease ends: at most twice for one crash.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from app.citizen.actions.contact import Contact, find_contacts
from app.citizen.actions.wechat import call_with_token
from app.citizen.answers import judge_tencent
from app.kit.clock import now
from app.kit.errors import OutsideServiceUnavailable, Refusal
from app.kit.jobs.pace import FULL, FULL_SHARE, Pace, StoppablePace
from app.kit.jobs.queue import Job
from app.notice.clients.sms import send_sms
from app.notice.clients.wechat import MessageAnswer, send_subscribe_message
from app.notice.message import (
    TEMPLATE,
    Delivery,
    Outcome,
    compute_failure,
    compute_page,
    compute_sms_parameters,
    compute_wechat_data,
    judge_message,
    judge_sms,
)
from app.notice.queries import send as send_queries
from app.settings import read_settings

if TYPE_CHECKING:
    from app.notice.queries.send import TakenNotice

LOG = logging.getLogger("huixin.notice")
CHUNK = 20
CALLS_MAX = 8  # two tokens, which others may be asking for already, two messages, and an SMS
LEASE = timedelta(seconds=60)  # a chunk takes at most that many calls of three seconds, side by side


async def send_pending(pace: Pace = FULL) -> int:
    """Send every notice that is due, in chunks, and return how many reached a service."""
    sent = 0
    while True:
        async with pace.work():
            at = now()
            taken = await send_queries.take_pending(at=at, leased_until=at + LEASE, limit=CHUNK)
            if taken:
                deliveries = await _send(taken)
                await send_queries.mark_delivered(deliveries, now())
                sent += sum(delivery.state == "sent" for delivery in deliveries)
        if len(taken) < CHUNK:
            return sent


async def send_notices(pace: StoppablePace) -> None:
    """Send the notices that wait, without resting: people wait for them, and the services do most of the work."""
    await send_pending(StoppablePace(FULL_SHARE, pace.stopping))


async def _send(taken: list[TakenNotice]) -> list[Delivery]:
    contacts = await find_contacts([notice.citizen_id for notice in taken])
    unknown = Contact(None, None)
    return await asyncio.gather(*(_deliver(notice, contacts.get(notice.citizen_id, unknown)) for notice in taken))


async def _deliver(notice: TakenNotice, contact: Contact) -> Delivery:
    """Try one channel after the other; while a service is away the notice waits for it, and takes no other channel."""
    outcome, channel = await _try_wechat(notice, contact), "wechat"
    if outcome == "no_way":
        outcome, channel = await _try_sms(notice, contact), "sms"
    if outcome == "later":
        return compute_failure(notice.id, notice.tries, now())
    if outcome == "sent":
        return Delivery(notice_id=notice.id, tries=notice.tries, state="sent", channel=channel)  # type: ignore[arg-type]
    return Delivery(notice_id=notice.id, tries=notice.tries, state="none" if outcome == "no_way" else "failed")


async def _try_wechat(notice: TakenNotice, contact: Contact) -> Outcome:
    if not (read_settings().wechat_template_record and contact.openid):
        return "no_way"
    if not await send_queries.take_quota(notice.citizen_id, TEMPLATE):
        return "no_way"
    outcome = await _ask_wechat(notice, contact.openid)
    if outcome == "refused":
        await send_queries.mark_quota_gone(notice.citizen_id, TEMPLATE)
        return "no_way"
    if outcome != "sent":
        await send_queries.mark_quota_unused(notice.citizen_id, TEMPLATE)
    return outcome


async def _ask_wechat(notice: TakenNotice, openid: str) -> Outcome:
    """Send a subscribe message; "refused" says that the citizen has not allowed it."""
    try:
        answer = await call_with_token(partial(_send_message, notice, openid))
    except Refusal:
        return "later"
    outcome = judge_message(answer.errcode)
    if outcome == "no_way":
        LOG.error("WeChat refuses our messages with errcode %d: check the template and its fields", answer.errcode)
    elif outcome == "later":
        LOG.warning("WeChat refuses a message with errcode %d; it is sent again later", answer.errcode)
    return outcome


async def _send_message(notice: TakenNotice, openid: str, token: str) -> MessageAnswer:
    return await send_subscribe_message(
        access_token=token,
        openid=openid,
        template_id=read_settings().wechat_template_record,
        page=compute_page(notice.id),
        data=compute_wechat_data(notice.title_zh, notice.at),
    )


async def _try_sms(notice: TakenNotice, contact: Contact) -> Outcome:
    if not (read_settings().sms_base_url and contact.phone):
        return "no_way"
    try:
        code = await send_sms(phone=contact.phone, parameters=compute_sms_parameters(notice.at))
    except OutsideServiceUnavailable:
        return "later"
    outcome = judge_sms(code)
    if outcome == "later":
        is_ours = judge_tencent(code) == "ours"
        LOG.log(logging.ERROR if is_ours else logging.WARNING, "SMS are refused with %s; they wait", code or "no code")
    return outcome


JOBS = (Job("send_notices", "* * * * *", send_notices),)
