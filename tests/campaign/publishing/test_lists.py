"""Lists: an institution's own, the reviewer's inbox, the public's; the scenarios and the uses they may be put to."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from app.campaign.catalogue.actions import catalogue
from app.campaign.publishing.moves import CAMPAIGN_MOVES
from app.kit.clock import now
from app.kit.db.database import execute
from tests.support.campaigns import (
    PATH,
    act,
    benefit_body,
    campaign_body,
    draft,
    edit,
    find_live,
    make_desk,
    put_live,
)
from tests.support.pages import walk
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from httpx2 import AsyncClient

SCENARIOS = "/v1/official/scenarios"
DEFAULTS = json.loads(Path("app/town/places/data/benefits.json").read_text(encoding="utf-8"))["benefits"]


async def test_an_institution_lists_its_own_newest_first(client: AsyncClient) -> None:
    desk = await make_desk()
    made = [(await draft(client, desk, benefit_body(code=f"B{n}")))["id"] for n in range(5)]
    await act(client, desk.editor, {"id": made[2]}, "submit")
    listed = await walk(client, PATH, desk.editor.headers)
    assert [campaign["id"] for campaign in listed] == made[::-1]
    submitted = await walk(client, PATH, desk.editor.headers, state="submitted")
    assert [campaign["id"] for campaign in submitted] == [made[2]]
    for query in ({"state": "punished"}, {"cursor": "x"}, {"limit": 101}, {"limit": 0}):
        assert (await client.get(PATH, params=query, headers=desk.editor.headers)).status_code == 400


async def test_the_inbox_holds_what_waits_with_the_institutions_thresholds(client: AsyncClient) -> None:
    desk = await make_desk()
    live = await put_live(client, desk, benefit_body(eligibility={"type": "scoreAtLeast", "value": 600}))
    changed = campaign_body(benefit_body(eligibility={"type": "scoreAtLeast", "value": 700}))
    await edit(client, desk.editor, live, changed)
    await act(client, desk.editor, live, "submit")
    fresh = await draft(client, desk, benefit_body(code="B2"))
    withdrawn = await draft(client, desk, benefit_body(code="B3", eligibility={"type": "scoreAtLeast", "value": 400}))
    for campaign in (fresh, withdrawn):
        await act(client, desk.editor, campaign, "submit")
    await act(client, desk.editor, withdrawn, "end")
    inbox = await walk(client, f"{PATH}/inbox", desk.reviewer.headers)
    own = [item for item in inbox if item["campaign"]["institution"]["name"] == desk.partner.name]
    assert [item["campaign"]["id"] for item in own] == [live["id"], fresh["id"]]
    assert own[0]["campaign"]["version"] == 2
    assert [item["institutionThresholds"] for item in own] == [[600, 700], [600, 650]]
    assert [row["value"] for row in own[1]["review"]["thresholds"]] == [600, 650]
    for item in own:
        assert item["institutionThresholdsMax"] == 12
        assert "approve" in item["campaign"]["allowedActions"]
    await act(client, desk.reviewer, live, "approve")
    inbox = await walk(client, f"{PATH}/inbox", desk.reviewer.headers)
    assert live["id"] not in [item["campaign"]["id"] for item in inbox]


async def test_the_public_sees_live_campaigns_and_what_they_ask_for(client: AsyncClient) -> None:
    desk, suspended = await make_desk(), await make_desk()
    shown = await put_live(client, desk, benefit_body(code="SHOWN"))
    await draft(client, desk, benefit_body(code="DRAFT"))
    paused = await put_live(client, desk, benefit_body(code="PAUSED"))
    await act(client, desk.editor, paused, "pause")
    over = await put_live(client, desk, benefit_body(code="OVER"))
    await execute(
        """UPDATE campaign_version SET document = document || '{"endsAt": "2020-01-02T00:00:00Z"}'::jsonb
           WHERE campaign_id = $1""",
        UUID(over["id"]),
    )
    await put_live(client, suspended)
    await execute("UPDATE institution SET state = 'suspended' WHERE id = $1", suspended.partner.institution_id)
    public = await walk(client, "/v1/campaigns", {})
    own = [campaign for campaign in public if campaign["institution"]["name"] == desk.partner.name]
    assert [campaign["id"] for campaign in own] == [shown["id"]]
    assert suspended.partner.name not in [campaign["institution"]["name"] for campaign in public]
    assert own[0]["benefits"] == shown["benefits"]
    assert own[0]["benefits"][0]["eligibility"] == {"type": "levelAtLeast", "level": "L4"}
    assert "draftedBy" not in own[0]


async def test_every_process_hears_of_it(client: AsyncClient) -> None:
    """Without a nudge from the test: the listener or the poll reloads the catalogue."""
    desk = await make_desk()
    live = await put_live(client, desk)
    benefit_id = UUID(live["benefits"][0]["id"])

    async def find() -> object:
        return catalogue.current.benefit(benefit_id)

    await wait_until(find)
    found = catalogue.current.benefit(benefit_id)
    assert found is not None
    store = desk.partner.store_ids[0]
    assert catalogue.current.at_store(store, desk.partner.institution_id, "culture") == (found,)


async def test_a_future_campaign_is_in_memory_but_not_active(client: AsyncClient) -> None:
    desk = await make_desk()
    tomorrow = now() + timedelta(days=1)
    live = await put_live(client, desk, startsAt=tomorrow.isoformat())
    found = await find_live(live["benefits"][0])
    assert found is not None
    assert not found.is_active(now())
    assert found.is_active(tomorrow)


async def test_the_default_city_can_be_drafted_as_it_is(client: AsyncClient) -> None:
    """Every benefit of the default data passes each check a stranger's would."""
    for kind in sorted({row["institutionKind"] for row in DEFAULTS}):
        rows = [row for row in DEFAULTS if row["institutionKind"] == kind]
        sent = [{name: row[name] for name in row if name not in {"institutionKind", "published"}} for row in rows]
        live = await put_live(client, await make_desk(), *sent)
        assert [benefit["code"] for benefit in live["benefits"]] == [row["code"] for row in rows]
        for benefit, row in zip(live["benefits"], sent, strict=True):
            assert {name: benefit[name] for name in row} == row
            assert await find_live(benefit) is not None


async def test_the_moves_are_data() -> None:
    rows = msgspec.json.decode(msgspec.json.encode(CAMPAIGN_MOVES.published))
    assert {"action": "pause", "state": "live", "version": None, "toState": "paused", "toVersion": None} in rows
