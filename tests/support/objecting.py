"""Reports mistakes the way a citizen's phone does, and finds what there is to report."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from app.intake.source.compile import make_default_mapping
from app.kit.clock import now
from app.kit.db.database import database_lifespan, execute, fetch_value
from app.repair.queries.objections import mark_asked
from tests.support.importing import item_of, outcomes_of

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response

    from tests.support.citizens import Joined

PATH = "/v1/me/objections"
OFFICIAL_PATH = "/v1/official/objections"
TEXT = "这条记录不是我的"
USUAL_SOURCES = ("civil-affairs", "another-source", "court")


async def make_record(client: AsyncClient, person: Joined, **changes: Any) -> str:
    """Import a record of somebody and return its id."""
    item = item_of(person, **changes)
    assert await outcomes_of(client, item) == ["accepted"]
    sql = "SELECT record_id FROM record_source_event WHERE source = $1 AND event_id = $2"
    return str(await fetch_value(sql, item["source"], item["eventId"]))


def wrong(record_id: str, **changes: Any) -> dict[str, Any]:
    return {"kind": "wrong", "recordId": record_id, "text": TEXT} | changes


def missing(**changes: Any) -> dict[str, Any]:
    return {
        "kind": "missing",
        "indicator": "POS_RESCUE",
        "source": "civil-affairs",
        "text": "去年的抢险没有记录",
    } | changes


async def report(
    client: AsyncClient, person: Joined, body: dict[str, Any], *, key: str | None = None, language: str = "zh"
) -> Response:
    headers = person.headers | {"Idempotency-Key": key or secrets.token_hex(12), "Accept-Language": language}
    return await client.post(PATH, json=body, headers=headers)


async def make_objection(client: AsyncClient, person: Joined, body: dict[str, Any]) -> dict[str, Any]:
    """Report something and return the ticket."""
    answer = await report(client, person, body)
    assert answer.status_code == 201, answer.text
    ticket: dict[str, Any] = answer.json()
    return ticket


async def register_source(code: str, institution_id: UUID | None = None) -> None:
    """Enter a source into the register, for an institution."""
    mapping = msgspec.json.encode(make_default_mapping(code)).decode()
    await execute(
        "INSERT INTO source (code, title_zh, title_en, institution_id, mapping, created_at)"
        " VALUES ($1, $1, $1, $2, $3, now())",
        code,
        institution_id,
        mapping,
    )


async def register_usual_sources() -> None:
    """Register the sources that tests speak for, before the application starts and has a pool: nobody else is heard."""
    async with database_lifespan():
        for code in USUAL_SOURCES:
            await register_source(code)


async def make_objections(client: AsyncClient, person: Joined, source: str) -> dict[str, str]:
    """Return the ids of a record, and of three tickets: asked of a source, just received, and one more."""
    record_id = await make_record(client, person)
    asked, received, spare = [
        (await make_objection(client, person, body))["id"] for body in (missing(source=source), missing(), missing())
    ]
    await mark_asked(UUID(asked), now())
    return {"record": record_id, "objection": asked, "received_objection": received, "spare_objection": spare}
