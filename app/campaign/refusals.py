"""What the campaign room refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.campaign.rules_moves import ACTIONS_ZH, STATES_ZH
from app.kit.errors import FieldError, Forbidden, InvalidRequest, Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.campaign.rules_flags import Flag
    from app.campaign.rules_moves import CampaignAction, CampaignState
    from app.campaign.rules_texts import Fault


class CampaignInvalid(Refusal):
    """The campaign breaks a rule; every fault is named with its place."""

    code = "campaign_invalid"
    status_code = 422
    zh = "活动内容不符合规则"

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(
            errors=[FieldError(pointer=fault.pointer, code=fault.code, zh=fault.zh, en=fault.en) for fault in faults],
            reasons=[Reason(code=fault.code, zh=fault.zh, en=fault.en) for fault in faults],
        )


class InstitutionMissing(InvalidRequest):
    """An official of the centre names the institution the campaign is for."""

    code = "institution_missing"
    zh = "中心工作人员须指明活动所属机构"

    def __init__(self) -> None:
        error = FieldError(pointer="/institutionId", code="missing", zh=self.zh, en=self.text("en"))
        super().__init__(errors=[error])


class InstitutionFixed(Refusal):
    """A campaign stays with its institution."""

    code = "institution_fixed"
    status_code = 422
    zh = "活动所属机构不可更改"


class BenefitCodeTaken(Refusal):
    """A benefit code belongs to another campaign of the institution."""

    code = "benefit_code_taken"
    zh = "激励措施代码已属于本机构的另一活动"

    def __init__(self, places: Sequence[tuple[str, str]]) -> None:
        super().__init__(
            errors=[
                FieldError(
                    pointer=pointer,
                    code=self.code,
                    zh=f"{code} 已属于本机构的另一活动",
                    en=f"{code} belongs to another campaign of the institution",
                )
                for pointer, code in places
            ]
        )


class CampaignMoveNotAllowed(Refusal):
    """The state of the campaign does not allow this."""

    code = "campaign_move_not_allowed"
    zh = "活动当前状态不允许此操作"

    def __init__(self, state: CampaignState, allowed_actions: Sequence[CampaignAction]) -> None:
        allowed_zh = "、".join(ACTIONS_ZH[action] for action in allowed_actions) or "无"
        allowed_en = ", ".join(allowed_actions) or "nothing"
        super().__init__(
            reasons=[
                Reason(code=f"state_{state}", zh=f"当前状态：{STATES_ZH[state]}", en=f"the state is {state}"),
                Reason(code="allowed_actions", zh=f"可执行：{allowed_zh}", en=f"allowed: {allowed_en}"),
            ]
        )
        self.state = state
        self.allowed_actions = list(allowed_actions)


class MakerIsChecker(Forbidden):
    """Who drafted or submitted this version may not decide on it."""

    code = "maker_is_checker"
    zh = "起草人或提交人不得审核同一版本"


class FlagsNotAcknowledged(Refusal):
    """Words of the deny-list stand in it; whoever approves names each of them."""

    code = "flags_not_acknowledged"
    status_code = 422
    zh = "内容含有禁止目录中的词语，审核人须逐一确认"

    def __init__(self, flags: Sequence[Flag] = ()) -> None:
        told = [
            (flag, f"“{flag.word.word}”：{flag.word.title_zh}", f"“{flag.word.word}”: {flag.word.title_en}")
            for flag in flags
        ]
        super().__init__(
            errors=[FieldError(pointer=flag.pointer, code="flagged_word", zh=zh, en=en) for flag, zh, en in told],
            reasons=[Reason(code="flagged_word", zh=zh, en=en) for _, zh, en in told],
        )


class PausedByCentre(Forbidden):
    """The credit centre paused this campaign; only the centre can resume it."""

    code = "paused_by_centre"
    zh = "活动由信用中心暂停，只能由信用中心恢复"


class UseDenied(Refusal):
    """No scenario may be put to this use."""

    code = "use_denied"
    status_code = 422
    zh = "禁止用于此用途"

    def __init__(self, title_zh: str = "", title_en: str = "") -> None:
        zh, en = f"信用分不得用于{title_zh}", f"never for {title_en}"
        super().__init__(
            errors=[FieldError(pointer="/use", code=self.code, zh=zh, en=en)],
            reasons=[Reason(code=self.code, zh=zh, en=en)],
        )


class UseUnknown(Refusal):
    """The use is not on the closed list."""

    code = "use_unknown"
    status_code = 422
    zh = "用途不在目录内"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError(pointer="/use", code=self.code, zh=self.zh, en=self.text("en"))])


class ScenarioTaken(Refusal):
    """A scenario of this code exists, or waits to be confirmed."""

    code = "scenario_taken"
    zh = "应用场景代码已存在，或正待确认"


class ScenarioInvalid(CampaignInvalid):
    """The titles of a scenario say what no scenario may be for."""

    code = "scenario_invalid"
    zh = "应用场景名称含有禁止事项"


class ProposalDecided(Refusal):
    """Somebody has decided on this proposal."""

    code = "scenario_proposal_decided"
    zh = "该应用场景申请已有处理结果"

    def __init__(self, state: str = "confirmed") -> None:
        super().__init__(reasons=[Reason(code=f"state_{state}", zh="申请已处理", en=f"the state is {state}")])


class ProposerIsConfirmer(Forbidden):
    """Who proposed a scenario may not confirm it."""

    code = "proposer_is_confirmer"
    zh = "提出人不得确认同一申请"
