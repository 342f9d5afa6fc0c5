"""A city app's signed events: taken in for everybody alike, counted by the worker once, exactly, for members only."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from app.citizen.actions.account import match_people
from app.intake.fact.item import Flaw
from app.intake.fact.judge import FLAWS
from app.intake.keeping.actions.keep import store_records
from app.intake.points import queries
from app.intake.points.ledger import (
    PointEvent,
    compute_event_digest,
    compute_gain,
    compute_year,
    judge_event,
    make_point_records,
)
from app.intake.points.refusals import EventRefused, SignatureInvalid
from app.intake.points.webhook import find_fault, is_signed_with, parse_secret
from app.intake.quality.queries import insert_day_counts
from app.intake.quality.signs import QUARANTINED
from app.kit.clock import uuid7
from app.kit.db.database import is_in_transaction, transaction
from app.kit.db.failure import is_passing
from app.kit.errors import Overloaded
from app.kit.jobs.queue import Job, enqueue
from app.kit.outside.rate_limit import LocalLimit
from app.kit.security.crypto import decrypt_bytes, decrypt_field, encrypt_bytes
from app.record.actions.find import lock_members
from app.values.days import shanghai_day

if TYPE_CHECKING:
    from datetime import datetime

    from app.intake.fact.item import CleanItem
    from app.intake.points.queries import WaitingEvent
    from app.intake.points.webhook import Signed
    from app.kit.jobs.pace import Pace
    from app.kit.security.auth import PartnerCaller

LOG = logging.getLogger("huixin.intake")

SECRET_COLUMN = "source_secret.secret"  # noqa: S105 - the name of a column
EVENTS_PER_MINUTE_MAX = 6_000
INSTITUTION_LIMIT = LocalLimit("points", EVENTS_PER_MINUTE_MAX, 60)
INBOX_COLUMN = "point_inbox.cipher"
WAITING_AT_ONCE_MAX = 200
FAILURES_MAX = 5
GIVEN_UP_LIFE = timedelta(days=1)


class Letter(msgspec.Struct, frozen=True):
    """What waits in the inbox: an event, and the source that reported it."""

    source: str
    event: PointEvent


class EventIdReused(Exception):  # noqa: N818 - it says what is true
    """This source has used the event id for other facts; what is counted stays."""


KIND_UNKNOWN = Flaw(
    code="kind_unknown", pointer="/kind", zh="没有这类积分的换算规则", en="there is no rule for points of this kind"
)


async def take_event(partner: PartnerCaller, event: PointEvent, signed: Signed, *, at: datetime) -> None:
    """Take an event in; the worker counts it, once, and only for a member. Refuses what is not signed, or no event.

    The person is not looked up here: neither the answer nor the time it takes says whether they have joined (decision
    28).
    """
    INSTITUTION_LIMIT.need(partner.institution_id)
    source = await _find_signer(partner, signed, at)
    judged = await _judge(source, event, at)
    if isinstance(judged, Flaw):
        raise EventRefused(judged)
    waiting_id = uuid7(at)
    letter = msgspec.json.encode(Letter(source, event))
    cipher = encrypt_bytes(letter, column=INBOX_COLUMN, row_id=waiting_id)
    async with transaction():
        await queries.insert_waiting(waiting_id, cipher, at)
        await enqueue("points")


async def count_waiting_events() -> int:
    """Count the events that wait, in the order they came in, and move the scores; how many were dealt with.

    Each is one transaction with its place in the inbox. One that fails waits for the next time, ``FAILURES_MAX`` times;
    what may pass by itself is not counted, as many runs can follow each other while a lock is held for some seconds.
    """
    done, after = 0, UUID(int=0)
    while rows := await queries.list_waiting(after, FAILURES_MAX, WAITING_AT_ONCE_MAX):
        for row in rows:
            after = row.id
            try:
                done += await _settle(row)
            except Exception as error:  # one that cannot be counted must not keep the others waiting
                LOG.exception("point event %s could not be counted", row.id)
                if not (is_passing(error) or isinstance(error, Overloaded)):
                    await queries.mark_failed(row.id)
    return done


async def count_points(_: Pace) -> None:
    """Count the events of city apps that wait."""
    await count_waiting_events()


async def forget_given_up_events(at: datetime) -> int:
    """Delete events that could not be counted again and again; how many."""
    return await queries.delete_given_up(FAILURES_MAX, at - GIVEN_UP_LIFE)


async def is_source_owner(institution_id: UUID) -> bool:
    """Whether an institution owns a registered source, and so may be given a key that reports."""
    return await queries.count_sources_of(institution_id) > 0


async def delete_points(citizen_id: UUID) -> None:
    """Delete what was counted of a citizen who leaves, inside the caller's transaction."""
    assert is_in_transaction(), "leaving is one transaction"
    await queries.delete_points(citizen_id)


async def _find_signer(partner: PartnerCaller, signed: Signed, at: datetime) -> str:
    """Return which of the institution's sources signed: the one whose secret fits."""
    header = find_fault(signed, at)
    if header is not None:
        raise SignatureInvalid(header)
    signers = set()
    for row in await queries.list_secrets(partner.institution_id, at):
        key = parse_secret(decrypt_field(row.cipher, column=SECRET_COLUMN, row_id=row.id))
        if key is not None and is_signed_with(signed, key):
            signers.add(row.source)
    if not signers:
        raise SignatureInvalid("webhook-signature")
    return signers.pop()


async def _judge(source: str, event: PointEvent, at: datetime) -> CleanItem | Flaw:
    """Return what an event says of its person, or why it cannot be counted, which does not depend on the person."""
    rule = await queries.find_rule(source, event.kind)
    return KIND_UNKNOWN if rule is None else judge_event(event, source, rule.indicator, shanghai_day(at))


async def _settle(row: WaitingEvent) -> bool:
    """Count one event that waits, or drop it: a stranger's, a repeat, one whose rule has changed since."""
    letter = msgspec.json.decode(decrypt_bytes(row.cipher, column=INBOX_COLUMN, row_id=row.id), type=Letter)
    try:
        async with transaction():
            if not await queries.delete_waiting(row.id):
                return False
            clean = await _judge(letter.source, letter.event, row.received_at)
            if not isinstance(clean, Flaw):
                (member,) = await match_people([(clean.name, clean.id_number)])
                if member is not None:
                    await _count(letter.event, clean, member.id, row.received_at)
    except EventIdReused:
        async with transaction():
            await queries.delete_waiting(row.id)
            reused = QUARANTINED + FLAWS["event_id_reused"].code
            await insert_day_counts(shanghai_day(row.received_at), {(letter.source, reused): 1})
    return True


async def _count(event: PointEvent, clean: CleanItem, citizen_id: UUID, at: datetime) -> None:
    """Count an event under its person's lock: event, total, records and score in the order everybody takes them.

    Raises ``EventIdReused``, and counts nothing, when other facts were counted under its event id.
    """
    source, kind, event_id = clean.record.source, event.kind, clean.record.event_id
    if await lock_members([citizen_id]):  # they have left
        return
    rule = await queries.lock_rule(source, kind)
    assert rule is not None, "rules are never deleted"
    if rule.indicator != clean.record.indicator:  # changed since it was judged, before anything was counted by it
        return
    digest = compute_event_digest(citizen_id, event)
    if not await queries.insert_event(source, event_id, kind, citizen_id, digest, at):
        if await queries.find_event_digest(source, event_id) != digest:
            raise EventIdReused
        return
    total = await queries.update_total(citizen_id, source, kind, compute_year(clean), event.amount)
    records = make_point_records(clean, citizen_id, compute_gain(total, event.amount, rule))
    outcomes = await store_records(records, at=at, entered_by=None)
    if set(outcomes) - {"accepted"}:  # a file of this source has used the number for something else
        raise EventIdReused


JOBS = (Job("points", "* * * * *", count_points),)
FORGETS = (forget_given_up_events,)
