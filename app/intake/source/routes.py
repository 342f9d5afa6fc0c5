"""The register of sources, and how each of them fares, for the centre."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Response, Router, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.intake.source import actions
from app.intake.source.compile import make_default_mapping
from app.intake.source.entry import Source, SourceEntry
from app.intake.source.queries import register as register_queries
from app.intake.source.refusals import InstitutionUnknown, SourceInvalid, SourceTaken
from app.intake.source.schemas import SourceContent, SourceRequest, SourceView
from app.kit.errors import ETagMissing, ETagStale, Forbidden, InvalidRequest, NotFound, StaleCursor, Unauthenticated
from app.kit.request.etag import ETAG, IfMatch, answer_with_etag
from app.kit.security.auth import OfficialCaller
from app.kit.web.http import refusals
from app.kit.web.paging import PAGE_SIZE_DEFAULT, Cursor, Limit, Page, decode_cursor, make_page
from app.kit.web.show import show
from app.values.patterns import SOURCE_CODE

SourceCode = Annotated[str, msgspec.Meta(pattern=SOURCE_CODE)]
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
        SourceTaken,
        SourceInvalid,
        InstitutionUnknown,
    ),
)
async def register_source(
    official: NamedDependency[OfficialCaller], data: JSONBody[SourceRequest]
) -> Response[SourceView]:
    """Register a source of records: what it may report, and how its files are read."""
    _need_keeper(official)
    return _answer(await actions.register_source(official, _make_entry(data.code, data)), 201)


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
    rows = await register_queries.list_sources(decode_cursor(cursor, SourceCode), limit)
    return make_page(rows, limit, lambda row: show(SourceView, row), lambda row: row.code)


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
    return _answer(await actions.find_source(source_code))


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
        SourceInvalid,
        InstitutionUnknown,
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
    return _answer(await actions.change_source(official, entry, if_match=if_match))


def _need_keeper(official: OfficialCaller) -> None:
    """Refuse an official who imports records too: nobody may register a source and send records in its name alone."""
    official.need_centre()
    if "importer" in official.roles:
        raise Forbidden


def _make_entry(code: str, content: SourceContent) -> SourceEntry:
    mapping = content.mapping or make_default_mapping(code)
    return SourceEntry(**msgspec.structs.asdict(content) | {"code": code, "mapping": mapping})


def _answer(source: Source, status_code: int = 200) -> Response[SourceView]:
    return answer_with_etag(show(SourceView, source), source.revision, status_code)


router = Router(
    "/v1/official/sources",
    route_handlers=[register_source, list_sources, get_source, change_source],
    tags=["intake"],
)
