"""A city app's signed events: each counted once, exactly, and only for members; the app never learns who is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.citizen.actions import match_people
from app.intake import queries_points
from app.intake.actions_keep import keep_records
from app.intake.rules import Flaw
from app.intake.rules_clean import FLAWS
from app.intake.rules_points import (
    compute_event_digest,
    compute_gain,
    compute_year,
    judge_event,
    make_point_records,
)
from app.intake.rules_webhook import find_fault, is_signed_with, parse_secret
from app.kit.clock import shanghai_day
from app.kit.crypto import decrypt_field
from app.kit.database import is_in_transaction, transaction
from app.kit.errors import FieldError, InvalidRequest, Refusal
from app.kit.rate_limit import LocalLimit

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from app.intake.rules import CleanItem
    from app.intake.rules_points import PointEvent
    from app.intake.rules_webhook import Signed
    from app.kit.auth import PartnerCaller

__all__ = ["delete_points", "is_source_owner", "take_event"]

SECRET_COLUMN = "source_secret.secret"  # noqa: S105 - the name of a column
EVENTS_PER_MINUTE_MAX = 6_000
INSTITUTION_LIMIT = LocalLimit("points", EVENTS_PER_MINUTE_MAX, 60)
# Only of a member is an event id remembered, so a refused second body tells that its person is one. An app that works
# sends next to none of them, and one that asks around is stopped before it has learnt much.
CONFLICTS_PER_HOUR_MAX = 60
CONFLICT_LIMIT = LocalLimit("point-conflicts", CONFLICTS_PER_HOUR_MAX, 3600)


class SignatureInvalid(InvalidRequest):
    """The body is not signed: webhook-id, webhook-timestamp (at most five minutes off) and a webhook-signature v1."""

    code = "signature_invalid"
    zh = "请求未正确签名：需要 webhook-id、webhook-timestamp（误差五分钟以内）与 v1 版 webhook-signature"

    def __init__(self, header: str) -> None:
        zh, en = "缺失、有误或已过时", "Missing, wrong or out of time"
        super().__init__(errors=[FieldError(pointer=f"/header/{header}", code="signature_invalid", zh=zh, en=en)])


class EventRefused(Refusal):
    """The event cannot be counted, whoever it is about."""

    code = "event_refused"
    status_code = 422
    zh = "该事件无法受理"

    def __init__(self, flaw: Flaw) -> None:
        super().__init__(errors=[FieldError(pointer=flaw.pointer, code=flaw.code, zh=flaw.zh, en=flaw.en)])


class EventIdReused(Refusal):
    """This source has used the event id for other facts."""

    code = "event_id_reused"
    status_code = 422
    zh = "该来源的这一事件编号已用于其他内容"

    def __init__(self) -> None:
        flaw = FLAWS["event_id_reused"]
        super().__init__(errors=[FieldError(pointer=flaw.pointer, code=flaw.code, zh=flaw.zh, en=flaw.en)])


KIND_UNKNOWN = Flaw(
    code="kind_unknown", pointer="/kind", zh="没有这类积分的换算规则", en="there is no rule for points of this kind"
)


async def take_event(partner: PartnerCaller, event: PointEvent, signed: Signed, *, at: datetime) -> None:
    """Count an event once and move the score at once; the same again, and whoever has not joined, changes nothing.

    Refuses what is not signed, cannot be counted, or tells other facts under an event id it was told before.
    """
    institution = str(partner.institution_id)
    CONFLICT_LIMIT.peek(institution)
    INSTITUTION_LIMIT.hit(institution)
    source = await _find_signer(partner, signed, at)
    rule = await queries_points.find_rule(source, event.kind)
    if rule is None:
        raise EventRefused(KIND_UNKNOWN)
    clean = judge_event(event, source, rule.indicator, shanghai_day(at))
    if isinstance(clean, Flaw):
        raise EventRefused(clean)
    (member,) = await match_people([(clean.name, clean.id_number)])
    if member is None:
        return
    try:
        async with transaction():
            await _count(event, clean, member.id, at)
    except EventIdReused:
        CONFLICT_LIMIT.hit(institution)
        raise


async def is_source_owner(institution_id: UUID) -> bool:
    """Whether an institution owns a registered source, and so may be given a key that reports."""
    return await queries_points.count_sources_of(institution_id) > 0


async def delete_points(citizen_id: UUID) -> None:
    """Delete what was counted of a citizen who leaves, inside the caller's transaction."""
    assert is_in_transaction(), "leaving is one transaction"
    await queries_points.delete_points(citizen_id)


async def _find_signer(partner: PartnerCaller, signed: Signed, at: datetime) -> str:
    """Return which of the institution's sources signed: the one whose secret fits."""
    header = find_fault(signed, at)
    if header is not None:
        raise SignatureInvalid(header)
    signers = set()
    for row in await queries_points.list_secrets(partner.institution_id, at):
        key = parse_secret(decrypt_field(row.cipher, column=SECRET_COLUMN, row_id=row.id))
        if key is not None and is_signed_with(signed, key):
            signers.add(row.source)
    if not signers:
        raise SignatureInvalid("webhook-signature")
    return signers.pop()


async def _count(event: PointEvent, clean: CleanItem, citizen_id: UUID, at: datetime) -> None:
    """Count an event under its person's lock: event, total, records and score in the order everybody takes them."""
    source, kind, event_id = clean.record.source, event.kind, clean.record.event_id
    if not await queries_points.lock_member(citizen_id):
        return
    rule = await queries_points.lock_rule(source, kind)
    assert rule is not None, "rules are never deleted"
    if rule.indicator != clean.record.indicator:  # changed since it was judged, before anything was counted by it
        raise EventRefused(KIND_UNKNOWN)
    digest = compute_event_digest(citizen_id, event)
    if not await queries_points.insert_event(source, event_id, kind, citizen_id, digest, at):
        known = await queries_points.find_event(source, event_id)
        if known is None or known.facts_digest != digest:
            raise EventIdReused
        return
    total = await queries_points.update_total(citizen_id, source, kind, compute_year(clean), event.amount)
    records = make_point_records(clean, citizen_id, compute_gain(total, event.amount, rule.rate))
    outcomes = await keep_records(records, at=at, entered_by=None)
    if set(outcomes) - {"accepted"}:  # a file of this source has used the number for something else
        raise EventIdReused
