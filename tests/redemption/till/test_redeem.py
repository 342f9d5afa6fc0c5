"""Redeeming through HTTP: every promise, every refusal, each at its edge."""

from __future__ import annotations

import asyncio
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest

from app.kit.clock import now
from app.kit.db.cache import bump
from app.kit.db.database import execute, fetch_value, transaction
from app.kit.db.partitions import make_partitions
from app.redemption.till.actions import people as people_actions
from app.redemption.till.actions.lanes import redeem_lane
from app.values.days import shanghai_day
from tests.support.partners import bearer, make_key, make_partner, refresh_directory
from tests.support.redeeming import (
    code_of,
    count,
    make_benefit,
    make_shopper,
    redeem,
    scan,
    show_code,
)

if TYPE_CHECKING:
    from httpx2 import AsyncClient

    from app.redemption.till.queries.lanes import RedeemItem, RedeemOutcome
    from tests.support.redeeming import Shopper

WAIT_SECONDS_MAX = 10


async def test_redeeming_by_scan_gives_a_receipt(client: AsyncClient) -> None:
    partner = await make_partner()
    benefit_id = await make_benefit(partner)
    shopper = await make_shopper()
    scanned = (await scan(client, partner, show_code(shopper))).json()

    answer = await redeem(client, partner, benefit_id, scanId=scanned["scanId"], reference="A-1", amountFen=12345)

    assert answer.status_code == 201
    receipt = answer.json()
    assert receipt["state"] == "redeemed"
    assert receipt["discountFen"] == 1235  # 12345 * 10 % = 1234.5, rounded half up
    assert receipt["reference"] == "A-1"
    assert receipt["allowedActions"] == ["reverse"]
    assert "Idempotency-Replayed" not in answer.headers
    assert await count("redemption", id=UUID(receipt["id"])) == 1
    assert await count("event", subject_id=UUID(receipt["id"]), type="benefit.redeemed.v1") == 1
    assert await count("access_log", citizen_id=shopper.id, action="redeem", outcome="redeemed") == 1


async def test_one_scan_redeems_different_benefits_each_once(client: AsyncClient) -> None:
    partner = await make_partner()
    first, second = await make_benefit(partner), await make_benefit(partner)
    shopper = await make_shopper()
    scan_id = (await scan(client, partner, show_code(shopper))).json()["scanId"]
    assert (await redeem(client, partner, first, scanId=scan_id)).status_code == 201
    assert (await redeem(client, partner, second, scanId=scan_id)).status_code == 201
    again = await redeem(client, partner, first, scanId=scan_id)
    assert (again.status_code, code_of(again)) == (409, "already_redeemed")


async def test_the_same_key_gets_the_same_bytes_for_ever(client: AsyncClient) -> None:
    partner = await make_partner()
    benefit_id = await make_benefit(partner)
    shopper = await make_shopper()
    key, code, reference = secrets.token_hex(12), show_code(shopper), "R-1"
    first = await redeem(client, partner, benefit_id, key=key, code=code, reference=reference)
    again = await redeem(client, partner, benefit_id, key=key, code=code, reference=reference)
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert again.headers["Idempotency-Replayed"] == "true"
    assert await count("redemption", citizen_id=shopper.id) == 1


async def test_a_lost_answer_is_given_after_the_code_has_expired(client: AsyncClient) -> None:
    partner = await make_partner()
    benefit_id = await make_benefit(partner)
    shopper = await make_shopper()
    key, code = secrets.token_hex(12), show_code(shopper)
    first = await redeem(client, partner, benefit_id, key=key, code=code, reference="R-2")
    await execute("UPDATE citizen SET code_generation = code_generation + 1 WHERE id = $1", shopper.id)
    again = await redeem(client, partner, benefit_id, key=key, code=code, reference="R-2")
    assert again.content == first.content
    assert await count("access_log", citizen_id=shopper.id) == 1  # a repeat is no second look


async def test_a_lost_answer_is_given_after_the_scan_is_forgotten(client: AsyncClient) -> None:
    partner = await make_partner()
    benefit_id = await make_benefit(partner)
    key, scan_id = (
        secrets.token_hex(12),
        (await scan(client, partner, show_code(await make_shopper()))).json()["scanId"],
    )
    first = await redeem(client, partner, benefit_id, key=key, scanId=scan_id, reference="R-4")
    await execute("DELETE FROM scan WHERE id = $1", UUID(scan_id))
    again = await redeem(client, partner, benefit_id, key=key, scanId=scan_id, reference="R-4")
    assert (again.status_code, again.content) == (201, first.content)
    unknown = await redeem(client, partner, benefit_id, scanId=scan_id)
    assert (unknown.status_code, code_of(unknown)) == (404, "not_found")


@pytest.mark.parametrize("table", ["terminal", "store"])
async def test_a_lost_answer_is_given_after_its_terminal_was_suspended(client: AsyncClient, table: str) -> None:
    partner = await make_partner()
    benefit_id = await make_benefit(partner)
    key, code = secrets.token_hex(12), show_code(await make_shopper())
    first = await redeem(client, partner, benefit_id, key=key, code=code, reference="R-5")
    await suspend(table, {"terminal": partner.terminal_ids, "store": partner.store_ids}[table][0])
    again = await redeem(client, partner, benefit_id, key=key, code=code, reference="R-5")
    assert (again.status_code, again.content) == (201, first.content)
    other = await redeem(client, partner, benefit_id, code=show_code(await make_shopper()))
    assert (other.status_code, code_of(other)) == (409, "terminal_suspended")


async def test_what_is_under_way_is_shared_with_keys_of_its_store_alone(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key of another store sends the same body in the same moment; a repeat of its own gets the receipt."""
    partner = await make_partner(stores=2)
    benefit_id = await make_benefit(partner)
    stranger = msgspec.structs.replace(
        partner, headers=bearer(await make_key(partner.institution_id, store_ids=[partner.store_ids[1]]))
    )
    begun, released, submit = asyncio.Event(), asyncio.Event(), redeem_lane.submit

    async def held(item: RedeemItem) -> RedeemOutcome:
        begun.set()
        await released.wait()
        return await submit(item)

    monkeypatch.setattr(redeem_lane, "submit", held)
    wanted: dict[str, Any] = {"key": secrets.token_hex(12), "code": show_code(await make_shopper()), "reference": "R-6"}
    first = asyncio.create_task(redeem(client, partner, benefit_id, **wanted))
    await begun.wait()
    foreign = asyncio.create_task(redeem(client, stranger, benefit_id, **wanted))
    done, _ = await asyncio.wait({foreign}, timeout=WAIT_SECONDS_MAX)
    await suspend("terminal", partner.terminal_ids[0])
    again = asyncio.create_task(redeem(client, partner, benefit_id, **wanted))
    released.set()
    answers = await asyncio.gather(first, again, foreign)
    assert done, "it does not wait for what is not its own"
    assert [answer.status_code for answer in answers] == [201, 201, 404]
    assert answers[0].content == answers[1].content
    assert code_of(answers[2]) == "not_found"


async def suspend(table: str, row_id: UUID) -> None:
    await execute(f"UPDATE {table} SET state = 'suspended' WHERE id = $1", row_id)
    async with transaction():
        await bump("directory")
    await refresh_directory()


async def test_a_key_used_with_another_body_is_refused(client: AsyncClient) -> None:
    partner = await make_partner()
    benefit_id = await make_benefit(partner)
    key = secrets.token_hex(12)
    await redeem(client, partner, benefit_id, key=key, code=show_code(await make_shopper()))
    shopper = await make_shopper()
    other = await redeem(client, partner, benefit_id, key=key, code=show_code(shopper))
    assert (other.status_code, code_of(other)) == (422, "idempotency_key_reused")
    assert await count("access_log", citizen_id=shopper.id, outcome="idempotency_key_reused") == 1


async def test_a_key_belongs_to_the_day_of_its_code(client: AsyncClient) -> None:
    """On another day it is free for another request; the same request is answered as before, whenever it comes."""
    partner = await make_partner()
    benefit_id = await make_benefit(partner)
    key, code = secrets.token_hex(12), show_code(await make_shopper())
    first = await redeem(client, partner, benefit_id, key=key, code=code, reference="R-7")
    mine = "institution_id = $1 AND reference"
    scan_id = await fetch_value(f"SELECT scan_id FROM redemption WHERE {mine} = 'R-7'", partner.institution_id)
    move = f"UPDATE redemption SET scan_id = coalesce($2, uuidv7(interval '-400 days')) WHERE {mine} = 'R-7'"
    await execute(move, partner.institution_id, None)
    free = await redeem(client, partner, benefit_id, key=key, code=show_code(await make_shopper()), reference="R-8")
    assert free.status_code == 201
    assert "idempotency-replayed" not in free.headers
    again = await redeem(client, partner, benefit_id, key=key, code=code, reference="R-7")
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert await count("redemption", institution_id=partner.institution_id) == 2
    with pytest.raises(asyncpg.UniqueViolationError, match="redemption_key"):  # on its own day it is taken
        await execute(move, partner.institution_id, scan_id)
    await execute(f"DELETE FROM redemption WHERE {mine} = 'R-8'", partner.institution_id)
    await execute(move, partner.institution_id, scan_id)


async def test_a_repeat_is_answered_when_its_code_means_nothing_any_more(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The keys of codes are destroyed in time, and a slot's number comes round within a year."""
    partner = await make_partner()
    benefit_id = await make_benefit(partner)
    key, code = secrets.token_hex(12), show_code(await make_shopper())
    first = await redeem(client, partner, benefit_id, key=key, code=code, reference="R-9")
    monkeypatch.setattr(people_actions, "open_code", lambda *_: None)
    again = await redeem(client, partner, benefit_id, key=key, code=code, reference="R-9")
    assert (again.status_code, again.content) == (201, first.content)
    reused = await redeem(client, partner, benefit_id, key=key, code=code, reference="R-10")
    assert (reused.status_code, code_of(reused)) == (422, "credit_code_invalid")


async def test_a_refusal_is_not_stored_and_judged_again(client: AsyncClient) -> None:
    partner = await make_partner()
    benefit_id = await make_benefit(partner)
    shopper = await make_shopper(score=590, level="L2")
    key, code = secrets.token_hex(12), show_code(shopper)
    refused = await redeem(client, partner, benefit_id, key=key, code=code, reference="R-3")
    assert refused.status_code == 422
    await execute("UPDATE score_snapshot SET value = 600, level = 'L3' WHERE citizen_id = $1", shopper.id)
    assert (await redeem(client, partner, benefit_id, key=key, code=code, reference="R-3")).status_code == 201


async def test_a_foreign_benefit_is_not_found(client: AsyncClient) -> None:
    partner, stranger = await make_partner(stores=2), await make_partner()
    foreign = await make_benefit(stranger)
    elsewhere = await make_benefit(partner, stores=[str(partner.store_ids[1])])
    for benefit_id in (foreign, elsewhere, uuid4()):
        shopper = await make_shopper()
        answer = await redeem(client, partner, benefit_id, code=show_code(shopper))
        assert (answer.status_code, code_of(answer)) == (404, "benefit_not_found")
        assert await count("access_log", citizen_id=shopper.id, outcome="benefit_not_found") == 1
    assert (await redeem(client, partner, elsewhere, code=show_code(await make_shopper()), terminal=1)).is_success


@pytest.mark.parametrize(
    "fields",
    [
        {"state": "paused"},
        {"startsAt": now() + timedelta(hours=1)},
        {"startsAt": now() - timedelta(days=2), "endsAt": now() - timedelta(seconds=1)},
    ],
)
async def test_a_benefit_that_does_not_run_is_not_active(client: AsyncClient, fields: dict[str, object]) -> None:
    partner = await make_partner()
    benefit_id = await make_benefit(partner, **fields)
    answer = await redeem(client, partner, benefit_id, code=show_code(await make_shopper()))
    assert code_of(answer) in {"benefit_not_active", "benefit_not_found"}
    assert (await scan(client, partner, show_code(await make_shopper()))).json()["benefits"] == []


async def test_a_reference_belongs_to_one_redemption(client: AsyncClient) -> None:
    partner = await make_partner()
    benefit_id = await make_benefit(partner)
    assert (await redeem(client, partner, benefit_id, code=show_code(await make_shopper()), reference="X")).is_success
    other = await redeem(client, partner, benefit_id, code=show_code(await make_shopper()), reference="X")
    assert (other.status_code, code_of(other)) == (409, "reference_taken")


async def test_stock_ends_at_its_last_place(client: AsyncClient) -> None:
    partner = await make_partner()
    benefit_id = await make_benefit(partner, stock=2)
    answers = [await redeem(client, partner, benefit_id, code=show_code(await make_shopper())) for _ in range(3)]
    assert [a.status_code for a in answers] == [201, 201, 409]
    assert code_of(answers[2]) == "stock_gone"
    assert await fetch_value("SELECT used FROM benefit_usage WHERE benefit_id = $1", benefit_id) == 2


async def move_uses(shopper: Shopper) -> None:
    """Let a person's uses of this month have been a year ago."""
    first = shanghai_day(now()).replace(day=1)
    await make_partitions(first.replace(year=first.year - 1))
    year_ago = "(period_on - interval '1 year')::date"
    await execute(
        f"UPDATE redemption SET redeemed_at = redeemed_at - interval '1 year', period_on = {year_ago} "
        "WHERE citizen_id = $1",
        shopper.id,
    )
    await execute(
        f"UPDATE benefit_use SET period_on = {year_ago}, period_ends_on = (period_ends_on - interval '1 year')::date "
        "WHERE cap_holder_id = $1",
        shopper.cap_holder_id,
    )


async def test_a_cap_counts_per_person_and_period(client: AsyncClient) -> None:
    partner = await make_partner()
    benefit_id = await make_benefit(partner, perCitizen={"count": 2, "period": "month"})
    shopper = await make_shopper()
    answers = [await redeem(client, partner, benefit_id, code=show_code(shopper)) for _ in range(3)]
    assert [a.status_code for a in answers] == [201, 201, 409]
    assert code_of(answers[2]) == "cap_reached"
    assert (await redeem(client, partner, benefit_id, code=show_code(await make_shopper()))).is_success
    await move_uses(shopper)
    assert (await redeem(client, partner, benefit_id, code=show_code(shopper))).is_success


async def test_three_scores_get_three_steps_and_the_step_has_its_own_cap(client: AsyncClient) -> None:
    partner = await make_partner()
    steps = [
        {"atLeast": 600, "grant": {"type": "percentOff", "percent": 5, "maxFen": 10000}},
        {"atLeast": 650, "grant": {"type": "percentOff", "percent": 10, "maxFen": 20000}},
        {"atLeast": 680, "grant": {"type": "percentOff", "percent": 15, "maxFen": 30000},
         "perCitizen": {"count": 1, "period": "day"}},
    ]  # fmt: skip
    benefit_id = await make_benefit(partner, grant={"type": "steps", "by": "score", "steps": steps})
    discounts = []
    for score, level in ((600, "L3"), (679, "L4"), (680, "L5")):
        shopper = await make_shopper(score=score, level=level)
        answer = await redeem(client, partner, benefit_id, code=show_code(shopper), amountFen=10000)
        discounts.append(answer.json()["discountFen"])
        assert "atLeast" not in answer.text
    assert discounts == [500, 1000, 1500]
    assert code_of(await redeem(client, partner, benefit_id, code=show_code(shopper))) == "cap_reached"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"amountFen": 0}, "/amountFen"),
        ({"amountFen": 1_000_000_001}, "/amountFen"),
        ({"amountFen": "12"}, "/amountFen"),
        ({"reference": ""}, "/reference"),
        ({"reference": "x" * 65}, "/reference"),
        ({"reference": "a\x00b"}, "/reference"),
        ({"reference": "汉字"}, "/reference"),
        ({"terminalId": "x"}, "/terminalId"),
        ({"surprise": 1}, ""),
        ({"scanId": str(uuid4())}, "/scanId"),
    ],
)
async def test_bad_bodies_are_named_and_change_nothing(
    client: AsyncClient, change: dict[str, object], pointer: str
) -> None:
    partner = await make_partner()
    benefit_id = await make_benefit(partner)
    shopper = await make_shopper()
    body = {
        "benefitId": str(benefit_id), "terminalId": str(partner.terminal_ids[0]), "reference": "ok",
        "code": show_code(shopper),
    } | change  # fmt: skip
    headers = partner.headers | {"Idempotency-Key": secrets.token_hex(12)}
    answer = await client.post("/v1/partner/redemptions", json=body, headers=headers)
    assert answer.status_code == 400
    assert any(error["pointer"].startswith(pointer) for error in answer.json()["errors"])
    assert await count("redemption", citizen_id=shopper.id) == 0


@pytest.mark.parametrize("key", [None, "short-key-15-cha", "x" * 65, "with space in the key"])
async def test_a_key_of_16_to_64_visible_characters_is_needed(client: AsyncClient, key: str | None) -> None:
    partner = await make_partner()
    benefit_id = await make_benefit(partner)
    body = {
        "benefitId": str(benefit_id), "terminalId": str(partner.terminal_ids[0]), "reference": "ok",
        "code": show_code(await make_shopper()),
    }  # fmt: skip
    headers = partner.headers | ({"Idempotency-Key": key[:15] if key.startswith("short") else key} if key else {})
    answer = await client.post("/v1/partner/redemptions", json=body, headers=headers)
    assert (answer.status_code, code_of(answer)) == (400, "idempotency_key_invalid")
