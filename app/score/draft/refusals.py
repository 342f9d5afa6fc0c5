"""What the workflow of rule books refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.kit.errors import MakerIsChecker, MoveNotAllowed, Refusal
from app.score.book.moves import RULE_BOOK_MOVES
from app.values.fault import Fault
from app.values.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.score.draft.examples import ExampleOutcome, Expected

REASONS_MAX = 20


class RuleBookInvalid(Refusal):
    """The rule book or its examples break a rule; every fault is named with its place."""

    code = "rule_book_invalid"
    status_code = 422
    zh = "计分规则或其示例不符合要求"

    def __init__(self, faults: Sequence[Fault] = ()) -> None:
        super().__init__(errors=faults, reasons=faults[:REASONS_MAX])


class RuleBookMoveNotAllowed(MoveNotAllowed):
    """The state of the rule book does not allow this."""

    code = "rule_book_move_not_allowed"
    zh = "计分规则当前状态不允许此操作"
    moves = RULE_BOOK_MOVES
    says_allowed = True


class RuleBookMakerIsChecker(MakerIsChecker):
    """Who wrote or submitted this rule book may not decide on it."""

    code = "rule_book_maker_is_checker"
    zh = "起草、修改或提交过该计分规则的人不得审核"


class ExamplesMissing(Refusal):
    """A rule book is submitted with at least one example."""

    code = "examples_missing"
    status_code = 422
    zh = "提交审核前至少须有一个示例"


class ExamplesFailed(Refusal):
    """The engine does not give what the examples expect."""

    code = "examples_failed"
    status_code = 422
    zh = "示例未通过：计算结果与预期不符"

    def __init__(self, failed: Sequence[tuple[int, ExampleOutcome]] = ()) -> None:
        faults = [_fault_of(number, outcome) for number, outcome in failed]
        super().__init__(errors=faults, reasons=faults[:REASONS_MAX])


class EffectiveDayWrong(Refusal):
    """A rule book comes into force tomorrow at the earliest, and not too far ahead."""

    code = "effective_day_wrong"
    status_code = 422
    zh = "生效日期最早为明天，且不得过远"

    def __init__(self, days_max: int = 0) -> None:
        super().__init__(
            errors=[self.fault("/effectiveOn")],
            reasons=[
                Reason(code=self.code, zh=f"明天起{days_max}天之内", en=f"within {days_max} days from tomorrow on"),
            ],
        )


class AnotherScheduled(Refusal):
    """Another rule book waits for its day; withdraw it first."""

    code = "another_rule_book_scheduled"
    zh = "已有另一计分规则待生效，请先撤回"


def _describe(score: Expected, none: str) -> str:
    return none if score.value is None else f"{score.value} ({score.level})"


def _fault_of(number: int, outcome: ExampleOutcome) -> Fault:
    example, expected = outcome.example, outcome.example.expected
    zh = f"预期{_describe(expected, '无')}，实得{_describe(outcome.found, '无')}"
    en = f"expected {_describe(expected, 'none')}, got {_describe(outcome.found, 'none')}"
    return Fault.at(
        f"/examples/{number}/expected", "example_failed", f"{example.title_zh}：{zh}", f"{example.title_en}: {en}"
    )
