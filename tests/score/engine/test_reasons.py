"""Why a score moved when rules of another family came into force: every part in words, also what only the old knew."""

from __future__ import annotations

import pytest

from app.score.book.standard import STANDARD_BOOK
from app.score.engine.parts import compute_book_reasons
from tests.support.switching import LEDGER


@pytest.mark.parametrize(
    ("old", "new", "zh", "en"),
    [
        ({"BASE_SI_36M": 25}, {}, "不再计分：社会保险连续缴纳满36个月或领取待遇 -25分",
         "no longer counts: The same for 36 months -25"),
        ({"POS_VOL_HOURS": 10}, {"POS_VOL_HOURS": 5}, "变动：志愿服务时长 -5分",
         "changed: Volunteer hours in the year -5"),
        ({"dimension_cap:positive": -9}, {}, "守信正向：维度上下限 +9分", "Good conduct: limits of the dimension +9"),
        ({}, {"dimension_cap:points": -9}, "积分：维度上下限 -9分", "Points: limits of the dimension -9"),
        ({}, {"annual_cap:POS_BLOOD": -9}, "无偿献血：年度上限 -9分", "Blood donation: annual cap -9"),
        ({"ceiling:650": -9}, {}, "最高限分650分 +9分", "ceiling of 650 +9"),
        ({}, {"GONE": 3}, "新增：GONE +3分", "new: GONE +3"),
    ],
)  # fmt: skip
def test_every_part_is_described_in_words(old: dict[str, int], new: dict[str, int], zh: str, en: str) -> None:
    rules, part = compute_book_reasons(old, new, STANDARD_BOOK, LEDGER)
    assert (rules.zh, rules.points) == ("启用新规则：个人信用积分簿第1版，基础分 +500分", 500)
    assert (part.zh, part.en) == (zh, en)
