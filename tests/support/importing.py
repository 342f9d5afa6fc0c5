"""Sends records the way a source does, and reads what became of them."""

from __future__ import annotations

import secrets
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from app.kit.clock import now
from app.kit.db.database import fetch_all, fetch_value
from app.values.days import shanghai_day
from tests.support.officials import make_official

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response

    from tests.support.citizens import Joined
    from tests.support.officials import OfficialLogin

PATH = "/v1/official/records"
NEGATIVE = {"indicator": "NEG_CONTRACT_JUDG", "document": "（2026）闽0203民初12号"}
OF_JOINING = 1  # the record that joining itself writes


def today() -> date:
    """Return the city's day at this moment: a run may go on past midnight."""
    return shanghai_day(now())


class StoredRecord(msgspec.Struct, frozen=True):
    """What is stored of a record."""

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
    assert [one["index"] for one in body["items"]] == list(range(len(items)))
    counts = body["counts"]
    assert counts.pop("received") == len(items) == sum(counts.values())
    return [one.get("reason", {}).get("code", one["outcome"]) for one in body["items"]]


async def decide(
    client: AsyncClient,
    proposal_id: str,
    who: OfficialLogin,
    action: str = "approve",
    if_match: str = '"1"',
    **body: Any,
) -> Response:
    """Let an official decide on a record that waits."""
    headers = who.headers | {"If-Match": if_match}
    return await client.post(f"{PATH}/proposals/{proposal_id}/{action}", json=body, headers=headers)


async def approve(
    client: AsyncClient, proposal_id: str, item: dict[str, Any], who: OfficialLogin | None = None
) -> Response:
    """Let a second official keep a record that waits, naming the person it is about."""
    person = {"idNumber": item["idNumber"], "name": item["name"]}
    return await decide(client, proposal_id, who or await importer(), **person)


async def keep(client: AsyncClient, *items: dict[str, Any]) -> list[str]:
    """Send items as one batch, have a second official approve what waits, and return how each fared at first."""
    answered = (await send(client, list(items))).json()["items"]
    waiting = {one["proposalId"]: item for one, item in zip(answered, items, strict=True) if "proposalId" in one}
    for proposal_id, item in waiting.items():
        answer = await approve(client, proposal_id, item)
        assert (answer.status_code, answer.json()["state"]) == (200, "approved"), answer.text
    return [one.get("reason", {}).get("code", one["outcome"]) for one in answered]


async def make_proposals(client: AsyncClient, person: Joined) -> dict[str, str]:
    """Let two records about somebody wait, and return the ids of the proposals."""
    items = (await send(client, [item_of(person, **NEGATIVE), item_of(person, **NEGATIVE)])).json()["items"]
    return {"proposal": items[0]["proposalId"], "other_proposal": items[1]["proposalId"]}


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
