"""How a source fares, for the centre."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

from litestar import Router, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from app.intake.quality import actions
from app.intake.quality.schemas import BadSign, DatedQuality, DayQuality, QualityReport
from app.intake.quality.signs import DAYS_DEFAULT, SIGNS, Sign
from app.kit.clock import now
from app.kit.errors import Forbidden, InvalidRequest, NotFound, Unauthenticated
from app.kit.security.auth import OfficialCaller
from app.kit.web.http import AnyRequest, Language, language_of, refusals
from app.kit.web.show import show
from app.values.days import shanghai_day

READERS = {"roles": ["importer", "administrator", "auditor"]}


@get(
    "/{source_code:str}/quality",
    operation_id="getSourceQuality",
    status_code=200,
    opt=READERS,
    responses=refusals(InvalidRequest, Unauthenticated, Forbidden, NotFound),
)
async def get_source_quality(
    official: NamedDependency[OfficialCaller],
    request: AnyRequest,
    source_code: FromPath[str],
    since: Annotated[date | None, QueryParameter(name="from", description="The first day.")] = None,
    until: Annotated[date | None, QueryParameter(name="to", description="The last day; today.")] = None,
) -> QualityReport:
    """Show how a source fares: what was sent, kept, late or held back, day by day and beside the days before."""
    official.need_centre()
    until = until or shanghai_day(now())
    since = since or until - timedelta(days=DAYS_DEFAULT - 1)
    report = await actions.read_quality(source_code, since, until)
    language = language_of(request)
    return QualityReport(
        source=source_code,
        since=since,
        until=until,
        total=show(DayQuality, report.total),
        before=show(DayQuality, report.before),
        turned_bad=[_show_sign(sign, language) for sign in report.signs],
        days=[show(DatedQuality, quality, day=day) for day, quality in report.days],
    )


def _show_sign(sign: Sign, language: Language) -> BadSign:
    flaw = SIGNS[sign.code]
    text = flaw.zh if language == "zh" else flaw.en
    return BadSign(code=sign.code, text=text, number=sign.now, number_before=sign.before)


router = Router("/v1/official/sources", route_handlers=[get_source_quality], tags=["intake"])
