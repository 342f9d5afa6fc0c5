"""What is done with a rule book: submit, reject, approve, withdraw."""

from __future__ import annotations

from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.kit.request.etag import IfMatch
from app.kit.security.auth import OfficialCaller
from app.kit.web.routing import move
from app.score.draft import refusals as no
from app.score.draft.actions import decide as decide_actions
from app.score.draft.routes.answers import REVIEWER, WRITERS, answer_book
from app.score.draft.schemas import ApproveBookRequest, BookView, RejectBookRequest, WithdrawBookRequest


@move(
    "/{book_id:uuid}/submit", "submitRuleBook", WRITERS,
    no.RuleBookMoveNotAllowed, no.RuleBookInvalid, no.ExamplesMissing, no.ExamplesFailed,
)  # fmt: skip
async def submit_book(
    official: NamedDependency[OfficialCaller], book_id: FromPath[UUID], if_match: IfMatch = None
) -> Response[BookView]:
    """Put a draft before the reviewers: it has examples and all of them pass; from here on it cannot be edited."""
    return answer_book(await decide_actions.submit_book(official, book_id, if_match=if_match))


@move("/{book_id:uuid}/reject", "rejectRuleBook", REVIEWER, no.RuleBookMoveNotAllowed, no.RuleBookMakerIsChecker)
async def reject_book(
    official: NamedDependency[OfficialCaller],
    book_id: FromPath[UUID],
    data: JSONBody[RejectBookRequest],
    if_match: IfMatch = None,
) -> Response[BookView]:
    """Send a submitted rule book back to its makers with a reason; it is a draft again."""
    return answer_book(await decide_actions.reject_book(official, book_id, data.note, if_match=if_match))


@move(
    "/{book_id:uuid}/approve", "approveRuleBook", REVIEWER,
    no.RuleBookMoveNotAllowed, no.RuleBookMakerIsChecker, no.RuleBookInvalid, no.EffectiveDayWrong, no.AnotherScheduled,
)  # fmt: skip
async def approve_book(
    official: NamedDependency[OfficialCaller],
    book_id: FromPath[UUID],
    data: JSONBody[ApproveBookRequest],
    if_match: IfMatch = None,
) -> Response[BookView]:
    """Approve a rule book for a day, from tomorrow on; it is public at once and counts from that day by itself."""
    row = await decide_actions.approve_book(official, book_id, data.effective_on, data.note, if_match=if_match)
    return answer_book(row)


@move("/{book_id:uuid}/withdraw", "withdrawRuleBook", REVIEWER, no.RuleBookMoveNotAllowed)
async def withdraw_book(
    official: NamedDependency[OfficialCaller],
    book_id: FromPath[UUID],
    data: JSONBody[WithdrawBookRequest],
    if_match: IfMatch = None,
) -> Response[BookView]:
    """Take back a rule book before it counts; it never will, and a better one is a new version."""
    return answer_book(await decide_actions.withdraw_book(official, book_id, data.note, if_match=if_match))


MOVES = [submit_book, reject_book, approve_book, withdraw_book]
