"""Reports app points the way a city app does: signed, under a key that may report."""

from __future__ import annotations

import secrets
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from app.intake.points.actions.events import SECRET_COLUMN, count_waiting_events
from app.intake.points.queries import insert_secret
from app.intake.points.webhook import SECRET_BYTES, compute_signature, make_secret, parse_secret
from app.kit.clock import now, uuid7
from app.kit.db.database import execute, fetch_value
from app.kit.security.crypto import encrypt_field
from app.values.days import SHANGHAI
from tests.support.objecting import register_source
from tests.support.partners import Partner, make_partner

if TYPE_CHECKING:
    from uuid import UUID

    from httpx2 import AsyncClient, Response

    from tests.support.citizens import Joined

EVENTS_PATH = "/v1/partner/records/events"


class CityApp(msgspec.Struct, frozen=True):
    """An institution with a source of its own and the secret it signs with."""

    partner: Partner
    source: str
    secret: str


async def make_app(*, rules: bool = True) -> CityApp:
    """Make a city app with an institution of its own."""
    return await open_app(await make_partner(kind="government"), rules=rules)


async def open_app(partner: Partner, *, rules: bool = True) -> CityApp:
    """Give an institution an app; with ``rules``: sixty minutes of patrol make an hour, five points a clue."""
    code = f"app-{secrets.token_hex(6)}"
    await register_source(code, partner.institution_id)
    secret = await store_secret(code)
    if rules:
        await store_rule(code, "patrol", "POS_PATROL", 1, 60, 3000)
        await store_rule(code, "clue", "POS_CLUE", 1, 5, 50)
        await store_rule(code, "safety", "POS_REPORT_SAFETY", 1, 1, 20)
    return CityApp(partner, code, secret)


async def store_secret(code: str) -> str:
    """Give a source a secret that does not end, and return it."""
    secret_id, secret = uuid7(), make_secret(secrets.token_bytes(SECRET_BYTES))
    await insert_secret(secret_id, code, encrypt_field(secret, column=SECRET_COLUMN, row_id=secret_id), now())
    return secret


async def store_rule(code: str, kind: str, indicator: str, numerator: int, denominator: int, yearly_cap: int) -> None:
    """Enter what a source's points become."""
    await execute(
        "INSERT INTO point_rule VALUES ($1, $2, $3, $4, $5, $6, now())",
        code, kind, indicator, numerator, denominator, yearly_cap,
    )  # fmt: skip


def event_of(person: Joined, **changes: Any) -> dict[str, Any]:
    """Return an event of half an hour ago."""
    plain = {
        "eventId": secrets.token_hex(8), "kind": "safety", "amount": 1, "idNumber": person.id_number,
        "name": person.name, "occurredAt": (now() - timedelta(minutes=30)).astimezone(SHANGHAI).isoformat(),
    }  # fmt: skip
    return plain | changes


def on(year: int, month: int, day: int, hour: int = 12) -> str:
    """Return an instant by the city's clock, as an app writes it."""
    return datetime(year, month, day, hour, tzinfo=SHANGHAI).isoformat()


def sign(secret: str, body: bytes, *, message_id: str | None = None, timestamp: int | None = None) -> dict[str, str]:
    """Return the three headers of Standard Webhooks."""
    message_id, at = (
        message_id or f"msg_{secrets.token_hex(8)}",
        str(int(time.time()) if timestamp is None else timestamp),
    )
    key = parse_secret(secret)
    assert key is not None
    signature = compute_signature(key, message_id, at, body)
    return {"webhook-id": message_id, "webhook-timestamp": at, "webhook-signature": signature}


async def report(client: AsyncClient, app: CityApp, event: dict[str, Any], **headers: str) -> Response:
    """Send an event, signed, and do the worker's part; ``headers`` replace what it is sent with (``webhook_id`` …)."""
    answer = await post(client, app, event, **headers)
    await count_waiting_events()
    return answer


async def post(client: AsyncClient, app: CityApp, event: dict[str, Any], **headers: str) -> Response:
    """Send an event and leave it waiting."""
    body = msgspec.json.encode(event)
    sent = app.partner.headers | {"Content-Type": "application/json"} | sign(app.secret, body)
    return await client.post(
        EVENTS_PATH, content=body, headers=sent | {name.replace("_", "-"): value for name, value in headers.items()}
    )


async def total_of(person_id: UUID, kind: str) -> int | None:
    """Return a person's running total of a kind, all years together."""
    total: int | None = await fetch_value(
        "SELECT sum(total)::bigint FROM point_total WHERE citizen_id = $1 AND kind = $2", person_id, kind
    )
    return total
