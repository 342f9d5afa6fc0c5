"""The scene of two hundred tills: one code, everywhere at once, while a worker process is killed."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from typing import TYPE_CHECKING

import msgspec
from httpx2 import TransportError

from app.demo.actions.scene_stock import read_totals
from app.demo.actions.stage import find_tills, make_reference, read, show_code
from app.demo.cast import OUTSTANDING, TILLS
from app.demo.clients import call
from app.town.places.places import RACE_SLUG

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.demo.actions.stage import Till, Tour
    from app.demo.clients import Answer

TRIES_MAX = 200
RETRY_SECONDS = 0.05
SERVICE_UNAVAILABLE = 503
REFUSED = {"credit_code_used", "already_redeemed", "credit_code_expired"}


class Ending(msgspec.Struct, frozen=True):
    """The last answer of a till, and how often it had to ask."""

    till: Till
    reference: str
    answer: Answer
    tries: int


class Race:
    """Two hundred tills that ask at once; each keeps its key until it has an answer."""

    def __init__(self, tour: Tour, code: str, benefit_id: str) -> None:
        self._tour = tour
        self._code = code
        self._benefit_id = benefit_id

    async def ask(self, till: Till) -> Ending:
        """Redeem at one till; a lost answer is asked for again under the same key."""
        reference, key = make_reference(self._tour), secrets.token_hex(16)
        body = {
            "benefitId": self._benefit_id, "terminalId": till.terminal_id, "reference": reference, "code": self._code
        }  # fmt: skip
        for number in range(1, TRIES_MAX + 1):
            answer = await self._try(till, body, key)
            if answer is not None:
                return Ending(till, reference, answer, number)
            await asyncio.sleep(RETRY_SECONDS)
        raise TimeoutError("a till never got an answer")

    async def _try(self, till: Till, body: dict[str, object], key: str) -> Answer | None:
        try:
            answer = await call(
                self._tour.http, "POST", "/v1/partner/redemptions", bearer=till.api_key, body=body, key=key
            )
        except TransportError:
            return None
        return None if answer.status == SERVICE_UNAVAILABLE else answer


async def play_race(tour: Tour, kill_worker: Callable[[], int]) -> None:
    """One code on two hundred screens: it is redeemed once, and every till gets an answer."""
    guide, member = tour.guide, tour.member(OUTSTANDING)
    guide.begin_scene(
        f"{TILLS}台收银机同时核销一个码，中途杀掉一个服务进程",
        f"{TILLS} tills redeem one code at once, and a worker process is killed midway",
    )
    tills = (await find_tills(tour, RACE_SLUG))[:TILLS]
    race = Race(tour, await show_code(tour, member), tour.campaign_benefits[1])
    asking = [asyncio.create_task(race.ask(till)) for till in tills]
    answered, _ = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
    pid = kill_worker()
    guide.say(
        f"{len(tills)}台收银机已发出请求，{len(answered)}台得到回答；此刻对工作进程 {pid} 执行 kill -9",
        f"{len(tills)} requests are out, {len(answered)} answered; now kill -9 for worker process {pid}",
    )
    endings = await asyncio.gather(*asking)
    _show(tour, endings)
    await _check_books(tour, endings)


def _show(tour: Tour, endings: list[Ending]) -> None:
    retried = [ending for ending in endings if ending.tries > 1]
    tour.guide.say(
        f"{len(retried)}台没有等到回答，用同一个幂等键重发，直到得到答复",
        f"{len(retried)} lost their answer and asked again under the same Idempotency-Key until they had one",
    )
    counted = Counter((ending.answer.status, _code(ending)) for ending in endings)
    tour.guide.show_rows(
        ("应答 status", "结果 outcome", "+台 tills"),
        [(status, code, count) for (status, code), count in sorted(counted.items())],
    )


async def _check_books(tour: Tour, endings: list[Ending]) -> None:
    """Compare the answers of the tills with what is on the books of the store, the publisher and the citizen."""
    guide, benefit_id = tour.guide, tour.campaign_benefits[1]
    won = [ending for ending in endings if ending.answer.status == 201]  # noqa: PLR2004 - created
    refused = [ending for ending in endings if _code(ending) in REFUSED]
    redeemed = (await read_totals(tour))[benefit_id]["redeemed"]
    mine = (await read(tour, tour.member(OUTSTANDING), "/v1/me/redemptions?limit=100"))["data"]
    held = [row["id"] for row in mine if row["benefitId"] == benefit_id]
    lost = [ending.reference for ending in won if not await _is_on_books(tour, ending)]
    guide.check(
        f"核销 {redeemed} 次，丢失 {len(lost)}，重复 {redeemed - 1}；其余 {len(refused)} 台都得到明确的拒绝",
        f"{redeemed} redeemed, {len(lost)} lost, {redeemed - 1} double; "
        f"the other {len(refused)} tills were told no in so many words",
        holds=len(won) == redeemed == len(held) == 1 and not lost and len(won) + len(refused) == len(endings),
        saw=Counter((ending.answer.status, _code(ending)) for ending in endings),
    )
    guide.check(
        "收银台、发布单位、市民手机，三本账是同一笔",
        "the till, the publisher and the citizen's phone all tell of one and the same redemption",
        holds=[won[0].answer.body["id"]] == held,
        saw=(won[0].answer.body, held),
    )


async def _is_on_books(tour: Tour, ending: Ending) -> bool:
    path = f"/v1/partner/redemptions?reference={ending.reference}"
    answer = await call(tour.http, "GET", path, bearer=ending.till.api_key)
    rows = tour.guide.need(answer, 200)["data"]
    return [row["id"] for row in rows] == [ending.answer.body["id"]]


async def play_access_log(tour: Tour) -> None:
    """Show that a person can read everything that was asked about them."""
    guide, member = tour.guide, tour.member(OUTSTANDING)
    guide.begin_scene("谁看过我，一查便知", "Who looked at me, and what were they told")
    rows: list[dict[str, object]] = []
    path = "/v1/me/access-log?limit=100"
    while path:
        page = await read(tour, member, path)
        rows += page["data"]
        more = page["page"]["hasMore"]
        path = f"/v1/me/access-log?limit=100&cursor={page['page']['nextCursor']}" if more else ""
    counted = Counter((row["institution"], row["action"], row["outcome"]) for row in rows)
    guide.show_rows(
        ("机构 institution", "事由 action", "结果 outcome", "+次 times"),
        [(*key, count) for key, count in sorted(counted.items(), key=str)],
    )
    market = sum(count for (institution, _, _), count in counted.items() if institution == "惠民超市")
    guide.check(
        f"每一次扫码都在{member.role.name}的查询记录里，被拒绝的也在：共{len(rows)}条",
        f"every look at {member.role.en} is in the access log, refused ones too: {len(rows)} lines",
        holds=market >= TILLS,
        saw=counted,
    )


def _code(ending: Ending) -> str:
    return str(ending.answer.body.get("code") or ending.answer.body.get("state"))
