"""What reviewing campaigns and scenarios refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.kit.errors import Refusal
from app.values.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.campaign.terms.flags import Flag


class CampaignInvalid(Refusal):
    """The campaign breaks a rule; every fault is named with its place."""

    code = "campaign_invalid"
    status_code = 422
    zh = "活动内容不符合规则"

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(errors=faults, reasons=faults)


class FlagsNotAcknowledged(Refusal):
    """Words of the deny-list stand in it; whoever approves names each of them."""

    code = "flags_not_acknowledged"
    status_code = 422
    zh = "内容含有禁止目录中的词语，审核人须逐一确认"

    def __init__(self, flags: Sequence[Flag] = ()) -> None:
        faults = [
            Fault.at(
                flag.pointer,
                "flagged_word",
                f"“{flag.word.word}”：{flag.word.title_zh}",
                f"“{flag.word.word}”: {flag.word.title_en}",
            )
            for flag in flags
        ]
        super().__init__(errors=faults, reasons=faults)
