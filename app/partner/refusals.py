"""Why an institution, store, terminal or key cannot be had, used or moved."""

from __future__ import annotations

from app.kit.errors import Forbidden, MoveNotAllowed, Refusal
from app.partner.directory import PARTNER_MOVES, State
from app.values.reason import Reason


class TerminalSuspended(Refusal):
    """This terminal, or its store, is suspended."""

    code = "terminal_suspended"
    zh = "该终端或网点已停用"


class NameTaken(Refusal):
    """This name is taken."""

    code = "name_taken"
    zh = "名称已被占用"


class StateUnsuitable(MoveNotAllowed):
    """It is in that state already."""

    code = "state_unsuitable"
    zh = "已处于该状态"

    moves = PARTNER_MOVES


class SuspendedByCentre(Forbidden):
    """The credit centre suspended this; only the centre resumes it."""

    code = "suspended_by_centre"
    zh = "由信用中心停用，只能由信用中心恢复"


EXPIRED = Reason(code="state_expired", zh="当前状态：已过期", en="the state is expired")


class KeyNotInForce(Refusal):
    """The key is suspended or has expired; only a key in force is rotated."""

    code = "key_not_in_force"
    zh = "密钥已停用或过期，无法轮换"

    def __init__(self, state: State) -> None:
        super().__init__(reasons=[EXPIRED if state == "active" else PARTNER_MOVES.describe_state(state)])


class ScopeUngrantable(Refusal):
    """Only an institution that owns a registered source may be given a key that reports."""

    code = "scope_ungrantable"
    status_code = 422
    zh = "仅拥有已登记数据来源的机构可获授上报权限"
