"""The quarantine over HTTP: what stayed behind and why, and the file to correct it in."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Stream

from app.intake.file.actions.quarantine import QuarantineForm, find_import, open_quarantine
from app.intake.file.queries import quarantine as quarantine_queries
from app.intake.file.schemas import QuarantinedView
from app.intake.file.views import show_quarantined
from app.intake.reading.workbook import WORKBOOK_MEDIA
from app.kit.errors import Forbidden, InvalidRequest, NotFound, StaleCursor, Unauthenticated
from app.kit.security.auth import OfficialCaller
from app.kit.web.http import AnyRequest, language_of, refusals
from app.kit.web.paging import PAGE_SIZE_DEFAULT, Cursor, Limit, Page, decode_cursor, make_page

RowNumber = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
IMPORTER = {"roles": ["importer"]}
READERS = {"roles": ["importer", "auditor"]}


@get(
    "/{import_id:uuid}/quarantine",
    operation_id="listQuarantine",
    status_code=200,
    opt=READERS,
    responses=refusals(InvalidRequest, StaleCursor, Unauthenticated, Forbidden, NotFound),
)
async def list_quarantine(
    request: AnyRequest,
    official: NamedDependency[OfficialCaller],
    import_id: FromPath[UUID],
    cursor: Cursor = None,
    limit: Limit = PAGE_SIZE_DEFAULT,
) -> Page[QuarantinedView]:
    """List the rows that stayed behind, in the order of the file, with the reason of each."""
    official.need_centre()
    await find_import(import_id)
    language = language_of(request)
    after = decode_cursor(cursor, RowNumber) or 0
    rows = await quarantine_queries.list_quarantined(import_id, after, limit, only_open=False)
    return make_page(rows, limit, lambda row: show_quarantined(row, language), lambda row: row.row_number)


@get(
    "/{import_id:uuid}/quarantine.csv",
    operation_id="downloadQuarantine",
    status_code=200,
    opt=IMPORTER,
    media_type="text/csv",
    responses=refusals(InvalidRequest, Unauthenticated, Forbidden, NotFound),
)
async def download_quarantine(
    request: AnyRequest, official: NamedDependency[OfficialCaller], import_id: FromPath[UUID]
) -> Stream:
    """Download the rows still to be corrected as CSV, guarded against spreadsheets; send it back to `rerun`."""
    return await _answer(request, official, import_id, "csv", "text/csv; charset=utf-8")


@get(
    "/{import_id:uuid}/quarantine.xlsx",
    operation_id="downloadQuarantineWorkbook",
    status_code=200,
    opt=IMPORTER,
    media_type=WORKBOOK_MEDIA,
    responses=refusals(InvalidRequest, Unauthenticated, Forbidden, NotFound),
)
async def download_quarantine_workbook(
    request: AnyRequest, official: NamedDependency[OfficialCaller], import_id: FromPath[UUID]
) -> Stream:
    """Download the rows still to be corrected as a workbook whose cells are all text; send it back to `rerun`."""
    return await _answer(request, official, import_id, "xlsx", WORKBOOK_MEDIA)


async def _answer(
    request: AnyRequest, official: OfficialCaller, import_id: UUID, form: QuarantineForm, media_type: str
) -> Stream:
    official.need_centre()
    blocks = await open_quarantine(official, import_id, language_of(request), form)
    headers = {"Content-Disposition": f'attachment; filename="quarantine-{import_id}.{form}"'}
    return Stream(blocks, media_type=media_type, headers=headers)
