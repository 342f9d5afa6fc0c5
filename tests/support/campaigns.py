"""Plays the people who write and review campaigns, over HTTP."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from app.campaign.catalogue.actions import catalogue
from app.kit.clock import now
from app.kit.db.cache import refresh_all
from app.kit.db.database import fetch_value
from app.kit.request.etag import compute_etag
from tests.support.officials import OfficialLogin, make_official
from tests.support.partners import Partner, make_partner

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response

    from app.campaign.catalogue.live import LiveBenefit

PATH = "/v1/official/campaigns"


class Desk(msgspec.Struct, frozen=True):
    """An institution with an editor of its own, and a reviewer of the centre."""

    partner: Partner
    editor: OfficialLogin
    reviewer: OfficialLogin


async def make_desk(*, stores: int = 1) -> Desk:
    """Make an institution and the two officials who put campaigns in force."""
    partner = await make_partner(stores=stores)
    editor = await make_official(roles=["editor"], institution_id=partner.institution_id)
    return Desk(partner, editor, await make_official(roles=["reviewer"]))


def make_code() -> str:
    """Return a benefit code nobody has."""
    return f"B_{secrets.token_hex(6).upper()}"


def benefit_body(**changes: Any) -> dict[str, Any]:
    """Return one benefit as an editor sends it."""
    return {
        "code": "CINEMA_HALF", "title": "电影票五折", "kind": "fee_reduction", "scenario": "culture",
        "eligibility": {"type": "levelAtLeast", "level": "L4"},
        "grant": {"type": "percentOff", "percent": 50, "maxFen": 3000},
        "perCitizen": {"count": 2, "period": "month"},
        **changes,
    }  # fmt: skip


def campaign_body(*benefits: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return a campaign as an editor sends it; with one benefit unless others are given."""
    days = {"startsAt": (now() - timedelta(days=1)).isoformat(), "endsAt": (now() + timedelta(days=30)).isoformat()}
    body = {"title": "夏日观影", "summary": "信用优秀的市民看电影五折", **days}
    return {**body, "benefits": list(benefits) or [benefit_body()], **changes}


async def draft(client: AsyncClient, desk: Desk, *benefits: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Draft a campaign and return the answer, which must be a 201."""
    answer = await client.post(PATH, json=campaign_body(*benefits, **changes), headers=desk.editor.headers)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def act(
    client: AsyncClient, official: OfficialLogin, campaign: dict[str, Any], action: str, **body: Any
) -> Response:
    """Do one thing to a campaign as it now is."""
    path, headers = f"{PATH}/{campaign['id']}/{action}", {**official.headers, "If-Match": await etag_of(campaign)}
    return await client.post(path, json=body or None, headers=headers)


async def etag_of(campaign: dict[str, Any]) -> str:
    """Return the ETag a campaign has right now, for whoever may not read it too."""
    return compute_etag(await fetch_value("SELECT revision FROM campaign WHERE id = $1", campaign["id"]) or 0)


async def edit(
    client: AsyncClient, official: OfficialLogin, campaign: dict[str, Any], body: dict[str, Any]
) -> Response:
    """Replace what a campaign says, as of now."""
    path = f"{PATH}/{campaign['id']}"
    etag = (await client.get(path, headers=official.headers)).headers["etag"]
    return await client.put(path, json=body, headers={**official.headers, "If-Match": etag})


async def put_live(client: AsyncClient, desk: Desk, *benefits: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Draft, submit and approve a campaign."""
    campaign = await draft(client, desk, *benefits, **changes)
    assert (await act(client, desk.editor, campaign, "submit")).status_code == 200
    answer = await act(client, desk.reviewer, campaign, "approve")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def find_live(benefit: dict[str, Any]) -> LiveBenefit | None:
    """Return a benefit as this process's memory has it, without waiting for its listener."""
    await refresh_all([catalogue])
    return catalogue.current.benefit(UUID(benefit["id"]))
