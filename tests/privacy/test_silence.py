"""A till learns what applies, and nothing of why the rest does not: its answers are the same byte for byte."""

from __future__ import annotations

import json
import re
import secrets
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from app.kit.clock import now
from app.kit.db.database import execute, fetch_value
from tests.support.citizens import join
from tests.support.codes import issue_code
from tests.support.partners import Partner, make_partner
from tests.support.redeeming import Shopper, make_benefit, make_shopper, redeem, scan, show_code

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response

TODAY = now().date()
SCORE = 697  # a number that nothing else here has
FITTING: dict[str, Any] = {"score": SCORE, "level": "L4", "birth_on": date(1990, 5, 1)}
ELIGIBILITY = {
    "type": "all",
    "of": [
        {"type": "scoreAtLeast", "value": 660},
        {"type": "levelAtLeast", "level": "L4"},
        {"type": "hasHonour", "honour": "VOL_STAR", "gradeAtLeast": "3"},
        {"type": "ageBetween", "min": 30, "max": 60},
    ],
}


def honour(grade: str, until: date, code: str = "VOL_STAR") -> str:
    return json.dumps([{"code": code, "grade": grade, "rank": int(grade), "until": str(until)}])


HELD = honour("4", TODAY + timedelta(days=100))
REASONS: dict[str, dict[str, Any]] = {
    "a score far below": {"score": 300, "level": "L1"},
    "a score just below": {"score": 659, "level": "L4"},
    "a level below": {"score": 640, "level": "L3"},
    "no honour": {"honours": "[]"},
    "another honour": {"honours": honour("4", TODAY + timedelta(days=9), "MODEL_WORKER")},
    "a weaker grade": {"honours": honour("2", TODAY + timedelta(days=100))},
    "an honour that ended": {"honours": honour("4", TODAY - timedelta(days=2))},
    "too young": {"birth_on": date(TODAY.year - 20, 1, 1)},
    "too old": {"birth_on": date(TODAY.year - 80, 1, 1)},
    "everything at once": {"score": 1, "level": "L1", "honours": "[]", "birth_on": date(TODAY.year - 19, 1, 1)},
    "no score at all": {},
}
WORDS = re.compile(r"score|level|honour|threshold|\bage|分|等级|荣誉|年龄|还差|VOL_STAR|\bL[1-5]\b|66\d")


@pytest.fixture(scope="module")
async def garage(client: AsyncClient) -> tuple[Partner, UUID]:
    del client
    partner = await make_partner()
    return partner, await make_benefit(partner, eligibility=ELIGIBILITY)


async def make(reason: str) -> Shopper:
    shopper = await make_shopper(**({**FITTING, "honours": HELD} | REASONS.get(reason, {})))
    if reason == "no score at all":
        await execute("DELETE FROM score_snapshot WHERE citizen_id = $1", shopper.id)
    return shopper


def plain(answer: Response) -> tuple[int, bytes, list[tuple[str, str]]]:
    """Return an answer with ids, instants and what counts down or up put aside."""
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32}", "<id>", answer.text)
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "<instant>", text)
    text = re.sub(r'"expiresIn":\d+', '"expiresIn":<seconds>', text)
    headers = [(name, value) for name, value in answer.headers.items() if name not in {"content-length", "ratelimit"}]
    return answer.status_code, text.encode(), headers


async def visit(client: AsyncClient, partner: Partner, benefit_id: UUID, shopper: Shopper) -> list[Response]:
    """Do everything a curious till can do with a person."""
    scanned = await scan(client, partner, show_code(shopper))
    scan_id = scanned.json()["scanId"]
    return [
        scanned,
        await scan(client, partner, show_code(shopper), scenario="garage"),
        await client.get(f"/v1/partner/scans/{scan_id}", headers=partner.headers),
        await redeem(client, partner, benefit_id, scanId=scan_id, amountFen=10_000),
        await redeem(client, partner, benefit_id, code=show_code(shopper)),
        await redeem(client, partner, benefit_id, code=show_code(shopper), amountFen=10_000),
        await client.get("/v1/partner/events", headers=partner.headers),
        await client.get("/v1/partner/redemptions", headers=partner.headers),
        await client.get(f"/v1/partner/statements/{TODAY}", headers=partner.headers),
    ]


async def test_whoever_fits_gets_it(client: AsyncClient, garage: tuple[Partner, UUID]) -> None:
    """Each reason below is the only thing that is wrong with its person."""
    partner, benefit_id = await make_partner(), UUID(int=0)
    benefit_id = await make_benefit(partner, eligibility=ELIGIBILITY)
    answers = await visit(client, partner, benefit_id, await make("fits"))
    assert [answer.status_code for answer in answers] == [201, 201, 200, 201, 201, 201, 200, 200, 200]
    assert garage[1] != benefit_id


async def test_every_reason_looks_the_same(client: AsyncClient, garage: tuple[Partner, UUID]) -> None:
    partner, benefit_id = garage
    seen = {
        reason: [plain(answer) for answer in await visit(client, partner, benefit_id, await make(reason))]
        for reason in REASONS
    }
    first = seen.pop("a score far below")
    assert [status for status, _, _ in first] == [201, 201, 200, 422, 422, 422, 200, 200, 200]
    for reason, answers in seen.items():
        assert answers == first, reason
    assert [word for _, text, _ in first[:6] for word in WORDS.findall(text.decode())] == []


async def test_it_looks_as_if_there_were_nothing_to_have(client: AsyncClient, garage: tuple[Partner, UUID]) -> None:
    """Who is not eligible, and a store without any benefit, look the same to whoever scans."""
    partner, _ = garage
    empty = await make_partner()
    refused = await scan(client, partner, show_code(await make("no honour")))
    nothing = await scan(client, empty, show_code(await make("fits")))
    assert plain(refused) == plain(nothing)


async def test_the_language_tells_no_more(client: AsyncClient, garage: tuple[Partner, UUID]) -> None:
    partner, benefit_id = garage
    for language in ("en", "zh"):
        headers = partner.headers | {"Accept-Language": language, "Idempotency-Key": secrets.token_hex(9)}
        order = {
            "benefitId": str(benefit_id), "terminalId": str(partner.terminal_ids[0]), "reference": secrets.token_hex(9)
        }  # fmt: skip
        answers = []
        for reason in ("too old", "no honour"):
            order["code"] = show_code(await make(reason))
            answers.append(await client.post("/v1/partner/redemptions", json=order, headers=headers))
        assert plain(answers[0]) == plain(answers[1])
        assert answers[0].json()["reasons"] == answers[0].json()["errors"] == []


async def test_dead_codes_look_the_same(client: AsyncClient) -> None:
    """Nobody's code, one revoked, one of somebody frozen or gone: a till cannot tell them apart."""
    partner = await make_partner()
    benefit_id = await make_benefit(partner, eligibility={"type": "everyone"})
    revoked, frozen, gone = await make_shopper(), await make_shopper(), await join(client)
    codes = [show_code(revoked), show_code(frozen), await issue_code(client, gone)]
    await execute("UPDATE citizen SET code_generation = 1 WHERE id = $1", revoked.id)
    await execute("UPDATE citizen SET state = 'frozen' WHERE id = $1", frozen.id)
    assert (await client.delete("/v1/me", headers=gone.headers)).status_code == 204
    codes += ["96" + "".join(secrets.choice("0123456789") for _ in range(20)), "96123", "x" * 22, codes[0][::-1]]
    scanned = [plain(await scan(client, partner, code)) for code in codes]
    redeemed = [plain(await redeem(client, partner, benefit_id, code=code)) for code in codes]
    assert {status for status, _, _ in (*scanned, *redeemed)} == {422}
    assert all(answer == scanned[0] for answer in (*scanned, *redeemed))


async def test_a_score_is_told_to_no_till(client: AsyncClient) -> None:
    """Not in a step's grant either: the till sees the discount, never the step it comes from."""
    partner = await make_partner()
    ladder = {
        "type": "steps", "by": "score",
        "steps": [{"atLeast": at, "grant": {"type": "percentOff", "percent": percent, "maxFen": 5000}}
                  for at, percent in ((600, 5), (640, 8), (680, 12))],
    }  # fmt: skip
    benefit_id = await make_benefit(partner, grant=ladder)
    shopper = await make("fits")
    answers = await visit(client, partner, benefit_id, shopper)
    text = "\n".join(f"{plain(answer)}" for answer in answers)
    assert '"percent":12' in text
    for hidden in (str(SCORE), "steps", "atLeast", "600", "640", "680", "L4"):
        assert not re.search(rf"\b{hidden}\b", text), hidden
    for table in ("event", "access_log", "redemption", "scan"):
        rows = await fetch_value(f"SELECT string_agg(t::text, ' ') FROM {table} AS t WHERE citizen_id = $1", shopper.id)
        assert rows
        for hidden in (str(SCORE), "L4"):
            assert not re.search(rf"\b{hidden}\b", str(rows)), (table, hidden)
