"""Joining, moving to another WeChat account, leaving; and the consents that move the score."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.citizen.actions import account as citizens
from app.citizen.actions import identity as identity_actions
from app.citizen.actions import session as session_actions
from app.citizen.actions import wechat as wechat_actions
from app.citizen.paper import Person
from app.consent import actions as consents
from app.event.actions import insert_events
from app.event.feed import EVENT_TYPES, NewEvent
from app.intake.points.actions.events import delete_points
from app.intake.proposal.actions import delete_proposals
from app.intake.usage.actions import write_usage
from app.kit.clock import uuid7
from app.kit.db.database import transaction
from app.kit.errors import Unauthenticated
from app.kit.outside.rate_limit import SharedLimit
from app.kit.security.crypto import compute_keyed_digest
from app.kit.security.keys import KEYS
from app.membership.applicant import (
    IDENTITY_INDICATOR,
    TOMBSTONE_LIFETIME,
    Applicant,
    Application,
    Obstacle,
    parse_applicant,
)
from app.membership.queries import tombstones as tombstones_queries
from app.membership.refusals import (
    AlreadyJoined,
    IdentityMismatch,
    IdentityTaken,
    IdentityUnknown,
    IdNumberInvalid,
    NameInvalid,
    PhoneCodeInvalid,
    UnderAge,
)
from app.notice.actions.notices import delete_notices
from app.record.actions.find import delete_records
from app.repair.actions.citizen import delete_objections
from app.score.current.actions.rescore import delete_score, rescore
from app.values.days import shanghai_day
from app.values.names import fold_twins

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from app.consent.purposes import GivenConsent
    from app.event.feed import EventType
    from app.kit.errors import Refusal
    from app.kit.security.auth import CitizenCaller

JOINED = EVENT_TYPES.declare("citizen.joined.v1")
REBOUND = EVENT_TYPES.declare("citizen.rebound.v1")
LEFT = EVENT_TYPES.declare("citizen.left.v1")
# Every try costs money and answers whether name, number and phone belong together. So each WeChat account has a number
# of tries a day, and so has each person over all accounts, those they left too: leaving gives no new tries. But a
# stranger cannot use up a person's tries: beyond the person's limit each WeChat account still has its first two of the
# day, and the person needs one (decision 44).
IDENTITY_TRIES_MAX = 20
PERSON_TRIES_MAX = 20
FIRST_TRIES_MAX = 2
IDENTITY_PERIOD_SECONDS = 86_400
IDENTITY_LIMIT = SharedLimit("identity", IDENTITY_TRIES_MAX, IDENTITY_PERIOD_SECONDS)
PERSON_LIMIT = SharedLimit("identity-person", PERSON_TRIES_MAX, IDENTITY_PERIOD_SECONDS)
OBSTACLES: dict[Obstacle, tuple[type[Refusal], str]] = {
    Obstacle.ID_NUMBER: (IdNumberInvalid, "/idNumber"),
    Obstacle.NAME: (NameInvalid, "/name"),
    Obstacle.UNDER_AGE: (UnderAge, "/idNumber"),
}


async def join(citizen: CitizenCaller, application: Application, *, at: datetime) -> None:
    """Make a new account an active member; nothing is stored unless all of it is."""
    if citizen.state != "new":
        raise AlreadyJoined
    await consents.check_missing(application.accepted)
    person = await _prove(citizen, application, at)
    async with transaction():
        await _bind(citizen.id, person, at)
        await consents.give_consents(citizen.id, application.accepted, at=at)
        is_new = await write_usage(
            citizen.id, IDENTITY_INDICATOR, by="membership", event_id=f"identity:{citizen.id}",
            event_on=shanghai_day(at), at=at,
        )  # fmt: skip
        assert is_new, "a new member has no identity record yet"
        await insert_events([_event(JOINED, citizen.id, at)])


async def rebind(citizen: CitizenCaller, application: Application, *, at: datetime) -> session_actions.Tokens:
    """Move a membership to the WeChat account that proves the same identity, and return its fresh tokens.

    The old account's tokens and codes die; the empty account that asked ends.
    """
    if citizen.state != "new":
        raise AlreadyJoined
    await consents.check_consents(application.accepted)
    person = await _prove(citizen, application, at)
    number = person.id_number.number
    member_id = await identity_actions.find_member(number)
    if member_id is None:
        raise IdentityUnknown
    async with transaction():
        accounts = await identity_actions.lock_accounts([citizen.id, member_id])
        if accounts[citizen.id].state != "new":
            raise AlreadyJoined if accounts[citizen.id].state == "active" else Unauthenticated
        if not identity_actions.is_bound_to(accounts[member_id], number):  # they left while the provider was asked
            raise IdentityUnknown
        await identity_actions.move_openid(accounts[citizen.id], accounts[member_id], person, at=at)
        for account_id in (citizen.id, member_id):
            await citizens.revoke_sessions(account_id, because="moved to another WeChat account", at=at)
        await citizens.raise_code_generation(member_id)
        if application.accepted:
            await consents.give_consents(member_id, application.accepted, at=at)
            await rescore([member_id], at=at)
        await insert_events([_event(REBOUND, member_id, at)])
        return await session_actions.open_session(member_id, "active", at=at)


async def leave(citizen: CitizenCaller, *, at: datetime) -> None:
    """End a membership: when this returns, tokens, codes, personal fields, consents, records and score are gone."""
    async with transaction():
        account = await identity_actions.lock_caller(citizen.id)
        number = identity_actions.read_id_number(account)
        if number is not None and account.cap_holder_id is not None:
            await identity_actions.lock_id_number(number)
            await tombstones_queries.insert_tombstone(
                citizen.id,
                person_hash=compute_tombstone_hash(number),
                cap_holder_id=account.cap_holder_id,
                left_at=at,
                forget_at=at + TOMBSTONE_LIFETIME,
            )
        await citizens.revoke_sessions(citizen.id, because="left", at=at)
        await consents.forget_consents(citizen.id)
        await delete_objections(citizen.id)
        await delete_points(citizen.id)
        await delete_proposals(citizen.id)
        await delete_records(citizen.id)
        await delete_score(citizen.id)
        await delete_notices(citizen.id)
        await identity_actions.close_account(citizen.id, at=at)
        await insert_events([_event(LEFT, citizen.id, at)])


async def give_consent(citizen: CitizenCaller, purpose: str, version: int, *, at: datetime) -> GivenConsent:
    """Accept a consent text and return the consent; records that need it count at once."""
    citizen.need_active()
    await consents.check_consent(purpose, version)
    async with transaction():
        await identity_actions.lock_caller(citizen.id)
        (given,) = await consents.give_consents(citizen.id, [(purpose, version)], at=at)
        await rescore([citizen.id], at=at)
    return given


async def withdraw_consent(citizen: CitizenCaller, purpose: str, *, at: datetime) -> GivenConsent:
    """Withdraw a separate consent and return it; records that needed it stop counting at once."""
    citizen.need_active()
    async with transaction():
        await identity_actions.lock_caller(citizen.id)
        withdrawn = await consents.withdraw_consent(citizen.id, purpose, at=at)
        await rescore([citizen.id], at=at)
    return withdrawn


async def forget_old_tombstones(at: datetime) -> int:
    """Delete tombstones whose year is over, and return how many; the worker does this daily."""
    return await tombstones_queries.delete_old_tombstones(at)


async def _prove(citizen: CitizenCaller, application: Application, at: datetime) -> Person:
    """Ask WeChat for the phone, and the identity provider whether it is this person's; every try is counted."""
    applicant = _read_applicant(application, at)
    await _count_try(citizen, applicant)
    phone = await wechat_actions.fetch_phone_number(application.phone_code)
    if phone is None:
        raise PhoneCodeInvalid
    for name in dict.fromkeys((applicant.name, fold_twins(applicant.name))):
        person = Person(name=name, id_number=applicant.id_number, phone=phone)
        if await identity_actions.verify_identity(person):
            return person  # in the spelling that the provider has
    raise IdentityMismatch


async def _count_try(citizen: CitizenCaller, applicant: Applicant) -> None:
    account_name, person_name = await identity_actions.compute_try_names(citizen.id, applicant.id_number.number)
    own = await IDENTITY_LIMIT.count(account_name)
    own.answer()
    persons = await PERSON_LIMIT.count(person_name)
    if own.tries > FIRST_TRIES_MAX:
        persons.answer()


async def _bind(citizen_id: UUID, person: Person, at: datetime) -> None:
    """Bind a person to a new account, inside the caller's transaction; within a year of leaving the old caps go on."""
    number = person.id_number.number
    account = await identity_actions.lock_caller(citizen_id)
    if account.state != "new":
        raise AlreadyJoined
    await identity_actions.lock_id_number(number)
    cap_holder_id = await tombstones_queries.take_tombstone(compute_tombstone_hash(number), at) or uuid7(at)
    if not await identity_actions.bind_person(citizen_id, person, cap_holder_id=cap_holder_id, at=at):
        raise IdentityTaken


def compute_tombstone_hash(id_number: str) -> bytes:
    """Return the digest that recognises a person who left, under a key of its own."""
    return compute_keyed_digest(KEYS.ring.tombstone, "tombstone", id_number)


def _read_applicant(application: Application, at: datetime) -> Applicant:
    applicant = parse_applicant(application.name, application.id_number, shanghai_day(at))
    if isinstance(applicant, Obstacle):
        kind, pointer = OBSTACLES[applicant]
        raise kind(errors=[kind.fault(pointer)])
    return applicant


def _event(kind: EventType, citizen_id: UUID, at: datetime) -> NewEvent:
    return NewEvent(type=kind, subject_id=citizen_id, citizen_id=citizen_id, at=at)


FORGETS = (forget_old_tombstones,)
