"""The published rules; anybody may read them."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Router, get
from litestar.params import FromPath

from app.kit.errors import InvalidRequest, NotFound
from app.kit.web.http import refusals
from app.score.book.actions import read as read_actions
from app.score.book.document import RuleBook
from app.score.book.schemas import RuleBookView
from app.score.book.status import PublishedBook
from app.score.book.views import show_book

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "计分规则 Rule book",
    **msgspec.json.schema(RuleBook),
}


@get("/current", operation_id="getCurrentRuleBook", status_code=200)
async def get_current_rule_book() -> RuleBookView:
    """Return the rule book scores are computed by: how to read it, levels, dimensions, indicators, engine rules.

    `next` names the rule book that is going to count, which can be read by its code and version already.
    """
    return _show(await read_actions.read_current())


@get("/schema", operation_id="getRuleBookSchema", status_code=200)
async def get_rule_book_schema() -> dict[str, Any]:
    """Return the JSON Schema of a rule book document."""
    return SCHEMA


@get(
    "/{code:str}/{version:int}",
    operation_id="getRuleBookVersion",
    status_code=200,
    responses=refusals(InvalidRequest, NotFound),
)
async def get_rule_book_version(code: FromPath[str], version: FromPath[int]) -> RuleBookView:
    """Return a rule book that counts, counted, or is going to."""
    return _show(await read_actions.read_version(code, version))


def _show(published: PublishedBook) -> RuleBookView:
    return show_book(published.book, published.status, published.next)


router = Router(
    "/v1/rule-books",
    route_handlers=[get_current_rule_book, get_rule_book_schema, get_rule_book_version],
    tags=["score"],
)
