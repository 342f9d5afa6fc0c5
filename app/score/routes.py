"""The published rules; anybody may read them."""

from __future__ import annotations

from litestar import Router, get

from app.score.actions_explain import read_current_book
from app.score.schemas import RuleBookView
from app.score.schemas_make import show_book


@get("/current", operation_id="getCurrentRuleBook", status_code=200)
async def get_current_rule_book() -> RuleBookView:
    """Return the rule book scores are computed by: scale, dimensions, levels, indicators and engine rules."""
    return show_book(await read_current_book())


router = Router("/v1/rule-books", route_handlers=[get_current_rule_book], tags=["score"])
