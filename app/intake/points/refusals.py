"""What is refused of city-app points: events, and what officials set up for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.kit.errors import InvalidRequest, Refusal
from app.values.fault import Fault

if TYPE_CHECKING:
    from app.intake.fact.item import Flaw

MESSAGES = {
    "/indicator": ("该来源不可将积分换算为此指标", "this source's points cannot become this indicator"),
    "/yearlyCap": (
        "年度上限应至少换算出 1、按件计的指标至多 100 条",
        "a year's cap must come to 1 at least, and to 100 at most of an indicator that counts cases",
    ),
}


class SignatureInvalid(InvalidRequest):
    """The body is not signed: webhook-id, webhook-timestamp (at most five minutes off) and a webhook-signature v1."""

    code = "signature_invalid"
    zh = "请求未正确签名：需要 webhook-id、webhook-timestamp（误差五分钟以内）与 v1 版 webhook-signature"

    def __init__(self, header: str) -> None:
        zh, en = "缺失、有误或已过时", "Missing, wrong or out of time"
        super().__init__(errors=[Fault.at(f"/header/{header}", "signature_invalid", zh, en)])


class EventRefused(Refusal):
    """The event cannot be counted, whoever it is about."""

    code = "event_refused"
    status_code = 422
    zh = "该事件无法受理"

    def __init__(self, flaw: Flaw) -> None:
        super().__init__(errors=[flaw])


class PointRuleInvalid(Refusal):
    """Points of this source cannot become this."""

    code = "point_rule_invalid"
    status_code = 422
    zh = "换算规则不可用"

    def __init__(self, pointer: str) -> None:
        zh, en = MESSAGES[pointer]
        super().__init__(errors=[Fault.at(pointer, "point_rule_invalid", zh, en)])


class PointRuleInUse(Refusal):
    """Events were counted by this rule, so it stays as it is; make another kind instead."""

    code = "point_rule_in_use"
    zh = "已按此规则计入事件，不可更改，请另设种类"
