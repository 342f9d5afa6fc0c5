"""Proving who somebody is, and binding, moving and forgetting what was proven. Membership decides when."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from app.citizen.actions.sealing import (
    ID_NUMBER,
    NAME,
    OPENID,
    PHONE,
    compute_id_number_index,
    open_field,
    seal_openid,
    seal_person,
)
from app.citizen.answers import judge_result, judge_tencent
from app.citizen.clients.identity import ApiError, verify_person
from app.citizen.paper import Person, parse_id_number
from app.citizen.queries import accounts as accounts_queries
from app.kit.clock import now
from app.kit.db.database import is_in_transaction
from app.kit.errors import MisconfiguredHere, OutsideServiceUnavailable, RateLimited, Unauthenticated
from app.kit.security.crypto import blind_index, decrypt_field
from app.values.days import compute_seconds_left

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from app.citizen.queries.accounts import BoundAccount

LOG = logging.getLogger("huixin.citizen")
TRIES_PURPOSE = "identity tries"


async def verify_identity(person: Person) -> bool:
    """Return whether name, ID number and phone belong to one person, as the identity provider sees it."""
    answer = await verify_person(name=person.name, id_number=person.id_number.number, phone=person.phone)
    if answer.error is not None:
        _refuse(answer.error)
    verdict = judge_result(answer.result)
    if verdict == "away":
        LOG.warning("the identity provider gave no verdict: result %s", answer.result or "none")
        raise OutsideServiceUnavailable
    if verdict == "day":
        raise RateLimited(retry_after_seconds=compute_seconds_left(now()))
    return verdict == "match"


async def lock_accounts(citizen_ids: list[UUID]) -> dict[UUID, BoundAccount]:
    """Lock accounts in id order, inside the caller's transaction; what became of them meanwhile is in ``state``."""
    return {row.id: row for row in await accounts_queries.find_bound_for_update(citizen_ids)}


async def lock_caller(citizen_id: UUID) -> BoundAccount:
    """Lock the account of who is asking, inside the caller's transaction; refuse when it has ended meanwhile."""
    account = (await lock_accounts([citizen_id]))[citizen_id]
    if account.state not in ("new", "active"):
        raise Unauthenticated
    return account


async def lock_id_number(number: str) -> None:
    """Let one transaction at a time bind or free an ID number; take it after the accounts' own locks.

    The unique key alone would let somebody who joins while their old account leaves miss its tombstone.
    """
    await accounts_queries.lock_person(int.from_bytes(compute_id_number_index(number)[:8], signed=True))


async def find_member(number: str) -> UUID | None:
    """Find the account an ID number is bound to."""
    return await accounts_queries.find_holder(compute_id_number_index(number))


def is_bound_to(account: BoundAccount, number: str) -> bool:
    """Whether an account, as locked, belongs to an ID number."""
    return account.state == "active" and account.id_number_index == compute_id_number_index(number)


def read_id_number(account: BoundAccount) -> str | None:
    """Return the ID number an account is bound to, in clear."""
    return open_field(account.id_number_cipher, ID_NUMBER, account.id)


async def read_person(citizen_id: UUID) -> Person | None:
    """Return who a member is, in clear, for an official who must know; the caller writes the access log.

    None for who has left. Inside the transaction that writes it: no log, no data.
    """
    assert is_in_transaction(), "who reads a name is written down with it"
    row = await accounts_queries.find_sealed_fields(citizen_id)
    if row is None:
        return None
    id_number = parse_id_number(decrypt_field(row.id_number_cipher, column=ID_NUMBER, row_id=citizen_id))
    assert id_number is not None, "only well-formed numbers are bound"
    return Person(
        name=decrypt_field(row.name_cipher, column=NAME, row_id=citizen_id),
        id_number=id_number,
        phone=decrypt_field(row.phone_cipher, column=PHONE, row_id=citizen_id),
    )


async def compute_try_names(citizen_id: UUID, number: str) -> tuple[str, str]:
    """Return the names under which tries to prove an identity are counted: of the WeChat account, and of the person.

    Keyed hashes of their own, whatever account it is by now: leaving and coming back changes neither, and neither is
    found anywhere else.
    """
    openid_index = await accounts_queries.find_openid_index(citizen_id)
    if openid_index is None:  # the account has ended meanwhile
        raise Unauthenticated
    return (
        blind_index("openid", openid_index.hex(), purpose=TRIES_PURPOSE).hex(),
        blind_index("person", number, purpose=TRIES_PURPOSE).hex(),
    )


async def bind_person(citizen_id: UUID, person: Person, *, cap_holder_id: UUID, at: datetime) -> bool:
    """Make a new account an active one, inside the caller's transaction; False when the ID number is taken."""
    return await accounts_queries.mark_active(
        citizen_id, seal_person(citizen_id, person), cap_holder_id=cap_holder_id, at=at
    )


async def move_openid(empty: BoundAccount, member: BoundAccount, person: Person, *, at: datetime) -> None:
    """Give a member the openid of an empty account, which ends; inside the caller's transaction."""
    openid = open_field(empty.openid_cipher, OPENID, empty.id)
    assert openid is not None, "an account that has not left has an openid"
    await accounts_queries.mark_left(empty.id, at)  # first: an openid belongs to one account at any moment
    openid_index, openid_cipher = seal_openid(member.id, openid)
    await accounts_queries.mark_moved(
        member.id, seal_person(member.id, person), openid_index=openid_index, openid_cipher=openid_cipher
    )


async def close_account(citizen_id: UUID, *, at: datetime) -> None:
    """Forget everything personal of an account and kill its codes, inside the caller's transaction."""
    await accounts_queries.mark_left(citizen_id, at)


def _refuse(error: ApiError) -> None:
    if judge_tencent(error.code) == "ours":
        LOG.error("the identity provider refuses our calls with %s: check its secret id, key and account", error.code)
        raise MisconfiguredHere
    LOG.warning("the identity provider refuses with %s; it is asked again next time", error.code)
    raise OutsideServiceUnavailable
