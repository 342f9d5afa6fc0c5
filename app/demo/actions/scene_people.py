"""Scenes in which a score comes about, moves, and ends."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from app.demo.actions.stage import find_tills, join, meet, prove, read, report, show_code
from app.demo.cast import NEIGHBOURS, NEWCOMER
from app.demo.clients import call

if TYPE_CHECKING:
    from app.demo.actions.stage import Member, Tour

SAFETY_POINTS, VOLUNTEER_POINTS = 10, 25


async def play_joining(tour: Tour) -> None:
    """Let a new citizen join and get a first score."""
    guide = tour.guide
    guide.begin_scene("新市民加入，得到第一个信用分", "A new citizen joins and gets a first score")
    member = await meet(tour, NEWCOMER)
    guide.say(
        f"{NEWCOMER.name}用微信登录：新账户，尚未实名，没有分数也没有信用码",
        f"{NEWCOMER.en} logs in with WeChat: a new account, no identity yet, so no score and no code",
    )
    refused = await prove(tour, member, name="不符")
    guide.need(refused, 422, "identity_mismatch")
    guide.check(
        "冒名者被拒：姓名、身份证号与手机号三者须属同一人",
        "an impostor is turned away: name, ID number and phone must belong to one person",
        holds=True,
    )
    guide.need(await prove(tour, member), 200)
    tour.members[NEWCOMER.name] = member
    score = await read(tour, member, "/v1/me/score")
    guide.check(
        f"她阅读并同意条款、核验身份，当场得分：{score['value']}分（{score['level']['title']}），"
        f"距下一等级还差{score['next']['pointsNeeded']}分",
        f"she reads and accepts the terms, proves her identity and has a score at once: {score['value']}",
        holds=score["value"] == NEWCOMER.score,
        saw=score,
    )
    await _explain(tour, member, score["value"])


async def _explain(tour: Tour, member: Member, value: int) -> None:
    explanation = await read(tour, member, "/v1/me/score/explanation")
    parts = explanation["contributions"] + explanation["adjustments"]
    total = explanation["base"] + sum(part["points"] for part in parts)
    tour.guide.show_rows(
        ("+分 points", "依据 clause"),
        [
            (explanation["base"], "基础分 base"),
            *((f"{part['points']:+d}", part.get("clause") or part["title"]) for part in parts),
        ],
    )
    tour.guide.check(
        f"每一分都有出处，逐项相加正好是{total}分",
        f"every point is accounted for: the parts add up to exactly {total}",
        holds=total == explanation["total"] == value,
        saw=explanation,
    )


async def play_neighbours(tour: Tour) -> None:
    """Four neighbours join; what sources report about them makes their scores."""
    guide = tour.guide
    guide.begin_scene("邻居们也来了", "The neighbours join, too")
    for role in NEIGHBOURS:
        tour.members[role.name] = member = await join(tour, role)
        outcomes = await report(tour, member, role.facts)
        score = await read(tour, member, "/v1/me/score")
        fits = all(item["outcome"] == "accepted" for item in outcomes) and score["value"] == role.score
        honour = "，三星志愿者" if any("honour" in fact for fact in role.facts) else ""
        guide.check(
            f"{role.name}：{score['value']}分，{score['level']['title']}{honour}",
            f"{role.en}: {score['value']} points{', a volunteer of three stars' if honour else ''}",
            holds=fits,
            saw=(outcomes, score),
        )


async def play_report(tour: Tour) -> None:
    """Scene 7: a verified report counts once."""
    guide, member = tour.guide, tour.member(NEWCOMER)
    guide.begin_scene("举报食品安全隐患，查实加分，只加一次", "A verified safety report raises the score once")
    event, fact = f"app-{secrets.token_hex(8)}", {"source": "chengshi-app", "indicator": "POS_REPORT_SAFETY"}
    before = (await read(tour, member, "/v1/me/score"))["value"]
    (first,) = await report(tour, member, [fact], event=event)
    after = await read(tour, member, "/v1/me/score")
    guide.check(
        f"{member.role.name}在城市App的举报经查实：{before}→{after['value']}分，现为{after['level']['title']}",
        f"the report of {member.role.en} in the city app is verified: {before} → {after['value']}",
        holds=first["outcome"] == "accepted" and after["value"] == before + SAFETY_POINTS,
        saw=(first, after),
    )
    (again,) = await report(tour, member, [fact], event=event)
    still = (await read(tour, member, "/v1/me/score"))["value"]
    guide.check(
        f"同一事件再报一次：回答“重复”，分数不变，仍是{still}分",
        f"the same event is sent again: answered “duplicate”, and the score stays at {still}",
        holds=again["outcome"] == "duplicate" and still == after["value"],
        saw=(again, still),
    )


async def play_record(tour: Tour) -> None:
    """Let a record arrive and the score move with its reason; a denied topic is refused by its name."""
    guide, member = tour.guide, tour.member(NEWCOMER)
    guide.begin_scene("新记录到达：分数变动，附有原因", "A record arrives: the score moves, with its reason")
    before = (await read(tour, member, "/v1/me/score"))["value"]
    fact = {"source": "renshe-shuiwu", "indicator": "BASE_SI_36M"}
    (outcome,) = await report(tour, member, [fact])
    change = (await read(tour, member, "/v1/me/score/changes"))["data"][0]
    guide.check(
        f"人社部门送来一条记录：{change['fromValue']}→{change['toValue']}分，原因：{change['reasons'][0]['text']}",
        f"social insurance reports a fact: {change['fromValue']} → {change['toValue']}, and the phone says why",
        holds=outcome["outcome"] == "accepted" and change["toValue"] == before + VOLUNTEER_POINTS,
        saw=(outcome, change),
    )
    (refused,) = await report(tour, member, [{"source": "shequ", "indicator": "petition"}])
    still = (await read(tour, member, "/v1/me/score"))["value"]
    reason: dict[str, Any] = refused.get("reason") or {}
    guide.check(
        f"有人想把“信访”记入信用：被拒绝，{reason.get('text', '')}",
        "somebody tries to record a petition: refused by name, because such matters must never be scored",
        holds=reason.get("code") == "topic_denied" and "信访" in reason["text"] and still == change["toValue"],
        saw=refused,
    )


async def play_leaving(tour: Tour) -> None:
    """Let her leave: everything about her is forgotten in the same request."""
    guide, member = tour.guide, tour.member(NEWCOMER)
    guide.begin_scene("随时可以离开", "Anyone may leave at any time")
    (till,) = (await find_tills(tour, "library", "总馆"))[:1]
    code = await show_code(tour, member)
    guide.need(await call(tour.http, "DELETE", "/v1/me", bearer=member.token), 204)
    guide.check(
        f"{member.role.name}一键注销，当场生效",
        f"{member.role.en} leaves with one tap, effective at once",
        holds=True,
    )
    guide.need(await call(tour.http, "GET", "/v1/me/score", bearer=member.token), 401, "unauthenticated")
    body = {"code": code, "terminalId": till.terminal_id}
    shown = await call(tour.http, "POST", "/v1/partner/scans", bearer=till.api_key, body=body)
    guide.need(shown, 422, "credit_code_invalid")
    guide.check(
        "令牌失效，刚刚出示的信用码也不能再用",
        "her token is dead, and so is the code on her screen",
        holds=True,
    )
    (outcome,) = await report(tour, member, [{"source": "renshe-shuiwu", "indicator": "BASE_TAX_OK"}])
    guide.check(
        "之后再送来她的记录：不是会员，不留存",
        "a record that arrives later finds no member, and nothing is kept",
        holds=outcome["outcome"] == "not_a_member",
        saw=outcome,
    )
