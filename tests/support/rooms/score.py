"""The score, and rule books in several states."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from app.kit.clock import now
from app.values.days import shanghai_day
from tests.support.right import Right
from tests.support.rule_books import EXAMPLE, make_books

if TYPE_CHECKING:
    from httpx2 import AsyncClient

    from tests.support.world import World


async def furnish(client: AsyncClient, world: World) -> dict[str, str]:
    books = await make_books(client, world.centre_editor, world.centre_reviewer)
    world.things["rule_book"] = books.document
    return books.ids


def _approval(_: World) -> dict[str, Any]:
    return {"effectiveOn": str(shanghai_day(now()) + timedelta(days=30)), "note": "同意"}


BOOK = {"bookId": "draft_rule_book"}
SUBMITTED_BOOK = {"bookId": "submitted_rule_book"}

RIGHT = {
    "getCurrentRuleBook": Right(),
    "getRuleBookSchema": Right(),
    "getRuleBookVersion": Right(None, {"code": "rule_book_code", "version": "rule_book_version"}),
    "getScore": Right("citizen"),
    "explainScore": Right("citizen"),
    "listScoreChanges": Right("citizen"),
    "drawScoreChart": Right("citizen"),
    "listRuleBooks": Right("centre_editor"),
    "draftRuleBook": Right("centre_editor", body=lambda world: {"copyFrom": world.ids["draft_rule_book"]}),
    "getRuleBook": Right("centre_editor", BOOK),
    "editRuleBook": Right(
        "centre_editor", BOOK, lambda world: {"document": world.things["rule_book"]}, needs_etag=True
    ),
    "putRuleBookExamples": Right("centre_editor", BOOK, lambda _: {"examples": [EXAMPLE]}, needs_etag=True),
    "testRuleBook": Right("centre_editor", BOOK),
    "previewRuleBook": Right("centre_editor", SUBMITTED_BOOK, lambda _: {"sample": "hundredth"}),
    "getRuleBookPreview": Right("centre_editor", SUBMITTED_BOOK),
    "submitRuleBook": Right("centre_editor", BOOK, needs_etag=True),
    "approveRuleBook": Right("centre_reviewer", SUBMITTED_BOOK, _approval, needs_etag=True),
    "withdrawRuleBook": Right("centre_reviewer", SUBMITTED_BOOK, lambda _: {"note": "另行研究"}, needs_etag=True),
    "rejectRuleBook": Right(
        "centre_reviewer", {"bookId": "other_submitted_rule_book"}, lambda _: {"note": "请补充"}, needs_etag=True
    ),
    "deleteRuleBook": Right("centre_editor", {"bookId": "spare_rule_book"}, needs_etag=True),
}
UNKNOWN = {"code": "nothing", "version": "2147483647"}
