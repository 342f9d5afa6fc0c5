"""What is refused of records that wait for a second official."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from app.intake.proposal.moves import PROPOSAL_MOVES
from app.kit.errors import MakerIsChecker, MoveNotAllowed, Refusal

if TYPE_CHECKING:
    from app.intake.fact.item import Flaw


class ProposalStateUnsuitable(MoveNotAllowed):
    """The state of the proposal does not allow this."""

    code: ClassVar[str] = "proposal_state_unsuitable"
    zh: ClassVar[str] = "该待核准记录当前状态不允许此操作"
    moves = PROPOSAL_MOVES


class ProposalMakerIsChecker(MakerIsChecker):
    """Who typed a record in may not decide on it; a second official does."""

    code: ClassVar[str] = "proposal_maker_is_checker"
    zh: ClassVar[str] = "录入人不得核准或退回本人录入的记录，须由另一名工作人员办理"


class ProposerSuspended(Refusal):
    """Who typed this record in is suspended since; it can only be rejected."""

    code: ClassVar[str] = "proposer_suspended"
    zh: ClassVar[str] = "录入人已被停用，该记录只能退回"


class PersonMismatch(Refusal):
    """The record was typed in about somebody else than the document you read names."""

    code: ClassVar[str] = "person_mismatch"
    status_code: ClassVar[int] = 422
    zh: ClassVar[str] = "您所填的姓名、身份证号码与录入的当事人不一致，请核对文书"


class ProposalUnfit(Refusal):
    """The record cannot be kept any more; the reason says why."""

    code: ClassVar[str] = "proposal_unfit"
    zh: ClassVar[str] = "该记录已不能入库"

    def __init__(self, flaw: Flaw) -> None:
        super().__init__(reasons=[flaw])
