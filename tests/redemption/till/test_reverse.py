"""Reversals, and what partners, citizens and publishers can read afterwards."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import msgspec

from app.kit.clock import now
from app.kit.db.database import execute, fetch_value
from app.values.days import shanghai_day
from tests.support.officials import make_official
from tests.support.partners import bearer, make_key, make_partner
from tests.support.redeeming import (
    code_of,
    count,
    find_mine,
    make_benefit,
    make_shopper,
    redeem,
    reverse,
    scan,
    show_code,
)

if TYPE_CHECKING:
    from httpx2 import AsyncClient


async def test_a_reversal_gives_place_and_cap_back(client: AsyncClient) -> None:
    partner = await make_partner()
    benefit_id = await make_benefit(partner, stock=1, perCitizen={"count": 1, "period": "year"})
    shopper = await make_shopper()
    scan_id = (await scan(client, partner, show_code(shopper))).json()["scanId"]
    receipt = (await redeem(client, partner, benefit_id, scanId=scan_id)).json()

    answer = await reverse(client, partner, receipt["id"])

    assert answer.status_code == 200
    assert answer.json()["state"] == "reversed"
    assert answer.json()["allowedActions"] == []
    assert await fetch_value("SELECT used FROM benefit_usage WHERE benefit_id = $1", benefit_id) == 0
    assert await fetch_value("SELECT used FROM benefit_use WHERE benefit_id = $1", benefit_id) == 0
    assert await count("event", subject_id=UUID(receipt["id"]), type="benefit.reversed.v1") == 1
    assert await count("access_log", citizen_id=shopper.id, action="reverse") == 1
    # the cashier rings it up again with the same scan
    assert (await redeem(client, partner, benefit_id, scanId=scan_id)).status_code == 201


async def test_a_reversed_redemption_leaves_its_reference_to_its_scan(client: AsyncClient) -> None:
    """The cashier rings it up again under the same order number; nobody else gets that number, and both are found."""
    partner = await make_partner()
    benefit_id, other_benefit_id = await make_benefit(partner), await make_benefit(partner)
    scan_id = (await scan(client, partner, show_code(await make_shopper()))).json()["scanId"]
    other_scan_id = (await scan(client, partner, show_code(await make_shopper()))).json()["scanId"]
    keys = [secrets.token_hex(12) for _ in range(3)]

    async def ring_up(key: str | None = None, **changes: object) -> tuple[int, str]:
        wanted: dict[str, object] = {"benefit_id": benefit_id, "scanId": scan_id, **changes}
        answer = await redeem(client, partner, key=key, reference="order-7", amountFen=1000, **wanted)  # type: ignore[arg-type]
        return answer.status_code, str(answer.json()["id"]) if answer.status_code == 201 else code_of(answer)

    _, first = await ring_up(keys[0])
    assert await ring_up() == (409, "already_redeemed")
    await reverse(client, partner, first)
    assert await ring_up(scanId=other_scan_id) == (409, "reference_taken")
    assert await ring_up(benefit_id=other_benefit_id) == (409, "reference_taken")
    assert await ring_up(keys[0]) == (201, first)  # the key stays taken
    status, second = await ring_up(keys[1])
    assert (status, second != first) == (201, True)
    assert await ring_up() == (409, "already_redeemed")
    await reverse(client, partner, second)
    assert await ring_up(scanId=other_scan_id) == (409, "reference_taken")
    _, third = await ring_up(keys[2])

    found = (await client.get("/v1/partner/redemptions?reference=order-7", headers=partner.headers)).json()["data"]
    states = [(row["id"], row["state"], row["reference"]) for row in found]
    assert states == [(id_, state, "order-7") for id_, state in (
        (third, "redeemed"), (second, "reversed"), (first, "reversed"))]  # fmt: skip
    statement = (await client.get(f"/v1/partner/statements/{shanghai_day(now())}", headers=partner.headers)).json()
    assert (statement["count"], statement["reversedCount"]) == (3, 2)
    assert statement["sumFen"] - statement["reversedSumFen"] == 100
    assert statement["digest"] == hashlib.sha256("\n".join(sorted([first, second, third])).encode()).hexdigest()


async def test_a_reversal_is_repeated_by_its_key_and_refused_by_another(client: AsyncClient) -> None:
    partner = await make_partner()
    benefit_id = await make_benefit(partner)
    receipt = (await redeem(client, partner, benefit_id, code=show_code(await make_shopper()))).json()
    key = secrets.token_hex(12)
    first = await reverse(client, partner, receipt["id"], key=key)
    again = await reverse(client, partner, receipt["id"], key=key)
    other = await reverse(client, partner, receipt["id"])
    changed = await reverse(client, partner, receipt["id"], key=key, reason="另一原因")
    assert first.content == again.content
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (other.status_code, code_of(other)) == (409, "already_reversed")
    assert (changed.status_code, code_of(changed)) == (422, "idempotency_key_reused")


async def test_one_key_serves_one_request_of_any_kind(client: AsyncClient) -> None:
    partner = await make_partner()
    benefit_id = await make_benefit(partner)
    key = secrets.token_hex(12)
    receipt = (await redeem(client, partner, benefit_id, key=key, code=show_code(await make_shopper()))).json()
    crossed = await reverse(client, partner, receipt["id"], key=key)
    assert code_of(crossed) == "idempotency_key_reused"
    other = secrets.token_hex(12)
    assert (await reverse(client, partner, receipt["id"], key=other)).status_code == 200
    crossed = await redeem(client, partner, benefit_id, key=other, code=show_code(await make_shopper()))
    assert code_of(crossed) == "idempotency_key_reused"


async def test_the_window_is_the_benefits_own(client: AsyncClient) -> None:
    partner = await make_partner()
    benefit_id = await make_benefit(partner, reversalWindowSeconds=60)
    receipt = (await redeem(client, partner, benefit_id, code=show_code(await make_shopper()))).json()
    late = now() - timedelta(seconds=1)
    await execute("UPDATE redemption SET reversible_until = $2 WHERE id = $1", UUID(receipt["id"]), late)
    answer = await reverse(client, partner, receipt["id"])
    assert (answer.status_code, code_of(answer)) == (409, "reversal_window_over")
    listed = (await client.get("/v1/partner/redemptions", headers=partner.headers)).json()["data"]
    assert listed[0]["allowedActions"] == []


async def test_a_foreign_redemption_is_not_found(client: AsyncClient) -> None:
    partner, stranger = await make_partner(stores=2), await make_partner()
    benefit_id = await make_benefit(partner)
    receipt = (await redeem(client, partner, benefit_id, code=show_code(await make_shopper()))).json()
    assert (await reverse(client, stranger, receipt["id"])).status_code == 404
    assert (await reverse(client, partner, str(uuid4()))).status_code == 404
    narrow = await make_key(partner.institution_id, store_ids=[partner.store_ids[1]])
    answer = await client.post(
        f"/v1/partner/redemptions/{receipt['id']}/reverse",
        json={"reason": "x"}, headers=bearer(narrow) | {"Idempotency-Key": secrets.token_hex(12)},
    )  # fmt: skip
    assert answer.status_code == 404
    assert await fetch_value("SELECT state FROM redemption WHERE id = $1", UUID(receipt["id"])) == "redeemed"


async def test_lists_are_searched_and_paged(client: AsyncClient) -> None:
    partner, stranger = await make_partner(), await make_partner()
    benefit_id = await make_benefit(partner)
    shopper = await make_shopper()
    for number in range(5):
        await redeem(client, partner, benefit_id, code=show_code(shopper), reference=f"order-{number}")
    today = shanghai_day(now())

    found = await client.get("/v1/partner/redemptions?reference=order-3", headers=partner.headers)
    assert [row["reference"] for row in found.json()["data"]] == ["order-3"]
    seen, cursor = [], ""
    for _ in range(3):
        page = (await client.get(f"/v1/partner/redemptions?on={today}&limit=2{cursor}", headers=partner.headers)).json()
        seen += [row["reference"] for row in page["data"]]
        cursor = f"&cursor={page['page']['nextCursor']}"
    assert seen == [f"order-{number}" for number in (4, 3, 2, 1, 0)]
    assert page["page"] == {"nextCursor": None, "hasMore": False}
    yesterday = await client.get(f"/v1/partner/redemptions?on={today - timedelta(days=1)}", headers=partner.headers)
    assert yesterday.json()["data"] == []
    assert (await client.get("/v1/partner/redemptions", headers=stranger.headers)).json()["data"] == []
    stale = await client.get("/v1/partner/redemptions?cursor=bm9uc2Vuc2U", headers=partner.headers)
    assert (stale.status_code, code_of(stale)) == (400, "invalid_cursor")
    assert shopper.name not in found.text
    assert str(shopper.id) not in found.text


async def test_a_statement_reconciles(client: AsyncClient) -> None:
    partner = await make_partner()
    benefit_id = await make_benefit(partner)
    ids = []
    for amount in (10000, 20000, 5):
        answer = await redeem(client, partner, benefit_id, code=show_code(await make_shopper()), amountFen=amount)
        ids.append(answer.json()["id"])
    await reverse(client, partner, ids[1])
    today = shanghai_day(now())

    statement = (await client.get(f"/v1/partner/statements/{today}", headers=partner.headers)).json()

    assert statement["count"] == 3
    assert statement["sumFen"] == 1000 + 2000 + 1
    assert (statement["reversedCount"], statement["reversedSumFen"]) == (1, 2000)
    assert statement["digest"] == hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()
    assert statement["isFinal"] is False
    empty = (await client.get("/v1/partner/statements/2020-01-01", headers=partner.headers)).json()
    assert (empty["count"], empty["isFinal"]) == (0, True)


async def test_the_citizen_sees_what_was_used(client: AsyncClient) -> None:
    partner = await make_partner()
    benefit_id = await make_benefit(partner, title="九折", perCitizen={"count": 3, "period": "month"}, stock=10)
    shopper, other = await make_shopper(), await make_shopper()
    await redeem(client, partner, benefit_id, code=show_code(shopper), amountFen=100)
    mine = (await client.get("/v1/me/redemptions", headers=shopper.headers)).json()["data"]
    assert [(row["title"], row["institution"], row["discountFen"]) for row in mine] == [("九折", partner.name, 10)]
    assert (await client.get("/v1/me/redemptions", headers=other.headers)).json()["data"] == []
    assert (await find_mine(client, shopper, benefit_id))["remainingForMe"] == 2


async def test_benefits_are_filtered_and_paged(client: AsyncClient) -> None:
    partner = await make_partner()
    wanted = {str(await make_benefit(partner, scenario="sport")) for _ in range(3)}
    high = str(await make_benefit(partner, scenario="sport", eligibility={"type": "levelAtLeast", "level": "L5"}))
    shopper = await make_shopper(score=655, level="L4")
    seen: set[str] = set()
    cursor = ""
    while True:
        path = f"/v1/me/benefits?scenario=sport&eligible=true&limit=2{cursor}"
        page = (await client.get(path, headers=shopper.headers)).json()
        seen |= {entry["id"] for entry in page["data"]}
        if not page["page"]["hasMore"]:
            break
        cursor = f"&cursor={page['page']['nextCursor']}"
    assert wanted <= seen
    assert high not in seen
    closed = (
        await client.get("/v1/me/benefits?scenario=sport&eligible=false&limit=100", headers=shopper.headers)
    ).json()
    assert next(b for b in closed["data"] if b["id"] == high)["reasons"]


async def test_totals_name_nobody_and_belong_to_the_publisher(client: AsyncClient) -> None:
    partner, stranger = await make_partner(), await make_partner()
    benefit_id = await make_benefit(partner, stock=5)
    receipts = [
        (await redeem(client, partner, benefit_id, code=show_code(await make_shopper()), amountFen=100)).json()
        for _ in range(2)
    ]
    await reverse(client, partner, receipts[0]["id"])
    campaign_id = await fetch_value("SELECT campaign_id FROM benefit WHERE id = $1", benefit_id)
    path = f"/v1/official/campaigns/{campaign_id}/totals"
    editor = await make_official(roles=["editor"], institution_id=partner.institution_id)
    totals = (await client.get(path, headers=editor.headers)).json()["benefits"][0]
    assert (totals["redeemed"], totals["reversed"], totals["discountFen"]) == (1, 1, 10)
    assert (totals["stock"], totals["used"]) == (5, 1)
    foreign = await make_official(roles=["editor"], institution_id=stranger.institution_id)
    assert (await client.get(path, headers=foreign.headers)).status_code == 404
    wrong_role = await make_official(roles=["importer"])
    assert (await client.get(path, headers=wrong_role.headers)).status_code == 403


async def test_a_key_of_another_store_learns_no_answer_by_its_key_and_body(client: AsyncClient) -> None:
    """The same institution, the same Idempotency-Key, the same body: what one store was answered is not another's."""
    partner = await make_partner(stores=2)
    benefit_id = await make_benefit(partner)
    bound = bearer(await make_key(partner.institution_id, store_ids=[partner.store_ids[1]]))
    elsewhere = msgspec.structs.replace(partner, headers=bound)
    code, key, undo_key = show_code(await make_shopper()), secrets.token_hex(12), secrets.token_hex(12)
    receipt = await redeem(client, partner, benefit_id, key=key, code=code, reference="R")
    undone = await reverse(client, partner, receipt.json()["id"], key=undo_key)
    assert (receipt.status_code, undone.status_code) == (201, 200)
    assert (await redeem(client, elsewhere, benefit_id, key=key, code=code, reference="R")).status_code == 404
    assert (await reverse(client, elsewhere, receipt.json()["id"], key=undo_key)).status_code == 404
    for path in ("/redemptions", "/terminals", "/events"):
        assert receipt.json()["id"] not in (await client.get(f"/v1/partner{path}", headers=bound)).text
    again = await redeem(client, partner, benefit_id, key=key, code=code, reference="R")
    assert again.content == receipt.content
