"""Makes citizens with a given score and benefits in force straight in the database, and plays a till over HTTP."""

from __future__ import annotations

import itertools
import secrets
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import msgspec

from app.campaign.catalogue.actions import catalogue
from app.campaign.terms.document import Benefit, CampaignDocument
from app.credit_code.short_form import compute_slot, encode_code
from app.kit.clock import now, uuid7
from app.kit.db.cache import bump, refresh_all
from app.kit.db.database import execute, fetch_value, transaction
from app.kit.security.auth import issue_token
from app.kit.security.crypto import encrypt_field
from app.kit.security.keys import KEYS
from app.kit.web.paging import encode_cursor
from tests.support.officials import make_official

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response

    from tests.support.partners import Partner


_SALTS = itertools.count()


class Shopper(msgspec.Struct, frozen=True):
    """A citizen as a till meets them; ``name`` is planted to be searched for."""

    id: UUID
    account_number: int
    cap_holder_id: UUID
    name: str
    headers: dict[str, str]


async def make_shopper(
    *, score: int = 700, level: str = "L5", honours: str = "[]", name: str = "秦始皇", birth_on: date = date(1990, 5, 1)
) -> Shopper:
    """Store an active citizen with a snapshot and a session."""
    citizen_id, session_id, account, at = uuid7(), uuid7(), secrets.randbelow(10**9), now()
    cap_holder_id = uuid4()
    async with transaction():
        await execute(
            """INSERT INTO citizen (id, account_number, state, id_number_index, id_number_cipher, person_index,
                name_cipher, birth_on, district, cap_holder_id, created_at, joined_at)
            VALUES ($1, $2, 'active', $3, 'x', $3, $4, $5, '990000', $6, $7, $7)""",
            citizen_id, account, secrets.token_bytes(32),
            encrypt_field(name, column="citizen.name", row_id=citizen_id), birth_on, cap_holder_id, at,
        )  # fmt: skip
        await execute(  # in the old form, which the city of the version before in the test of upgrading has, too
            """INSERT INTO score_snapshot (citizen_id, value, level, dimensions, honours, parts, rule_book_id, as_of,
                inputs_hash, computed_at)
            SELECT $1, $2, $3, '[]', $4::jsonb, '{}', id, $5, '', $6 FROM rule_book WHERE state = 'active'""",
            citizen_id, score, level, honours, at.date(), at,
        )  # fmt: skip
        await execute(
            "INSERT INTO citizen_session (id, citizen_id, created_at) VALUES ($1, $2, $3)", session_id, citizen_id, at
        )
    token = issue_token(
        key=KEYS.ring.token[-1], audience="citizen", subject=citizen_id, session=session_id,
        now=int(at.timestamp()), lifetime_seconds=600,
    )  # fmt: skip
    return Shopper(citizen_id, account, cap_holder_id, name, {"Authorization": f"Bearer {token}"})


def show_code(shopper: Shopper, *, generation: int = 0, slots_ago: int = 0) -> str:
    """Return a code the citizen's phone would show now, or showed some slots ago."""
    at = now()
    return encode_code(
        key=KEYS.code_keys(at.timestamp())[0].key,
        account_number=shopper.account_number,
        slot=compute_slot(at) - slots_ago,
        generation=generation,
        salt=next(_SALTS) % 100,  # never the one before: two codes of a test must differ
    )


async def make_benefit(partner: Partner, **fields: Any) -> UUID:
    """Put one benefit in force at a partner; ``fields`` are those of the API, in camelCase."""
    days = {"startsAt": now() - timedelta(days=1), "endsAt": now() + timedelta(days=30)}
    window = {name: fields.pop(name, value) for name, value in days.items()}
    state = fields.pop("state", "live")
    benefit = {
        "code": f"B_{secrets.token_hex(6).upper()}", "title": "维修优惠", "kind": "fee_reduction", "scenario": "garage",
        "eligibility": {"type": "scoreAtLeast", "value": 600},
        "grant": {"type": "percentOff", "percent": 10, "maxFen": 10000},
    } | fields  # fmt: skip
    document = msgspec.convert(
        {"title": "测试活动", "summary": "测试", **window, "benefits": [msgspec.convert(benefit, Benefit)]},
        CampaignDocument,
    )
    campaign_id, benefit_id, at = uuid7(), uuid7(), now()
    maker, checker = await make_official(roles=["editor"]), await make_official(roles=["reviewer"])
    async with transaction():
        await execute(
            """INSERT INTO campaign (id, institution_id, state, live_version, head_version, created_at)
            VALUES ($1, $2, $3, 1, 1, $4)""",
            campaign_id, partner.institution_id, state, at,
        )  # fmt: skip
        await execute(
            """INSERT INTO campaign_version (campaign_id, version, state, document, drafted_by, drafted_at,
                submitted_by, submitted_at, decided_by, decided_at)
            VALUES ($1, 1, 'approved', $2::jsonb, $3, $5, $3, $5, $4, $5)""",
            campaign_id, msgspec.json.encode(document).decode(), maker.id, checker.id, at,
        )  # fmt: skip
        await execute(
            "INSERT INTO benefit (id, institution_id, campaign_id, code) VALUES ($1, $2, $3, $4)",
            benefit_id, partner.institution_id, campaign_id, benefit["code"],
        )  # fmt: skip
        await bump("catalogue")
    await refresh_all([catalogue])
    return benefit_id


async def scan(client: AsyncClient, partner: Partner, code: str, terminal: int = 0, **more: Any) -> Response:
    """Scan a code at one of a partner's terminals."""
    body = {"code": code, "terminalId": str(partner.terminal_ids[terminal]), **more}
    return await client.post("/v1/partner/scans", json=body, headers=partner.headers)


async def redeem(
    client: AsyncClient,
    partner: Partner,
    benefit_id: UUID,
    *,
    key: str | None = None,
    terminal: int = 0,
    reference: str | None = None,
    **body: Any,
) -> Response:
    """Redeem a benefit at one of a partner's terminals; give ``code`` or ``scanId``."""
    wanted = {
        "benefitId": str(benefit_id), "terminalId": str(partner.terminal_ids[terminal]),
        "reference": reference or secrets.token_hex(12), **body,
    }  # fmt: skip
    headers = partner.headers | {"Idempotency-Key": key or secrets.token_hex(12)}
    return await client.post("/v1/partner/redemptions", json=wanted, headers=headers)


async def reverse(
    client: AsyncClient, partner: Partner, redemption_id: str, *, key: str | None = None, reason: str = "扫错商品"
) -> Response:
    """Reverse a redemption."""
    headers = partner.headers | {"Idempotency-Key": key or secrets.token_hex(12)}
    path = f"/v1/partner/redemptions/{redemption_id}/reverse"
    return await client.post(path, json={"reason": reason}, headers=headers)


async def find_mine(client: AsyncClient, shopper: Shopper, benefit_id: UUID) -> dict[str, Any]:
    """Return a benefit as the citizen's phone lists it, however many others the city has by now."""
    cursor = encode_cursor(UUID(int=benefit_id.int - 1))
    answer = await client.get(f"/v1/me/benefits?limit=1&cursor={cursor}", headers=shopper.headers)
    (found,) = answer.json()["data"]
    assert found["id"] == str(benefit_id)
    return dict(found)


async def count(table: str, **where: object) -> int:
    """Count rows of a table by equality."""
    clauses = " AND ".join(f"{column} = ${n}" for n, column in enumerate(where, 1))
    return int(await fetch_value(f"SELECT count(*) FROM {table} WHERE {clauses}", *where.values()))


def code_of(answer: Response) -> str:
    """Return a problem's code."""
    return str(answer.json().get("code", ""))
