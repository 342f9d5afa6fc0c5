"""What is recorded about the citizen who asks."""

from __future__ import annotations

from litestar import Response, Router, get
from litestar.di import NamedDependency

from app.kit.errors import InvalidRequest, NotJoined, StaleCursor, Unauthenticated
from app.kit.security.auth import CitizenCaller
from app.kit.web.http import AnyRequest, Language, language_of, refusals
from app.kit.web.paging import PAGE_SIZE_DEFAULT, Cursor, Limit, Page, decode_cursor, make_page
from app.kit.web.show import show
from app.record.catalogue import CATALOGUE
from app.record.queries import read as read_queries
from app.record.schemas import OwnRecord
from app.record.stored import RecordPlace, StoredRecord, compute_title

NO_STORE = {"Cache-Control": "no-store"}


@get(
    "/records",
    operation_id="listOwnRecords",
    status_code=200,
    responses=refusals(InvalidRequest, StaleCursor, Unauthenticated, NotJoined),
)
async def list_own_records(
    request: AnyRequest,
    citizen: NamedDependency[CitizenCaller],
    cursor: Cursor = None,
    limit: Limit = PAGE_SIZE_DEFAULT,
) -> Response[Page[OwnRecord]]:
    """List everything recorded about you, of whatever state, the newest event first."""
    citizen.need_active()
    rows = await read_queries.list_own_records(citizen.id, decode_cursor(cursor, RecordPlace), limit)
    language = language_of(request)
    page = make_page(rows, limit, lambda row: _show(row, language), lambda row: RecordPlace(row.event_on, row.id))
    return Response(page, headers=NO_STORE)


def _show(record: StoredRecord, language: Language) -> OwnRecord:
    zh, en = compute_title(record, CATALOGUE)
    return show(OwnRecord, record, title=en if language == "en" else zh)


router = Router("/v1/me", route_handlers=[list_own_records], tags=["record"])
ROUTERS = [router]
