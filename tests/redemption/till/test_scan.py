"""Scanning through HTTP: what a till learns, and the codes and scans it is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from app.kit.clock import now
from app.kit.db.database import execute, fetch_value
from app.kit.outside.rate_limit import LocalLimit
from app.redemption.till.actions import scan as scan_actions
from app.redemption.till.actions.scan import READS_PER_KEY_MAX, READS_PER_SCAN_MAX, TERMINAL_LIMIT
from app.redemption.till.redeeming import SAME_TRY, SCAN_LIFETIME_SECONDS
from tests.support.partners import make_partner
from tests.support.redeeming import (
    Shopper,
    code_of,
    count,
    find_mine,
    make_benefit,
    make_shopper,
    redeem,
    scan,
    show_code,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from httpx2 import AsyncClient, Response

LONG = 100_000  # seconds: no window ends during a test


async def test_a_scan_answers_what_applies_and_nothing_else(client: AsyncClient) -> None:
    partner = await make_partner()
    open_to_them = await make_benefit(partner, title="九折")
    await make_benefit(partner, title="高门槛", eligibility={"type": "scoreAtLeast", "value": 900})
    shopper = await make_shopper(score=650, level="L4")

    answer = await scan(client, partner, show_code(shopper))

    assert answer.status_code == 201
    body = answer.json()
    assert [(b["id"], b["title"]) for b in body["benefits"]] == [(str(open_to_them), "九折")]
    assert 290 <= body["expiresIn"] <= SCAN_LIFETIME_SECONDS
    assert not {"score", "level", "reasons", "maskedName"} & set(body)
    assert "高门槛" not in answer.text
    assert "scoreAtLeast" not in answer.text


async def test_nobody_learns_why_nothing_applies(client: AsyncClient) -> None:
    partner = await make_partner()
    benefit_id = await make_benefit(partner, eligibility={"type": "scoreAtLeast", "value": 680})
    shopper = await make_shopper(score=668, level="L4")

    scanned = await scan(client, partner, show_code(shopper))
    assert scanned.json()["benefits"] == []
    assert scanned.json()["message"] == "无可用优惠"
    refused = await redeem(client, partner, benefit_id, code=show_code(shopper))
    assert (refused.status_code, code_of(refused)) == (422, "not_eligible")
    assert refused.json()["reasons"] == []
    assert refused.json()["detail"] == "无可用优惠"

    mine = await find_mine(client, shopper, benefit_id)
    assert "12" in mine["reasons"][0]["text"]
    log = (await client.get("/v1/me/access-log", headers=shopper.headers)).json()["data"]
    assert {entry["outcome"] for entry in log} == {"scanned", "not_eligible"}


async def test_the_name_is_masked_and_only_where_the_scenario_needs_it(client: AsyncClient) -> None:
    partner = await make_partner(kind="hospital")
    await make_benefit(partner, scenario="medical", withoutScore="照常就诊")
    shopper = await make_shopper(name="欧阳娜娜")
    answer = await scan(client, partner, show_code(shopper))
    assert answer.json()["maskedName"] == "欧阳**"
    assert "娜娜" not in answer.text


async def test_two_stores_cannot_own_one_code(client: AsyncClient) -> None:
    partner = await make_partner(stores=2)
    benefit_id = await make_benefit(partner)
    shopper = await make_shopper()
    code = show_code(shopper)
    first = await scan(client, partner, code)
    same_store = await scan(client, partner, code)
    other_store = await scan(client, partner, code, terminal=1)
    assert first.json()["scanId"] == same_store.json()["scanId"]
    assert (other_store.status_code, code_of(other_store)) == (409, "credit_code_used")
    by_code = await redeem(client, partner, benefit_id, code=code, terminal=1)
    assert code_of(by_code) == "credit_code_used"
    foreign_scan = await redeem(client, partner, benefit_id, scanId=first.json()["scanId"], terminal=1)
    assert foreign_scan.status_code == 404
    assert await count("access_log", citizen_id=shopper.id, outcome="credit_code_used") == 2
    assert await count("access_log", citizen_id=shopper.id, outcome="not_found") == 1
    assert await count("event", citizen_id=shopper.id, type="credit_code.refused.v1") == 2


@pytest.mark.parametrize(
    ("make", "status", "code"),
    [
        (lambda shopper: show_code(shopper)[:-1], 422, "credit_code_invalid"),
        (lambda shopper: show_code(shopper, generation=1), 422, "credit_code_invalid"),
        (lambda _: "96" + "٣" * 20, 422, "credit_code_invalid"),
        (lambda _: "hello", 422, "credit_code_invalid"),
        (lambda shopper: show_code(shopper, slots_ago=3), 410, "credit_code_expired"),
    ],
)
async def test_codes_that_do_not_open(
    client: AsyncClient, make: Callable[[Shopper], str], status: int, code: str
) -> None:
    partner = await make_partner()
    benefit_id = await make_benefit(partner)
    shopper = await make_shopper()
    text = make(shopper)
    for answer in (await scan(client, partner, text), await redeem(client, partner, benefit_id, code=text)):
        assert (answer.status_code, code_of(answer)) == (status, code)
    # an expired code, or one its citizen has killed, names the citizen, who sees the tries; another text names nobody
    is_theirs = status == 410 or (len(text) == 22 and text.isascii())
    assert await count("access_log", citizen_id=shopper.id, outcome=code) == (2 if is_theirs else 0)


async def test_a_scan_is_over_after_its_lifetime(client: AsyncClient) -> None:
    partner = await make_partner()
    benefit_id = await make_benefit(partner)
    shopper = await make_shopper()
    scan_id = (await scan(client, partner, show_code(shopper))).json()["scanId"]
    await execute("UPDATE scan SET expires_at = $2 WHERE id = $1", UUID(scan_id), now() - timedelta(seconds=1))
    assert code_of(await redeem(client, partner, benefit_id, scanId=scan_id)) == "scan_expired"
    read = await client.get(f"/v1/partner/scans/{scan_id}", headers=partner.headers)
    assert (read.status_code, code_of(read)) == (410, "scan_expired")
    assert await count("access_log", citizen_id=shopper.id, outcome="scan_expired") == 2


async def test_a_look_repeated_is_one_line_and_one_that_learns_more_is_another(client: AsyncClient) -> None:
    partner, stranger = await make_partner(), await make_partner()
    await make_benefit(partner)
    shopper = await make_shopper()
    code = show_code(shopper)
    first = (await scan(client, partner, code)).json()
    path = f"/v1/partner/scans/{first['scanId']}"
    for _ in range(3):
        assert (await client.get(path, headers=partner.headers)).json()["benefits"] == first["benefits"]
        assert (await scan(client, partner, code)).json()["scanId"] == first["scanId"]
    assert await count("access_log", citizen_id=shopper.id, action="scan") == 1

    await make_benefit(partner)  # now the same look learns more
    for _ in range(2):
        assert len((await client.get(path, headers=partner.headers)).json()["benefits"]) == 2
        await scan(client, partner, code)
    assert await count("access_log", citizen_id=shopper.id, action="scan") == 2

    for scan_id in (first["scanId"], str(uuid4()), str(UUID(int=2**128 - 1))):
        headers = stranger.headers if scan_id == first["scanId"] else partner.headers
        assert (await client.get(f"/v1/partner/scans/{scan_id}", headers=headers)).status_code == 404


async def test_the_first_look_at_a_scan_is_always_in_the_log(client: AsyncClient) -> None:
    """Redeeming by the code discloses one benefit; reading the scan it made discloses them all."""
    partner = await make_partner()
    benefit_id = await make_benefit(partner)
    shopper = await make_shopper()
    assert (await redeem(client, partner, benefit_id, code=show_code(shopper))).status_code == 201
    scan_id = await fetch_value("SELECT id FROM scan WHERE citizen_id = $1", shopper.id)
    for _ in range(2):
        assert (await client.get(f"/v1/partner/scans/{scan_id}", headers=partner.headers)).status_code == 200
    assert await count("access_log", citizen_id=shopper.id, action="scan", outcome="scanned") == 1


async def test_another_till_of_the_store_is_another_look(client: AsyncClient) -> None:
    partner = await make_partner(terminals=2)
    shopper = await make_shopper()
    code = show_code(shopper)
    for terminal in (0, 1, 0, 1):
        assert (await scan(client, partner, code, terminal=terminal)).status_code == 201
    assert await count("access_log", citizen_id=shopper.id, action="scan") == 2


async def test_a_used_code_shown_again_and_again_warns_once(client: AsyncClient) -> None:
    partner = await make_partner(stores=2)
    shopper = await make_shopper()
    code = show_code(shopper)
    assert (await scan(client, partner, code)).status_code == 201
    for _ in range(3):
        assert code_of(await scan(client, partner, code, terminal=1)) == "credit_code_used"
    assert await count("access_log", citizen_id=shopper.id, outcome="credit_code_used") == 1
    assert await count("event", citizen_id=shopper.id, type="credit_code.refused.v1") == 1


async def test_reads_of_a_scan_are_limited_by_scan_and_by_key(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan_actions, "SCAN_READ_LIMIT", LocalLimit("scan-reads", READS_PER_SCAN_MAX, LONG))
    partner, stranger = await make_partner(), await make_partner()
    scan_id, other_id = [
        (await scan(client, partner, show_code(await make_shopper()))).json()["scanId"] for _ in range(2)
    ]

    async def read(headers: dict[str, str], wanted: str = scan_id) -> Response:
        return await client.get(f"/v1/partner/scans/{wanted}", headers=headers)

    assert {(await read(stranger.headers)).status_code for _ in range(READS_PER_SCAN_MAX)} == {404}
    assert (await read(stranger.headers)).status_code == 429  # which uses up nobody else's reads
    assert {(await read(partner.headers)).status_code for _ in range(READS_PER_SCAN_MAX)} == {200}
    refused = await read(partner.headers)
    assert (refused.status_code, code_of(refused)) == (429, "rate_limited")
    assert int(refused.headers["Retry-After"]) >= 1
    assert (await read(partner.headers, other_id)).status_code == 200

    monkeypatch.setattr(scan_actions, "KEY_READ_LIMIT", LocalLimit("scan-reads-key", 3, LONG))
    answers = [await read(partner.headers, str(uuid4())) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [404, 404, 404, 429]
    assert TERMINAL_LIMIT.limit_here > READS_PER_KEY_MAX


async def test_a_refused_try_repeated_is_one_line(client: AsyncClient) -> None:
    partner = await make_partner()
    benefit_id = await make_benefit(partner, eligibility={"type": "scoreAtLeast", "value": 900})
    shopper = await make_shopper()
    scan_id = (await scan(client, partner, show_code(shopper))).json()["scanId"]
    for _ in range(3):
        assert code_of(await redeem(client, partner, benefit_id, scanId=scan_id)) == "not_eligible"
    assert await count("access_log", citizen_id=shopper.id, outcome="not_eligible") == 1
    await execute("UPDATE access_log SET at = at - $2::interval WHERE citizen_id = $1", shopper.id, SAME_TRY)
    assert code_of(await redeem(client, partner, benefit_id, scanId=scan_id)) == "not_eligible"
    assert await count("access_log", citizen_id=shopper.id, outcome="not_eligible") == 2


WIDE = {place: place + 0xFEE0 for place in range(0x21, 0x7F)}


@pytest.mark.parametrize("way", ["{}\r", "{}\r\n", "{}\n", "{}\t", "{} ", " {}", "\ufeff{}", "groups", "wide"])
async def test_what_a_scanner_adds_does_not_make_a_code_wrong(client: AsyncClient, way: str) -> None:
    partner, shopper = await make_partner(), await make_shopper(score=650, level="L4")
    benefit_id = await make_benefit(partner)
    code = show_code(shopper)
    grouped = " ".join(code[place : place + 4] for place in range(0, len(code), 4))
    shown = {"groups": grouped, "wide": code.translate(WIDE)}.get(way, way.format(code))
    for _ in range(3):
        assert (await scan(client, partner, shown)).status_code == 201
    plain = await scan(client, partner, code)
    assert plain.json()["scanId"] == (await scan(client, partner, shown)).json()["scanId"], "one code, one scan"
    assert (await redeem(client, partner, benefit_id, code=shown)).status_code == 201
