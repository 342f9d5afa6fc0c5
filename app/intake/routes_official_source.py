"""The register of sources, and how each of them fares, for the centre."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any

import msgspec
from litestar import Response, Router, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from app.intake import actions_quality, actions_source, queries_source
from app.intake.queries_source import SourceRow
from app.intake.rules_agreed import Mapping
from app.intake.rules_mapping import make_default_mapping
from app.intake.rules_quality import DAYS_DEFAULT, SIGNS, Quality, Sign
from app.intake.rules_source import SourceEntry
from app.intake.schemas_source import (
    BadSign,
    DatedQuality,
    DayQuality,
    QualityReport,
    SourceContent,
    SourceRequest,
    SourceView,
)
from app.kit.auth import OfficialCaller
from app.kit.clock import now, shanghai_day
from app.kit.errors import ETagMissing, ETagStale, Forbidden, InvalidRequest, NotFound, StaleCursor, Unauthenticated
from app.kit.etag import ETAG, IfMatch, compute_etag
from app.kit.http import AnyRequest, Language, language_of, refusals
from app.kit.paging import PAGE_SIZE_DEFAULT, Cursor, Limit, Page, decode_cursor, make_page

SourceCode = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_.-]{2,40}\Z")]
KEEPERS = {"roles": ["administrator"]}
READERS = {"roles": ["importer", "administrator", "auditor"]}


@post(
    "/",
    operation_id="registerSource",
    status_code=201,
    opt=KEEPERS,
    response_headers=ETAG,
    responses=refusals(
        InvalidRequest,
        Unauthenticated,
        Forbidden,
        actions_source.SourceTaken,
        actions_source.SourceInvalid,
        actions_source.InstitutionUnknown,
    ),
)
async def register_source(
    official: NamedDependency[OfficialCaller], data: JSONBody[SourceRequest]
) -> Response[SourceView]:
    """Register a source of records: what it may report, and how its files are read."""
    _need_keeper(official)
    return _answer(await actions_source.register_source(official, _make_entry(data.code, data)), 201)


@get(
    "/",
    operation_id="listSources",
    status_code=200,
    opt=READERS,
    responses=refusals(InvalidRequest, StaleCursor, Unauthenticated, Forbidden),
)
async def list_sources(
    official: NamedDependency[OfficialCaller], cursor: Cursor = None, limit: Limit = PAGE_SIZE_DEFAULT
) -> Page[SourceView]:
    """List the sources, by code."""
    official.need_centre()
    rows = await queries_source.list_sources(decode_cursor(cursor, SourceCode), limit)
    return make_page(rows, limit, _show, lambda row: row.code)


@get(
    "/{source_code:str}",
    operation_id="getSource",
    status_code=200,
    opt=READERS,
    response_headers=ETAG,
    responses=refusals(InvalidRequest, Unauthenticated, Forbidden, NotFound),
)
async def get_source(official: NamedDependency[OfficialCaller], source_code: FromPath[str]) -> Response[SourceView]:
    """Show a source with its `ETag`."""
    official.need_centre()
    return _answer(await actions_source.find_source(source_code))


@put(
    "/{source_code:str}",
    operation_id="changeSource",
    status_code=200,
    opt=KEEPERS,
    response_headers=ETAG,
    responses=refusals(
        InvalidRequest,
        Unauthenticated,
        Forbidden,
        NotFound,
        ETagMissing,
        ETagStale,
        actions_source.SourceInvalid,
        actions_source.InstitutionUnknown,
    ),
)
async def change_source(
    official: NamedDependency[OfficialCaller],
    source_code: FromPath[str],
    data: JSONBody[SourceContent],
    if_match: IfMatch = None,
) -> Response[SourceView]:
    """Replace what is registered of a source."""
    _need_keeper(official)
    entry = _make_entry(source_code, data)
    return _answer(await actions_source.change_source(official, entry, if_match=if_match))


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
    report = await actions_quality.read_quality(source_code, since, until)
    language = language_of(request)
    return QualityReport(
        source=source_code,
        since=since,
        until=until,
        total=DayQuality(**_numbers(report.total)),
        before=DayQuality(**_numbers(report.before)),
        turned_bad=[_show_sign(sign, language) for sign in report.signs],
        days=[DatedQuality(day=day, **_numbers(quality)) for day, quality in report.days],
    )


def _need_keeper(official: OfficialCaller) -> None:
    """Refuse who imports records too: one official alone must not invent a source and send in its name."""
    official.need_centre()
    if "importer" in official.roles:
        raise Forbidden


def _make_entry(code: str, content: SourceContent) -> SourceEntry:
    return SourceEntry(
        code=code,
        title_zh=content.title_zh,
        title_en=content.title_en,
        institution_id=content.institution_id,
        mapping=content.mapping or make_default_mapping(code),
        indicators=content.indicators,
        honours=content.honours,
    )


def _answer(row: SourceRow, status_code: int = 200) -> Response[SourceView]:
    return Response(_show(row), status_code=status_code, headers={"ETag": compute_etag(row.revision)})


def _show(row: SourceRow) -> SourceView:
    told = msgspec.structs.asdict(row)
    return SourceView(**{**told, "mapping": msgspec.json.decode(row.mapping, type=Mapping)})


def _show_sign(sign: Sign, language: Language) -> BadSign:
    flaw = SIGNS[sign.code]
    text = flaw.zh if language == "zh" else flaw.en
    return BadSign(code=sign.code, text=text, number=sign.now, number_before=sign.before)


def _numbers(quality: Quality) -> dict[str, Any]:
    told = msgspec.structs.asdict(quality)
    return {**told, "quarantined_permille": quality.quarantined_permille, "late_permille": quality.late_permille}


router = Router(
    "/v1/official/sources",
    route_handlers=[register_source, list_sources, get_source, change_source, get_source_quality],
    tags=["intake"],
)
