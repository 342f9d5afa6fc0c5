"""What publishing a campaign refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.campaign.publishing.moves import CAMPAIGN_MOVES
from app.kit.errors import Forbidden, InvalidRequest, MoveNotAllowed, Refusal
from app.values.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Sequence


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


class CampaignMoveNotAllowed(MoveNotAllowed):
    """The state of the campaign does not allow this."""

    code = "campaign_move_not_allowed"
    zh = "活动当前状态不允许此操作"
    moves = CAMPAIGN_MOVES
    says_allowed = True


class PausedByCentre(Forbidden):
    """The credit centre paused this campaign; only the centre can resume it."""

    code = "paused_by_centre"
    zh = "活动由信用中心暂停，只能由信用中心恢复"
