"""The invariants find what they are for: each is broken on purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from app.kit.db.database import execute, fetch_value
from app.redemption.books.actions import verify as verify_actions
from app.redemption.books.queries import verify as verify_queries
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


async def find_broken(benefit_id: UUID) -> set[str]:
    """Name the checks of limits that a benefit breaks."""
    checks = {
        "stock": verify_actions.check_stock,
        "stock held": verify_actions.check_stock_held,
        "uses": verify_actions.check_uses,
        "caps": verify_actions.check_caps,
    }
    return {name for name, check in checks.items() if str(benefit_id) in (await check() or "")}


async def test_what_redeeming_leaves_behind_holds(client: AsyncClient) -> None:
    benefit_id, redemption_id, _ = await redeem_some(client)
    assert await find_broken(benefit_id) == set()
    assert str(redemption_id) not in (await verify_actions.check_traces() or "")


@pytest.mark.parametrize(
    ("fault", "repair", "found"),
    [
        ("UPDATE benefit_usage SET used = used + 1 WHERE benefit_id = $1",
         "UPDATE benefit_usage SET used = used - 1 WHERE benefit_id = $1", {"stock"}),
        ("UPDATE benefit_use SET used = used + 1 WHERE benefit_id = $1",
         "UPDATE benefit_use SET used = used - 1 WHERE benefit_id = $1", {"uses"}),
        ("UPDATE redemption SET state = 'redeemed' WHERE benefit_id = $1",
         "UPDATE redemption r SET state = 'reversed' FROM reversal v WHERE r.benefit_id = $1 AND redemption_id = r.id",
         {"stock", "uses"}),
        ("UPDATE benefit_use SET step = 5 WHERE benefit_id = $1",
         "UPDATE benefit_use SET step = 0 WHERE benefit_id = $1", {"uses"}),
    ],
)  # fmt: skip
async def test_a_count_that_is_wrong_is_found(client: AsyncClient, fault: str, repair: str, found: set[str]) -> None:
    benefit_id, _, _ = await redeem_some(client)
    await execute(fault, benefit_id)
    assert await find_broken(benefit_id) == found
    await execute(repair, benefit_id)
    assert await find_broken(benefit_id) == set()


# The columns the database does not make itself.
GIVEN = """
    SELECT string_agg(column_name, ', ') FROM information_schema.columns
    WHERE table_schema = current_schema() AND table_name = 'redemption' AND is_generated = 'NEVER'
"""
COPY_REDEMPTION = """
    INSERT INTO redemption ({given}) SELECT {copied}
    FROM (
        SELECT jsonb_populate_record(r, jsonb_build_object(
            'id', gen_random_uuid(), 'idempotency_key', gen_random_uuid(), 'reference', gen_random_uuid(),
            'scan_id', gen_random_uuid())) AS copy
        FROM redemption AS r, generate_series(1, $2) WHERE r.id = $1 OFFSET 0
    ) AS made
"""
COUNT_ANEW = tuple(
    f"UPDATE {table} SET used = (SELECT count(*) FROM redemption AS r WHERE r.benefit_id = $1 AND state = 'redeemed') "
    "WHERE benefit_id = $1"
    for table in ("benefit_usage", "benefit_use")
)


async def copy_redemption(redemption_id: UUID, times: int) -> None:
    """Store a redemption again under other ids, as no statement of ours would."""
    given = await fetch_value(GIVEN)
    copied = ", ".join(f"(made.copy).{name}" for name in given.split(", "))
    await execute(COPY_REDEMPTION.format(given=given, copied=copied), redemption_id, times)


async def test_redemptions_beyond_the_limits_are_found_whatever_the_counts_say(client: AsyncClient) -> None:
    """Stock 5 and cap 3, and eight redemptions: first seven of them are not counted, then all are."""
    benefit_id, redemption_id, _ = await redeem_some(client)
    await copy_redemption(redemption_id, 7)
    assert await find_broken(benefit_id) == {"stock", "stock held", "uses", "caps"}
    for statement in COUNT_ANEW:
        await execute(statement, benefit_id)
    assert await find_broken(benefit_id) == {"stock held", "caps"}
    # had they been given before the limits came, they would be no fault
    await execute("UPDATE benefit SET limits_version = 2, limited_at = now() WHERE id = $1", benefit_id)
    assert await find_broken(benefit_id) == set()


async def test_the_last_use_a_cap_allows_is_no_fault(client: AsyncClient) -> None:
    benefit_id, redemption_id, _ = await redeem_some(client)
    await copy_redemption(redemption_id, 2)
    for statement in COUNT_ANEW:
        await execute(statement, benefit_id)
    assert await find_broken(benefit_id) == set()
    await copy_redemption(redemption_id, 1)
    assert "caps" in await find_broken(benefit_id)
    await execute("DELETE FROM redemption WHERE benefit_id = $1 AND id <> $2 AND state = 'redeemed'", benefit_id,
                  redemption_id)  # fmt: skip
    for statement in COUNT_ANEW:
        await execute(statement, benefit_id)


async def test_a_missing_trace_is_found(client: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify_queries, "OFFENDERS_MAX", 1_000_000)  # others' tests leave redemptions without traces
    for statement in (
        "DELETE FROM event WHERE subject_id = $1",
        "DELETE FROM scan WHERE id = (SELECT scan_id FROM redemption WHERE id = $1)",
        "DELETE FROM access_log WHERE citizen_id = (SELECT citizen_id FROM redemption WHERE id = $1)",
    ):
        _, redemption_id, _ = await redeem_some(client)
        await execute(statement, redemption_id)
        assert str(redemption_id) in (await verify_actions.check_traces() or "")
        await execute("UPDATE redemption SET redeemed_at = '2020-06-01' WHERE id = $1", redemption_id)
