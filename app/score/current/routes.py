"""A citizen's own score, its explanation and its history."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, Router, get
from litestar.di import NamedDependency, Provide

from app.kit.errors import NotJoined, StaleCursor, Unauthenticated
from app.kit.request.headers import find_header
from app.kit.security.auth import CitizenCaller
from app.kit.web.answers import Answer
from app.kit.web.http import AnyRequest, Language, language_of, refusals
from app.kit.web.paging import PAGE_SIZE_DEFAULT, Cursor, Limit, Page, decode_cursor, make_page
from app.score.current.actions import read as read_actions
from app.score.current.queries.scores import ScoredCaller
from app.score.current.refusals import NoScore
from app.score.current.schemas import ChangeView, ExplanationView, ScoreView
from app.score.current.score import StoredScore
from app.score.current.views import show_change, show_explanation, show_score

ANSWERS_REMEMBERED_MAX = 10_000
NO_STORE = {"Cache-Control": "no-store"}


async def provide_scored(request: AnyRequest) -> ScoredCaller:
    """Authenticate a citizen by the access token, and read the score in the same statement."""
    return await read_actions.authenticate_scored(find_header(request.scope, b"authorization"))


@get(
    "/", operation_id="getScore", status_code=200, dependencies={"citizen": Provide(provide_scored)},
    responses=refusals(Unauthenticated, NotJoined, NoScore),
)  # fmt: skip
async def get_score(request: AnyRequest, citizen: NamedDependency[ScoredCaller]) -> Response[ScoreView]:
    """Return your score, its level, and how far the next level is."""
    citizen.need_active()
    return Answer(_render_score(await read_actions.read_own_score(citizen), language_of(request)), NO_STORE)


@get(
    "/explanation", operation_id="explainScore", status_code=200,
    responses=refusals(Unauthenticated, NotJoined, NoScore),
)  # fmt: skip
async def explain_score(request: AnyRequest, citizen: NamedDependency[CitizenCaller]) -> ExplanationView:
    """Return every contribution and limit; base, contributions and adjustments add up to your score exactly."""
    citizen.need_active()
    explanation, book = await read_actions.explain_score(citizen.id)
    return show_explanation(explanation, book, language_of(request))


@get(
    "/changes", operation_id="listScoreChanges", status_code=200,
    responses=refusals(Unauthenticated, NotJoined, StaleCursor),
)  # fmt: skip
async def list_score_changes(
    request: AnyRequest,
    citizen: NamedDependency[CitizenCaller],
    cursor: Cursor = None,
    limit: Limit = PAGE_SIZE_DEFAULT,
) -> Page[ChangeView]:
    """Return the history of your score, newest first, with reasons."""
    citizen.need_active()
    steps = await read_actions.list_changes(citizen.id, before=decode_cursor(cursor, UUID), limit=limit + 1)
    language = language_of(request)
    return make_page(steps, limit, lambda step: show_change(step, language), lambda step: step.id)


@lru_cache(ANSWERS_REMEMBERED_MAX)
def _render_score(stored: StoredScore, language: Language) -> Any:
    """Return the bytes of a score's answer. It names nobody, so citizens with equal scores share it."""
    return msgspec.json.encode(show_score(read_actions.unfold_score(stored), language))


router = Router("/v1/me/score", route_handlers=[get_score, explain_score, list_score_changes], tags=["score"])
