"""A plain city to redeem in: citizens with scores and sessions, partners with tills, a cold and a hot benefit.

Its citizens are plain on purpose: each may redeem, and none has a name to decrypt. `huixin city generate` makes people.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TypeAlias
from uuid import UUID

import asyncpg
import msgspec

from app.kit.clock import now, uuid7
from app.kit.security.auth import issue_token
from app.kit.security.keys import KEYS
from app.partner.directory import compute_key_prefix, compute_secret_hash

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
CITIZENS = 20_000
READERS = 2_000
INSTITUTIONS = 20
TILLS = 25
SPREAD_BENEFITS = 5
DISTRICT = "990000"  # nobody else lives there, should the city have people already


class Till(msgspec.Struct, frozen=True):
    """Where a code is scanned, and what can be redeemed there."""

    institution_id: UUID
    store_id: UUID
    terminal_id: UUID
    api_key: str
    benefit_ids: list[UUID]


class City(msgspec.Struct, frozen=True):
    """What the load is made of: those who show codes at tills, and those who read their score on the phone."""

    accounts: list[int]
    readers: list[UUID]
    tokens: list[str]
    tills: list[Till]
    hot: Till


async def make_city(database_url: str) -> City:
    """Fill an empty, migrated database."""
    connection = await asyncpg.connect(database_url)
    await connection.execute("SET statement_timeout = 0")
    accounts, readers, tokens = await _make_citizens(connection)
    tills = [till for _ in range(INSTITUTIONS) for till in await _make_institution(connection, stock=None)]
    hot = (await _make_institution(connection, stock=100_000_000))[0]
    await connection.executemany(  # nothing is out: the places are counted before the first redemption
        "INSERT INTO benefit_usage (benefit_id, is_whole) VALUES ($1, true)", [(one,) for one in hot.benefit_ids]
    )
    await connection.execute("UPDATE cache_version SET version = version + 1")
    await connection.execute("VACUUM ANALYZE")
    await connection.close()
    return City(accounts, readers, tokens, tills, hot)


async def _make_citizens(connection: Connection) -> tuple[list[int], list[UUID], list[str]]:
    at = now()
    await connection.execute(
        """INSERT INTO citizen (id, account_number, state, id_number_index, id_number_cipher, person_index, name_cipher,
            birth_on, district, cap_holder_id, created_at, joined_at)
        SELECT uuidv7(), n * 49979 % 1000000000, 'active', sha256(n::text::bytea), 'x', sha256(n::text::bytea), 'x',
            '1990-01-01', '990000', gen_random_uuid(), $2, $2
        FROM generate_series(1, 2 * $1::bigint) AS n
        WHERE NOT EXISTS (SELECT FROM citizen c WHERE c.account_number = n * 49979 % 1000000000) LIMIT $1""",
        CITIZENS,
        at,
    )
    await connection.execute(
        """INSERT INTO score_snapshot (citizen_id, value, level, dimensions, honours, parts, rule_book_id, as_of,
            inputs_hash, computed_at)
        SELECT citizen.id, 655, 'L4', '[]', '[]', '{}', rule_book.id, $1, '', $2
        FROM citizen, rule_book WHERE rule_book.state = 'active' AND citizen.district = $3""",
        at.date(),
        at,
        DISTRICT,
    )
    await connection.execute(
        """INSERT INTO citizen_session (id, citizen_id, created_at)
        SELECT uuidv7(), id, $1 FROM citizen WHERE district = $2""",
        at,
        DISTRICT,
    )
    rows = await connection.fetch(
        """SELECT account_number, citizen.id, citizen_session.id AS session_id
        FROM citizen JOIN citizen_session ON citizen_id = citizen.id WHERE citizen.district = $1""",
        DISTRICT,
    )
    tokens = [
        issue_token(
            key=KEYS.ring.token[-1],
            audience="citizen",
            subject=row["id"],
            session=row["session_id"],
            now=int(at.timestamp()),
            lifetime_seconds=3600,
        )
        for row in rows[:READERS]
    ]
    accounts = [row["account_number"] for row in rows[READERS:]]
    return accounts, [row["id"] for row in rows[:READERS]], tokens


async def _make_institution(connection: Connection, *, stock: int | None) -> list[Till]:
    at, institution_id, key_id = now(), uuid7(), uuid7()
    name = institution_id.hex[-12:]
    api_key = f"{compute_key_prefix(key_id)}_{secrets.token_urlsafe(32)}"
    await connection.execute(
        "INSERT INTO institution VALUES ($1, $2, 'merchant', 'active', $3)", institution_id, name, at
    )
    await connection.execute(
        """INSERT INTO api_key (id, institution_id, name, secret_hash, scopes, state, created_at, expires_at)
        VALUES ($1, $2, 'bench', $3, '{scan,redeem,read}', 'active', $4, $5)""",
        key_id,
        institution_id,
        compute_secret_hash(api_key),
        at,
        at + timedelta(days=1),
    )
    benefit_ids = await _make_campaign(connection, institution_id, stock)
    tills = []
    for number in range(TILLS):
        store_id, terminal_id = uuid7(), uuid7()
        await connection.execute(
            "INSERT INTO store VALUES ($1, $2, $3, 'active', $4)", store_id, institution_id, f"store {number}", at
        )
        await connection.execute(
            "INSERT INTO terminal VALUES ($1, $2, $3, 'till', 'active', $4)", terminal_id, institution_id, store_id, at
        )
        tills.append(Till(institution_id, store_id, terminal_id, api_key, benefit_ids))
    return tills


async def _make_campaign(connection: Connection, institution_id: UUID, stock: int | None) -> list[UUID]:
    at, campaign_id = now(), uuid7()
    officials = [uuid7(), uuid7()]
    for official_id in officials:
        await connection.execute(
            """INSERT INTO official (id, username, roles, state, password_hash, totp_cipher, created_at)
            VALUES ($1, $2, '{editor}', 'active', '', '', $3)""",
            official_id,
            f"bench-{official_id.hex[-12:]}",
            at,
        )
    benefits = [_describe_benefit(number, stock) for number in range(SPREAD_BENEFITS)]
    document = {
        "title": "bench", "summary": "bench", "startsAt": at - timedelta(days=1), "endsAt": at + timedelta(days=1),
        "benefits": benefits,
    }  # fmt: skip
    await connection.execute(
        """INSERT INTO campaign (id, institution_id, state, live_version, head_version, created_at)
        VALUES ($1, $2, 'live', 1, 1, $3)""",
        campaign_id,
        institution_id,
        at,
    )
    await connection.execute(
        """INSERT INTO campaign_version (campaign_id, version, state, document, drafted_by, drafted_at, submitted_by,
            submitted_at, decided_by, decided_at)
        VALUES ($1, 1, 'approved', $2::text::jsonb, $3, $5, $3, $5, $4, $5)""",
        campaign_id,
        msgspec.json.encode(document).decode(),
        *officials,
        at,
    )
    ids = [uuid7() for _ in benefits]
    for benefit_id, benefit in zip(ids, benefits, strict=True):
        await connection.execute(
            "INSERT INTO benefit VALUES ($1, $2, $3, $4)", benefit_id, institution_id, campaign_id, benefit["code"]
        )
    return ids


def _describe_benefit(number: int, stock: int | None) -> dict[str, object]:
    steps = [
        {"atLeast": at_least, "grant": {"type": "percentOff", "percent": percent, "maxFen": 10_000}}
        for at_least, percent in ((600, 5), (650, 10), (680, 15))
    ]
    benefit: dict[str, object] = {
        "code": f"B{number}", "title": "维修优惠", "kind": "fee_reduction", "scenario": "garage",
        "eligibility": {"type": "scoreAtLeast", "value": 600},
        "grant": {"type": "steps", "by": "score", "steps": steps},
        "perCitizen": {"count": 1000, "period": "month"},
    }  # fmt: skip
    return benefit if stock is None else benefit | {"stock": stock}
