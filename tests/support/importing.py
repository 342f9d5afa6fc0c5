"""Sends records the way a source does, and reads what became of them."""

from __future__ import annotations

import secrets
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from app.kit.clock import now, shanghai_day
from app.kit.database import fetch_all, fetch_value
from tests.support.officials import make_official

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response

    from tests.support.citizens import Joined
    from tests.support.officials import OfficialLogin

PATH = "/v1/official/records"
OF_JOINING = 1  # the record that joining itself writes


def today() -> date:
    """Return the city's day at this moment: a run may go on past midnight."""
    return shanghai_day(now())


class StoredRecord(msgspec.Struct, frozen=True):
    """What is kept of a record."""

    indicator: str | None
    honour: str | None
    version: int
    event_on: date
    ends_on: date | None
    grade: str | None
    quantity: int | None
    entered_by: UUID | None


def item_of(person: Joined, **changes: Any) -> dict[str, Any]:
    plain = {
        "source": "civil-affairs", "eventId": secrets.token_hex(8), "indicator": "POS_RESCUE",
        "idNumber": person.id_number, "name": person.name, "eventOn": str(today() - timedelta(days=10)),
    }  # fmt: skip
    return {name: value for name, value in (plain | changes).items() if value is not None}


async def importer() -> OfficialLogin:
    return await make_official(roles=["importer"])


async def send(client: AsyncClient, body: Any, who: OfficialLogin | None = None, language: str = "zh") -> Response:
    return await client.post(PATH, json=body, headers=(who or await importer()).headers | {"Accept-Language": language})


async def outcomes_of(client: AsyncClient, *items: Any) -> list[str]:
    """Send items as one batch and return how each fared: its outcome, or the code of its refusal."""
    answer = await send(client, list(items))
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert [told["index"] for told in body["items"]] == list(range(len(items)))
    counts = body["counts"]
    assert counts.pop("received") == len(items) == sum(counts.values())
    return [told.get("reason", {}).get("code", told["outcome"]) for told in body["items"]]


async def records_of(person: Joined) -> list[StoredRecord]:
    return await fetch_all(
        StoredRecord,
        """
        SELECT indicator, honour, version, event_on, ends_on, grade, quantity, entered_by
        FROM record WHERE citizen_id = $1 AND indicator IS DISTINCT FROM 'BASE_ID_VERIFIED' ORDER BY id
        """,
        person.id,
    )


async def score_of(person: Joined) -> int:
    return int(await fetch_value("SELECT value FROM score_snapshot WHERE citizen_id = $1", person.id))


async def events_of(person: Joined, kind: str) -> int:
    return int(await fetch_value("SELECT count(*) FROM event WHERE citizen_id = $1 AND type = $2", person.id, kind))
