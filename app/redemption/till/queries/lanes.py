"""The hot SQL of this room: each statement serves many scans, redemptions or citizens at once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import cache
from uuid import UUID

import msgspec

from app.kit.db.database import borrow, fetch_all, read_sql
from app.redemption.till.redeeming import SCAN_LIFETIME_SECONDS, Outcome, Person, ScannedPerson


class RedeemItem(msgspec.Struct, frozen=True, kw_only=True):
    """One redemption to try; the fields are the parameters of ``redeem.sql`` in their order.

    ``slot_day`` is the UTC day of the code, which ``scan_id`` begins with.
    """

    id: UUID
    institution_id: UUID
    idempotency_key: str
    request_digest: bytes
    reference: str
    slot_day: date
    code_id: str | None
    scan_id: UUID
    citizen_id: UUID
    cap_holder_id: UUID | None
    step: int
    period_on: date
    period_ends_on: date
    cap: int | None
    store_id: UUID
    terminal_id: UUID
    scenario: str | None
    benefit_id: UUID
    benefit_code: str
    title: str
    campaign_version: int
    stock: int | None
    amount_fen: int | None
    discount_fen: int | None
    at: datetime
    scan_expires_at: datetime
    reversible_until: datetime
    answer: bytes


class RedeemOutcome(msgspec.Struct, frozen=True):
    """What became of an item."""

    outcome: Outcome


class UnloggedOutcome(RedeemOutcome, frozen=True):
    """A refusal that the statement did not live to log: it was undone when the item lost a race."""


class ReplayedOutcome(RedeemOutcome, frozen=True):
    """The same request again, with the earlier answer, which is looked up after the statement."""

    answer: bytes


class ScanItem(msgspec.Struct, frozen=True, kw_only=True):
    """One code to claim; the fields are the parameters of ``scan.sql`` in their order."""

    slot_day: date
    code_id: str
    scan_id: UUID
    institution_id: UUID
    store_id: UUID
    terminal_id: UUID
    citizen_id: UUID
    scenario: str | None
    at: datetime
    expires_at: datetime
    told: str


class ScanOutcome(msgspec.Struct, frozen=True):
    """The scan that this store has of the code; None when the code belongs to another store."""

    scan_id: UUID | None
    expires_at: datetime | None


class KeyAsked(msgspec.Struct, frozen=True, kw_only=True):
    """An institution's Idempotency-Key, the reference its request brings, and the day of its code, where it has one."""

    institution_id: UUID
    idempotency_key: str
    reference: str | None
    slot_day: date | None


class EarlierAnswer(msgspec.Struct, frozen=True):
    """The answer that a key had before, and the digest of the request it was for."""

    request_digest: bytes
    answer: bytes


PERSON_COLUMNS = """citizen.account_number, citizen.id, citizen.state, citizen.code_generation, citizen.birth_on,
    citizen.name_cipher, citizen.cap_holder_id, score_snapshot.value AS score, score_snapshot.level,
    score_snapshot.honours"""


@cache
def write_redeem(*, has_stock: bool) -> str:
    """Return the statement for a batch; the steps that take from a stock are left out where no item has one.

    Each of the two texts is prepared once per connection: a step that has no work costs every batch all the same.
    """
    other = "unlimited" if has_stock else "limited"
    return _MARK.sub("", _block_of(other).sub("", read_sql(__file__, "redeem")))


async def redeem_many(items: Sequence[RedeemItem]) -> list[RedeemOutcome]:
    """Redeem a batch; one outcome per item, in order. The answer of a ``repeated`` item is looked up by the caller."""
    statement = write_redeem(has_stock=any(item.stock is not None for item in items))
    return await fetch_all(RedeemOutcome, statement, *_columns(items))


async def scan_many(items: Sequence[ScanItem]) -> list[ScanOutcome]:
    """Claim a batch of codes; one outcome per item, in order."""
    lifetime = timedelta(seconds=SCAN_LIFETIME_SECONDS)
    return await fetch_all(ScanOutcome, read_sql(__file__, "scan"), *_columns(items), lifetime)


async def find_people(account_numbers: Sequence[int]) -> list[Person]:
    """Read the facts of the citizens behind codes."""
    return await fetch_all(
        Person,
        f"""SELECT {PERSON_COLUMNS} FROM citizen LEFT JOIN score_snapshot ON score_snapshot.citizen_id = citizen.id
        WHERE citizen.account_number = ANY($1::bigint[])""",
        account_numbers,
    )


async def find_scanned_people(scans: Sequence[tuple[date, UUID]]) -> list[ScannedPerson]:
    """Read scans and the facts of the citizens behind them."""
    return await fetch_all(
        ScannedPerson,
        f"""SELECT {PERSON_COLUMNS}, scan.id AS scan_id, scan.institution_id, scan.store_id, scan.terminal_id,
            scan.scenario, scan.expires_at
        FROM unnest($1::date[], $2::uuid[]) AS wanted (slot_day, id)
        CROSS JOIN LATERAL (
            SELECT * FROM scan WHERE scan.id = wanted.id AND scan.slot_day = wanted.slot_day LIMIT 1
        ) AS scan
        JOIN citizen ON citizen.id = scan.citizen_id
        LEFT JOIN score_snapshot ON score_snapshot.citizen_id = citizen.id""",
        [day for day, _ in scans],
        [scan_id for _, scan_id in scans],
    )


async def find_earlier_answers(asked: Sequence[KeyAsked]) -> list[EarlierAnswer | None]:
    """Read the answers that keys had before, in order; None for a key that has none.

    The answer to the same request is found by its reference, whenever the repeat comes; the answer to another request
    under the key only on the day of the code; that of a reversal at any time.
    """
    async with borrow() as connection:
        rows = await connection.fetch(
            """
            SELECT found.request_digest, found.answer
            FROM unnest($1::uuid[], $2::text[], $3::text[], $4::date[])
                WITH ORDINALITY AS asked (institution_id, idempotency_key, reference, slot_day, n)
            LEFT JOIN LATERAL (
                SELECT request_digest, answer FROM redemption AS r
                WHERE r.reference = asked.reference AND (r.idempotency_key = asked.idempotency_key) IS TRUE
                    AND (r.institution_id = asked.institution_id) IS TRUE
                UNION ALL
                SELECT request_digest, answer FROM redemption AS r
                WHERE r.slot_day = asked.slot_day AND r.idempotency_key = asked.idempotency_key
                    AND (r.institution_id = asked.institution_id) IS TRUE
                UNION ALL
                SELECT request_digest, answer FROM reversal AS v
                WHERE v.idempotency_key = asked.idempotency_key AND (v.institution_id = asked.institution_id) IS TRUE
                LIMIT 1
            ) AS found ON true
            ORDER BY n
            """,
            *_columns(asked),
        )
    return [None if row["answer"] is None else EarlierAnswer(**row) for row in rows]


def _columns(items: Sequence[msgspec.Struct]) -> list[tuple[object, ...]]:
    """Turn items into one array per parameter."""
    return list(zip(*(msgspec.structs.astuple(item) for item in items), strict=True))


def _block_of(kind: str) -> re.Pattern[str]:
    return re.compile(rf"^--\[ {kind}\n.*?^--\]\n", re.MULTILINE | re.DOTALL)


_MARK = re.compile(r"^--[\[\]].*\n", re.MULTILINE)
