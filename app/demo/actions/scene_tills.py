"""Scenes at tills and desks: what a benefit gives, and how little the till learns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.demo.actions.stage import find_tills, read, redeem, scan, show_code
from app.demo.cast import EXCELLENT, OUTSTANDING, VILLAGER, VOLUNTEER
from app.values.money import compute_share_fen, describe_yuan

if TYPE_CHECKING:
    from app.demo.actions.stage import Tour
    from app.demo.cast import Role

CHECKUP_FEN, TICKET_FEN, REPAIR_FEN = 98_000, 12_000, 80_000
GARAGE_DISCOUNTS = ((VILLAGER, 4_000), (EXCELLENT, 8_000), (OUTSTANDING, 12_000))


async def play_clinic(tour: Tour) -> None:
    """Scene 2: the guide's scanner learns one word."""
    guide = tour.guide
    guide.begin_scene("村民在诚信就医台", "A villager at the clinic's integrity desk")
    (till,) = (await find_tills(tour, "hospital", "诚信就医台"))[:1]
    seen = await scan(tour, till, await show_code(tour, tour.member(VILLAGER)))
    offers = [offer["title"] for offer in seen["benefits"]]
    guide.check(
        f"导医扫码，屏幕上只有：{seen.get('maskedName')}，可享“{'、'.join(offers)}”。没有分数，没有等级",
        "the guide scans and sees a masked name and “guided service”; no score, no level",
        holds=[offer["code"] for offer in seen["benefits"]] == ["MED_GUIDE"] and seen.get("maskedName") == "陈**",
        saw=seen,
    )
    guide.need(await redeem(tour, till, tour.benefit_id("MED_GUIDE"), scan_id=seen["scanId"]), 201)
    guide.check("全程引导，已核销", "guided all the way, and redeemed", holds=True)


async def play_vehicle_office(tour: Tour) -> None:
    """Scene 3: an honour earns what a score does not."""
    guide, member = tour.guide, tour.member(VOLUNTEER)
    guide.begin_scene("星级志愿者在车管所", "A star volunteer at the vehicle office")
    score = await read(tour, member, "/v1/me/score")
    (till,) = (await find_tills(tour, "vehicles"))[:1]
    seen = await scan(tour, till, await show_code(tour, member))
    guide.check(
        f"{member.role.name}只有{score['value']}分，但志愿服务三星：“{seen['benefits'][0]['grant']['text']}”",
        f"{member.role.en} has only {score['value']} points, but three stars: no appointment needed",
        holds=[offer["code"] for offer in seen["benefits"]] == ["VEHICLE_OFFICE"],
        saw=seen,
    )
    guide.need(await redeem(tour, till, tour.benefit_id("VEHICLE_OFFICE"), scan_id=seen["scanId"]), 201)
    guide.check("凭荣誉而不是凭分数，已核销", "earned by an honour, not by a score, and redeemed", holds=True)


async def play_top_level(tour: Tour) -> None:
    """Scene 4: what the highest level gets, and who learns why the next one does not."""
    guide, best = tour.guide, tour.member(OUTSTANDING)
    guide.begin_scene("极好等级的待遇，与差十二分的人", "What the top level gets, and someone twelve points away")
    (gate,) = (await find_tills(tour, "scenic", "南门"))[:1]
    (desk,) = (await find_tills(tour, "hospital", "门诊大厅"))[:1]
    rows = []
    for till, code, amount in (
        (gate, "SCENIC_STEPS", TICKET_FEN),
        (desk, "MED_CHECKUP", CHECKUP_FEN),
        (desk, "MED_DEPOSIT_50K", 0),
    ):
        shown = await show_code(tour, best)
        answer = await redeem(tour, till, tour.benefit_id(code), code=shown, amount_fen=amount)
        receipt = guide.need(answer, 201)
        rows.append((till.name, _title(tour, code), _yuan(amount), _yuan(receipt.get("discountFen"))))
    guide.say(f"{best.role.name}一日三处：", f"{best.role.en} at three places:")
    guide.show_rows(("网点 store", "权益 benefit", "+金额 bill", "+减免 off"), rows)
    guide.check(
        "门票全免，体检省四成，住院5万元内免押金",
        "free entry, 40 % off the check-up, no deposit up to 50,000 yuan",
        holds=[row[3] for row in rows] == [_yuan(TICKET_FEN), _yuan(compute_share_fen(CHECKUP_FEN, 40)), ""],
        saw=rows,
    )
    await _ask_one_level_lower(tour)


async def _ask_one_level_lower(tour: Tour) -> None:
    guide, member = tour.guide, tour.member(EXCELLENT)
    (desk,) = (await find_tills(tour, "hospital", "门诊大厅"))[:1]
    code = await show_code(tour, member)
    answer = await redeem(tour, desk, tour.benefit_id("MED_CHECKUP"), code=code, amount_fen=CHECKUP_FEN)
    problem = guide.need(answer, 422, "not_eligible")
    guide.check(
        f"{member.role.name}也要体检优惠。窗口只看到：“{problem['title']}”，不知原因",
        f"{member.role.en} asks for the check-up: the desk is told “no benefit available” and nothing more",
        holds=not problem.get("reasons"),
        saw=problem,
    )
    listed = await read(tour, member, "/v1/me/benefits?scenario=medical&eligible=false&limit=100")
    mine = next(row for row in listed["data"] if row["code"] == "MED_CHECKUP")
    text = mine["reasons"][0]["text"]
    guide.check(
        f"原因只在{member.role.name}自己的手机上：“{text}”",
        "the phone says: needs 极好, you are 优秀, 12 points away",
        holds=all(word in text for word in ("极好", "优秀", "12")),
        saw=mine,
    )


async def play_garage(tour: Tour) -> None:
    """Scene 5: three scores, three discounts, and a garage that sees only the discount."""
    guide = tour.guide
    guide.begin_scene("同一家修理厂，三个人，三种优惠", "Three scores, three discounts at the same garage")
    (till,) = (await find_tills(tour, "garage", "城东店"))[:1]
    benefit_id, rows = tour.benefit_id("GARAGE_STEPS"), []
    for role, _ in GARAGE_DISCOUNTS:
        seen = await scan(tour, till, await show_code(tour, tour.member(role)))
        answer = await redeem(tour, till, benefit_id, scan_id=seen["scanId"], amount_fen=REPAIR_FEN)
        rows.append(_garage_row(role, seen, guide.need(answer, 201)))
    guide.show_rows(("市民 citizen", "修理厂看到 the garage sees", "+金额 bill", "+减免 off"), rows)
    guide.check(
        "修理厂只看到折扣，不知道谁是多少分",
        "the garage sees the discount, and never whose score is what",
        holds=[row[3] for row in rows] == [_yuan(fen) for _, fen in GARAGE_DISCOUNTS],
        saw=rows,
    )


def _garage_row(role: Role, seen: Any, receipt: Any) -> tuple[str, str, str, str]:
    percent = seen["benefits"][0]["grant"]["percent"]
    return role.name, f"减{percent}%  {percent} % off", _yuan(REPAIR_FEN), _yuan(receipt["discountFen"])


def _title(tour: Tour, code: str) -> str:
    return next(benefit.title for benefit in tour.city.benefits if benefit.code == code)


def _yuan(fen: int | None) -> str:
    return describe_yuan(fen) if fen else ""
