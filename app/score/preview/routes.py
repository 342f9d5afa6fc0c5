"""What a rule book would change in the city, for officials of the centre."""

from __future__ import annotations

from uuid import UUID

from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.kit.security.auth import OfficialCaller
from app.kit.web.http import refusals
from app.kit.web.show import show
from app.score.book.schemas import RuleBookRef
from app.score.draft import refusals as no
from app.score.draft.routes.answers import READERS, READING, WRITERS
from app.score.preview import actions
from app.score.preview import refusals as preview_refusals
from app.score.preview.actions import Preview
from app.score.preview.cells import CELL_MIN
from app.score.preview.rounding import ROUNDED_TO
from app.score.preview.schemas import PreviewRequest, PreviewView


@post(
    "/{book_id:uuid}/preview",
    operation_id="previewRuleBook",
    status_code=202,
    opt=WRITERS,
    responses=refusals(*READING, no.RuleBookMoveNotAllowed, preview_refusals.PreviewBudgetSpent),
)
async def preview_book(
    official: NamedDependency[OfficialCaller], book_id: FromPath[UUID], data: JSONBody[PreviewRequest]
) -> PreviewView:
    """Have the worker count what a rule book would change; read the same path to see how far it is."""
    return _show(await actions.request_preview(official, book_id, data.sample))


@get(
    "/{book_id:uuid}/preview",
    operation_id="getRuleBookPreview",
    status_code=200,
    opt=READERS,
    responses=refusals(*READING),
)
async def get_preview(official: NamedDependency[OfficialCaller], book_id: FromPath[UUID]) -> PreviewView:
    """Show how far a preview is and, when it is done, how many citizens' scores and levels change, by how much.

    By district and age too; never a number about a few people.
    """
    return _show(await actions.read_preview(official, book_id))


def _show(preview: Preview) -> PreviewView:
    row = preview.row
    return show(
        PreviewView,
        row,
        before=show(RuleBookRef, preview.before),
        after=show(RuleBookRef, preview.after),
        citizens_min=CELL_MIN,
        rounded_to=ROUNDED_TO,
        citizens_done=_about(row.citizens_done),
        citizens_total=None if row.citizens_total is None else _about(row.citizens_total),
        report=preview.report,
    )


def _about(citizens: int) -> int:
    """Return how many there are, rounded down: the exact number would show who joined between two previews."""
    return citizens - citizens % ROUNDED_TO


router = Router("/v1/official/rule-books", route_handlers=[preview_book, get_preview], tags=["score"])
