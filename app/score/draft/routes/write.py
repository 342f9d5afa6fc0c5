"""Rule books for those who write and read them."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import Response, Router, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from app.kit.errors import (
    BodyTooLarge,
    ETagMissing,
    ETagStale,
    Forbidden,
    InvalidRequest,
    StaleCursor,
    Unauthenticated,
)
from app.kit.request.etag import ETAG, IfMatch
from app.kit.request.field_texts import find_error
from app.kit.security.auth import OfficialCaller
from app.kit.web.http import AnyRequest, language_of, refusals
from app.kit.web.paging import PAGE_SIZE_DEFAULT, Cursor, Limit, Page, decode_cursor, make_page
from app.score.book.moves import BookState
from app.score.draft import queries
from app.score.draft import refusals as no
from app.score.draft.actions import write as write_actions
from app.score.draft.routes.answers import BODY_BYTES_MAX, READERS, READING, WRITERS, answer_book
from app.score.draft.routes.moves import MOVES
from app.score.draft.schemas import BookSummaryView, BookView, DraftRequest, EditRequest, ExamplesRequest, TestView
from app.score.draft.views import show_summary, show_test

WRITING = (*READING, ETagMissing, ETagStale, BodyTooLarge, no.RuleBookMoveNotAllowed, no.RuleBookInvalid)


@get(
    "/",
    operation_id="listRuleBooks",
    status_code=200,
    opt=READERS,
    responses=refusals(InvalidRequest, StaleCursor, Unauthenticated, Forbidden),
)
async def list_books(
    official: NamedDependency[OfficialCaller],
    book_state: Annotated[BookState | None, QueryParameter(name="state", description="Only these.")] = None,
    cursor: Cursor = None,
    limit: Limit = PAGE_SIZE_DEFAULT,
) -> Page[BookSummaryView]:
    """List rule books in every state, newest first."""
    official.need_centre()
    rows = await queries.list_books(book_state, decode_cursor(cursor, UUID), limit)
    return make_page(rows, limit, show_summary, lambda row: row.public_id)


@post(
    "/",
    operation_id="draftRuleBook",
    status_code=201,
    opt=WRITERS,
    response_headers=ETAG,
    request_max_body_size=BODY_BYTES_MAX,
    responses=refusals(*READING, BodyTooLarge, no.RuleBookInvalid),
)
async def draft_book(official: NamedDependency[OfficialCaller], data: JSONBody[DraftRequest]) -> Response[BookView]:
    """Draft a rule book from a document, or as a copy of another one; the answer's `ETag` is what an edit must send."""
    if (data.document is None) == (data.copy_from is None) or (data.copy_from is not None and data.examples):
        raise InvalidRequest(errors=[find_error("/document", "one_of")])
    if data.document is not None:
        row = await write_actions.draft_book(official, data.document, data.examples)
    else:
        assert data.copy_from is not None, "one of them is there"
        row = await write_actions.copy_book(official, data.copy_from)
    return answer_book(row, 201)


@get(
    "/{book_id:uuid}",
    operation_id="getRuleBook",
    status_code=200,
    opt=READERS,
    response_headers=ETAG,
    responses=refusals(*READING),
)
async def get_book(official: NamedDependency[OfficialCaller], book_id: FromPath[UUID]) -> Response[BookView]:
    """Show a rule book with what it says, its examples, who wrote it and who decided."""
    return answer_book(await write_actions.read_book(official, book_id))


@put(
    "/{book_id:uuid}",
    operation_id="editRuleBook",
    status_code=200,
    opt=WRITERS,
    response_headers=ETAG,
    request_max_body_size=BODY_BYTES_MAX,
    responses=refusals(*WRITING),
)
async def edit_book(
    official: NamedDependency[OfficialCaller],
    book_id: FromPath[UUID],
    data: JSONBody[EditRequest],
    if_match: IfMatch = None,
) -> Response[BookView]:
    """Replace what a draft says; its examples stay and must be tested again, what was previewed is forgotten."""
    return answer_book(await write_actions.edit_book(official, book_id, data.document, if_match=if_match))


@put(
    "/{book_id:uuid}/examples",
    operation_id="putRuleBookExamples",
    status_code=200,
    opt=WRITERS,
    response_headers=ETAG,
    request_max_body_size=BODY_BYTES_MAX,
    responses=refusals(*WRITING),
)
async def put_examples(
    official: NamedDependency[OfficialCaller],
    book_id: FromPath[UUID],
    data: JSONBody[ExamplesRequest],
    if_match: IfMatch = None,
) -> Response[BookView]:
    """Replace a draft's examples: people, their records, and what they must score."""
    return answer_book(await write_actions.put_examples(official, book_id, data.examples, if_match=if_match))


@delete(
    "/{book_id:uuid}",
    operation_id="deleteRuleBook",
    status_code=204,
    opt=WRITERS,
    responses=refusals(*READING, ETagMissing, ETagStale, no.RuleBookMoveNotAllowed),
)
async def delete_book(
    official: NamedDependency[OfficialCaller], book_id: FromPath[UUID], if_match: IfMatch = None
) -> None:
    """Delete a draft; only what nobody but officials has seen can be deleted."""
    await write_actions.delete_book(official, book_id, if_match=if_match)


@post(
    "/{book_id:uuid}/test",
    operation_id="testRuleBook",
    status_code=200,
    opt=READERS,
    responses=refusals(*READING),
)
async def test_book(
    request: AnyRequest, official: NamedDependency[OfficialCaller], book_id: FromPath[UUID]
) -> TestView:
    """Run every example through the engine that scores the city; nothing is stored."""
    row, outcomes = await write_actions.run_book(official, book_id)
    return show_test(row.read_document(), outcomes, language_of(request))


router = Router(
    "/v1/official/rule-books",
    route_handlers=[
        list_books, draft_book, get_book, edit_book, put_examples, delete_book, test_book, *MOVES,
    ],
    tags=["score"],
)  # fmt: skip
