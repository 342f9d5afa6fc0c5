"""What publishing a campaign refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.campaign.publishing.moves import ACTIONS_ZH, STATES_ZH
from app.kit.errors import Forbidden, InvalidRequest, Refusal
from app.values.fault import Fault
from app.values.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.campaign.publishing.moves import CampaignAction, CampaignState


class InstitutionMissing(InvalidRequest):
    """An official of the centre names the institution the campaign is for."""

    code = "institution_missing"
    zh = "中心工作人员须指明活动所属机构"

    def __init__(self) -> None:
        super().__init__(errors=[Fault.at("/institutionId", "missing", self.zh, self.text("en"))])


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
                Fault.at(
                    pointer,
                    self.code,
                    f"{code} 已属于本机构的另一活动",
                    f"{code} belongs to another campaign of the institution",
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


class PausedByCentre(Forbidden):
    """The credit centre paused this campaign; only the centre can resume it."""

    code = "paused_by_centre"
    zh = "活动由信用中心暂停，只能由信用中心恢复"
