"""Why a score moved: the strongest reasons first, at most five, in the reader's language."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from app.kit.clock import now
from app.kit.db.database import transaction
from app.kit.db.partitions import make_partitions
from app.score.current.actions.rescore import rescore
from app.score.engine.parts import REASONS_MAX
from app.values.days import shanghai_day
from tests.support.citizens import join
from tests.support.histories import new_record
from tests.support.recording import put_records

if TYPE_CHECKING:
    from uuid import UUID

    from httpx2 import AsyncClient

CHANGES = "/v1/me/score/changes"


async def last_step(
    client: AsyncClient, headers: dict[str, str], language: str = "zh-CN", on: date | None = None
) -> Any:
    """Return the newest step, or that of a day."""
    answer = await client.get(CHANGES, headers={**headers, "Accept-Language": language})
    assert answer.status_code == 200, answer.text
    return next(step for step in answer.json()["data"] if on is None or step["at"].startswith(str(on)))


async def put(citizen_id: UUID, *facts: dict[str, Any], at: datetime | None = None) -> None:
    """Let records arrive together, as one file does."""
    at = at or now()
    records = [new_record(citizen_id, **{"event_on": shanghai_day(at), **one}) for one in facts]
    async with transaction():
        assert set(await put_records(records, at=at, entered_by=None)) == {"accepted"}
        await rescore([citizen_id], at=at)


MUCH: list[dict[str, Any]] = [
    {"indicator": "POS_CLUE"}, {"indicator": "POS_AWARD", "grade": "city"}, {"indicator": "POS_REDLIST"},
    {"indicator": "NEG_CONTRACT_JUDG"}, {"indicator": "POS_VOL_HOURS", "quantity": 100},
    {"indicator": "BASE_TAX_OK"}, *[{"indicator": "POS_SUPERVISE"}] * 4,
]  # fmt: skip


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        (
            "zh-CN",
            ["不再计分：诚信推定：无有效失信记录的时长 -60分", "新增：表彰奖励 +50分",
             "新增：合同违约被生效判决认定 -40分", "新增：志愿服务时长 +40分", "新增：行业红名单 +20分"],
        ),
        (
            "en",
            ["no longer counts: Months without an active negative record -60", "new: Commendation +50",
             "new: Contract breach adjudged -40", "new: Volunteer hours in the year +40", "new: Industry red list +20"],
        ),
    ],
)  # fmt: skip
async def test_the_strongest_reasons_first(client: AsyncClient, language: str, texts: list[str]) -> None:
    member = await join(client)
    await put(member.id, *MUCH)
    step = await last_step(client, member.headers, language)
    assert [reason["text"] for reason in step["reasons"]] == texts
    assert len(texts) == REASONS_MAX
    strengths = [abs(reason["points"]) for reason in step["reasons"]]
    assert strengths == sorted(strengths, reverse=True)


async def test_a_limit_is_a_reason_too(client: AsyncClient) -> None:
    member = await join(client)
    await put(member.id, *[{"indicator": "POS_SUPERVISE"}] * 4)
    step = await last_step(client, member.headers)
    assert [(reason["code"], reason["points"]) for reason in step["reasons"]] == [("appeared", 16), ("limited", -4)]
    assert step["reasons"][1]["text"] == "有效社会监督：年度上限 -4分"
    assert (await last_step(client, member.headers, "en"))["reasons"][1]["text"] == (
        "Effective public supervision: annual cap -4"
    )
    assert step["toValue"] - step["fromValue"] == sum(reason["points"] for reason in step["reasons"])


async def test_growing_and_ending(client: AsyncClient) -> None:
    member = await join(client)
    year = shanghai_day(now()).year - 2  # all of it is over, whatever day this is: joining counts after it
    await make_partitions(date(year, 1, 1))
    early = datetime(year, 3, 1, 4, tzinfo=UTC)
    await put(member.id, {"indicator": "POS_VOL_HOURS", "quantity": 10}, at=early)
    await put(member.id, {"indicator": "POS_VOL_HOURS", "quantity": 45}, at=early + timedelta(days=1))
    (grown,) = (await last_step(client, member.headers, on=date(year, 3, 2)))["reasons"]
    assert (grown["code"], grown["points"], grown["text"]) == ("changed", 16, "变动：志愿服务时长 +16分")
    late = early + timedelta(days=367)
    await make_partitions(late.date())
    async with transaction():
        await rescore([member.id], at=late)
    step = await last_step(client, member.headers, "en", on=late.date())
    ended = step["reasons"][0]
    assert (ended["code"], ended["points"]) == ("left", -20)
    assert ended["text"] == "no longer counts: Volunteer hours in the year -20"
    assert step["toValue"] - step["fromValue"] == sum(reason["points"] for reason in step["reasons"])
