"""The invariants find what they are for: each is broken on purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from app.kit.database import execute
from app.redemption import actions_verify
from tests.support.partners import make_partner
from tests.support.redeeming import make_benefit, make_shopper, redeem, reverse, show_code

if TYPE_CHECKING:
    from httpx2 import AsyncClient

    from tests.support.redeeming import Shopper


async def redeem_some(client: AsyncClient) -> tuple[UUID, UUID, Shopper]:
    """Redeem a limited, capped benefit twice and reverse one of the two."""
    partner = await make_partner()
    benefit_id = await make_benefit(partner, stock=5, perCitizen={"count": 3, "period": "month"})
    shopper = await make_shopper()
    receipts = [(await redeem(client, partner, benefit_id, code=show_code(shopper))).json() for _ in range(2)]
    await reverse(client, partner, receipts[0]["id"])
    return benefit_id, UUID(receipts[1]["id"]), shopper


async def test_what_redeeming_leaves_behind_holds(client: AsyncClient) -> None:
    benefit_id, redemption_id, _ = await redeem_some(client)
    for check in (actions_verify.check_stock, actions_verify.check_uses, actions_verify.check_caps):
        assert str(benefit_id) not in (await check() or "")
    assert str(redemption_id) not in (await actions_verify.check_traces() or "")


async def test_a_wrong_stock_is_found(client: AsyncClient) -> None:
    benefit_id, _, _ = await redeem_some(client)
    await execute("UPDATE benefit_usage SET used = used + 1 WHERE benefit_id = $1", benefit_id)
    assert str(benefit_id) in (await actions_verify.check_stock() or "")
    await execute("UPDATE benefit_usage SET used = used - 1 WHERE benefit_id = $1", benefit_id)


async def test_a_wrong_use_and_a_cap_passed_are_found(client: AsyncClient) -> None:
    benefit_id, _, shopper = await redeem_some(client)
    await execute("UPDATE benefit_use SET used = 4 WHERE cap_holder_id = $1", shopper.cap_holder_id)
    assert str(benefit_id) in (await actions_verify.check_uses() or "")
    assert str(benefit_id) in (await actions_verify.check_caps() or "")
    await execute("UPDATE benefit_use SET used = 1 WHERE cap_holder_id = $1", shopper.cap_holder_id)


async def test_a_missing_trace_is_found(client: AsyncClient) -> None:
    for statement in (
        "DELETE FROM event WHERE subject_id = $1",
        "DELETE FROM scan WHERE id = (SELECT scan_id FROM redemption WHERE id = $1)",
        "DELETE FROM access_log WHERE citizen_id = (SELECT citizen_id FROM redemption WHERE id = $1)",
    ):
        _, redemption_id, _ = await redeem_some(client)
        await execute(statement, redemption_id)
        assert str(redemption_id) in (await actions_verify.check_traces() or "")
        await execute("UPDATE redemption SET redeemed_at = '2020-06-01' WHERE id = $1", redemption_id)
