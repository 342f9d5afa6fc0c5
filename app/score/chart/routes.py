"""The history of a citizen's own score as a picture."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, Router, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from app.kit.clock import now
from app.kit.errors import InvalidRequest, NotJoined, Unauthenticated
from app.kit.security.auth import CitizenCaller
from app.kit.web.http import AnyRequest, language_of, refusals
from app.score.chart import actions
from app.score.chart.picture import CHART_MONTHS_DEFAULT, CHART_MONTHS_MAX
from app.score.current.refusals import NoScore
from app.values.days import shanghai_day

Months = Annotated[
    int, QueryParameter(name="months", ge=1, le=CHART_MONTHS_MAX, description="How far back the picture goes.")
]


@get(
    "/chart.svg",
    operation_id="drawScoreChart",
    status_code=200,
    media_type="image/svg+xml",
    responses=refusals(InvalidRequest, Unauthenticated, NotJoined, NoScore),
)
async def draw_score_chart(
    request: AnyRequest, citizen: NamedDependency[CitizenCaller], months: Months = CHART_MONTHS_DEFAULT
) -> Response[str]:
    """Draw the history of your score over the level bands of the rules of the time, to look at or to keep."""
    citizen.need_active()
    at = now()
    picture = await actions.draw_chart(citizen.id, months=months, language=language_of(request), at=at)
    named = f'attachment; filename="huixin-score-{shanghai_day(at)}.svg"'
    headers = {"Cache-Control": "private, no-store", "Content-Disposition": named}
    return Response(picture, headers=headers, media_type="image/svg+xml")


router = Router("/v1/me/score", route_handlers=[draw_score_chart], tags=["score"])
