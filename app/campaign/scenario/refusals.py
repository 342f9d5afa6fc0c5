"""What scenarios and proposals of them refuse."""

from __future__ import annotations

from app.campaign.review.refusals import CampaignInvalid
from app.kit.errors import MakerIsChecker, Refusal
from app.values.fault import Fault
from app.values.reason import Reason


class UseDenied(Refusal):
    """No scenario may be put to this use."""

    code = "use_denied"
    status_code = 422
    zh = "禁止用于此用途"

    def __init__(self, title_zh: str = "", title_en: str = "") -> None:
        faults = [Fault.at("/use", self.code, f"信用分不得用于{title_zh}", f"never for {title_en}")]
        super().__init__(errors=faults, reasons=faults)


class UseUnknown(Refusal):
    """The use is not on the closed list."""

    code = "use_unknown"
    status_code = 422
    zh = "用途不在目录内"

    def __init__(self) -> None:
        super().__init__(errors=[self.fault("/use")])


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


class ProposerIsConfirmer(MakerIsChecker):
    """Who proposed a scenario may not confirm it."""

    code = "proposer_is_confirmer"
    zh = "提出人不得确认同一申请"
