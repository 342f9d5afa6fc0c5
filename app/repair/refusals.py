"""What the repair room refuses."""

from __future__ import annotations

from app.kit.errors import MoveNotAllowed, Refusal
from app.repair.objection import OBJECTION_MOVES
from app.values.reason import Reason


class ObjectionOpen(Refusal):
    """There is an open ticket on this record; withdraw it first to say something else."""

    code = "objection_open"
    zh = "该记录已有未办结的异议，如需另行说明请先撤回"

    def __init__(self, number: str) -> None:
        super().__init__(reasons=[Reason(code="number", zh=f"异议编号：{number}", en=f"its number is {number}")])


class TooManyObjections(Refusal):
    """You have five open tickets; withdraw one or wait until one is decided."""

    code = "too_many_objections"
    zh = "您有五件异议尚未办结，请撤回其中一件或等待办结"


class ObjectionStateUnsuitable(MoveNotAllowed):
    """The ticket's state does not allow this."""

    code = "objection_state_unsuitable"
    zh = "异议当前状态不允许此操作"
    moves = OBJECTION_MOVES


class FindingUnsuitable(Refusal):
    """This finding does not answer this kind of ticket: a missing record is found, one that is there is wrong."""

    code = "finding_unsuitable"
    status_code = 422
    zh = "该核查结论与异议类型不符"
