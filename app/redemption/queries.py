"""The hot SQL of this room: many scans, many redemptions, many facts, each in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

import msgspec

from app.kit.database import fetch_all, read_sql
from app.redemption.rules import SCAN_LIFETIME_SECONDS, Outcome


class RedeemItem(msgspec.Struct, frozen=True, kw_only=True):
    """One redemption to try; the fields are the parameters of ``redeem.sql`` in order."""

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
    """What became of an item; ``answer`` is the earlier one of a replay."""

    outcome: Outcome
    answer: bytes | None = None


class ScanItem(msgspec.Struct, frozen=True, kw_only=True):
    """One code to claim; the fields are the parameters of ``scan.sql`` in order."""

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
    """The scan that owns the code here; None when another store owns it."""

    scan_id: UUID | None
    expires_at: datetime | None


class PersonRow(msgspec.Struct, frozen=True, kw_only=True):
    """A citizen with the score they have now."""

    account_number: int
    id: UUID
    state: str
    code_generation: int
    birth_on: date | None
    name_cipher: bytes | None
    cap_holder_id: UUID | None
    score: int | None
    level: str | None
    honours: str | None


class ScannedPersonRow(PersonRow, frozen=True, kw_only=True):
    """A citizen reached by a scan."""

    scan_id: UUID
    institution_id: UUID
    store_id: UUID
    terminal_id: UUID
    scenario: str | None
    expires_at: datetime


class EarlierAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a key was answered before; a reversal's key has no redemption answer."""

    institution_id: UUID
    idempotency_key: str
    request_digest: bytes
    answer: bytes


PERSON_COLUMNS = """citizen.account_number, citizen.id, citizen.state, citizen.code_generation, citizen.birth_on,
    citizen.name_cipher, citizen.cap_holder_id, score_snapshot.value AS score, score_snapshot.level,
    score_snapshot.honours"""


async def redeem_many(items: Sequence[RedeemItem]) -> list[RedeemOutcome]:
    """Redeem a batch; one outcome per item, in order."""
    return await fetch_all(RedeemOutcome, read_sql(__file__, "redeem"), *_columns(items))


async def scan_many(items: Sequence[ScanItem]) -> list[ScanOutcome]:
    """Claim a batch of codes; one outcome per item, in order."""
    lifetime = timedelta(seconds=SCAN_LIFETIME_SECONDS)
    return await fetch_all(ScanOutcome, read_sql(__file__, "scan"), *_columns(items), lifetime)


async def find_people(account_numbers: Sequence[int]) -> list[PersonRow]:
    """Read the facts of the citizens behind codes."""
    return await fetch_all(
        PersonRow,
        f"""SELECT {PERSON_COLUMNS} FROM citizen LEFT JOIN score_snapshot ON score_snapshot.citizen_id = citizen.id
        WHERE citizen.account_number = ANY($1::bigint[])""",
        account_numbers,
    )


async def find_scanned_people(scans: Sequence[tuple[date, UUID]]) -> list[ScannedPersonRow]:
    """Read scans and the facts of the citizens behind them."""
    return await fetch_all(
        ScannedPersonRow,
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


async def find_earlier_answers(institution_ids: Sequence[UUID], keys: Sequence[str]) -> list[EarlierAnswer]:
    """Read what these (institution, key) pairs were answered before, by a redemption or a reversal."""
    return await fetch_all(
        EarlierAnswer,
        """
        SELECT wanted.institution_id, wanted.idempotency_key, found.request_digest, found.answer
        FROM unnest($1::uuid[], $2::text[]) AS wanted (institution_id, idempotency_key)
        CROSS JOIN LATERAL (
            SELECT request_digest, answer FROM redemption AS r
            WHERE r.idempotency_key = wanted.idempotency_key
                AND (r.institution_id = wanted.institution_id) IS TRUE
            UNION ALL
            SELECT request_digest, answer FROM reversal AS v
            WHERE v.idempotency_key = wanted.idempotency_key
                AND (v.institution_id = wanted.institution_id) IS TRUE
            LIMIT 1
        ) AS found
        """,
        institution_ids,
        keys,
    )


def _columns(items: Sequence[msgspec.Struct]) -> list[tuple[object, ...]]:
    """Turn rows into one array per parameter."""
    return list(zip(*(msgspec.structs.astuple(item) for item in items), strict=True))
