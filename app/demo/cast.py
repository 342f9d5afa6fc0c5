"""Who plays in the tour, and what it publishes. Pure."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from app.town.places.places import RETAIL_CODE

TILLS = 200
EGGS_STOCK = 2
RACE_BENEFIT_FEN = 1_000
CAMPAIGN_HOURS = 2
BASICS: tuple[dict[str, Any], ...] = (
    {"source": "renshe-shuiwu", "indicator": "BASE_SI_36M"},
    {"source": "renshe-shuiwu", "indicator": "BASE_TAX_OK"},
    {"source": "gongyong", "indicator": "BASE_UTILITY_OK"},
)


class Role(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who joins during the tour, with what importers will report about them."""

    name: str
    en: str
    born_on: date
    facts: tuple[dict[str, Any], ...] = ()
    score: int


# 500 points to begin with, 30 for a verified identity, 60 for five years without broken trust; 50 for the basics.
NEWCOMER = Role(name="林晓", en="Lin Xiao", born_on=date(1990, 5, 12), score=590)
VILLAGER = Role(name="陈大山", en="Chen Dashan", born_on=date(1962, 3, 8), facts=BASICS, score=640)
VOLUNTEER = Role(
    name="黄海星", en="Huang Haixing", born_on=date(1988, 9, 1), score=590,
    facts=({"source": "zhiyuan", "honour": "VOL_STAR", "grade": "3"},),
)  # fmt: skip
EXCELLENT = Role(
    name="周小满", en="Zhou Xiaoman", born_on=date(1985, 5, 21), score=668,
    facts=(
        *BASICS,
        {"source": "zhiyuan", "indicator": "POS_VOL_HOURS", "quantity": 50},
        {"source": "cishan", "indicator": "POS_DONATE_MONEY", "quantity": 50_000},
        {"source": "shouxin", "indicator": "USE_LIB_ONTIME"},
    ),
)  # fmt: skip
OUTSTANDING = Role(
    name="赵一心", en="Zhao Yixin", born_on=date(1979, 11, 30), score=700,
    facts=(*BASICS, {"source": "zhiyuan", "indicator": "POS_VOL_HOURS", "quantity": 200}),
)  # fmt: skip
NEIGHBOURS = (VILLAGER, VOLUNTEER, EXCELLENT, OUTSTANDING)


def compute_campaign(run: str, institution_id: str, at: datetime) -> dict[str, Any]:
    """Return the market's campaign of this run: something of which there are two, and something for everybody."""
    who = {"type": "scoreAtLeast", "value": 600}
    return {
        "institutionId": institution_id,
        "title": "惠民超市周末礼",
        "summary": "面向良好及以上市民；没有信用分的顾客照常购物。",
        "startsAt": (at - timedelta(minutes=1)).isoformat(),
        "endsAt": (at + timedelta(hours=CAMPAIGN_HOURS)).isoformat(),
        "benefits": [
            {
                "code": f"TOUR_EGGS_{run}", "title": "鲜鸡蛋一板", "kind": "convenience", "scenario": RETAIL_CODE,
                "eligibility": who, "grant": {"type": "voucher", "text": "鲜鸡蛋一板", "valueFen": 1_500},
                "stock": EGGS_STOCK, "perCitizen": {"count": 1, "period": "campaign"},
            },
            {
                "code": f"TOUR_10OFF_{run}", "title": "购物立减十元", "kind": "fee_reduction", "scenario": RETAIL_CODE,
                "eligibility": who, "grant": {"type": "amountOff", "amountFen": RACE_BENEFIT_FEN},
                "perCitizen": {"count": 5, "period": "day"},
            },
        ],
    }  # fmt: skip
