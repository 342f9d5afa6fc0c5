"""Files of records over HTTP: sent, watched, stopped, and their quarantine corrected, by the centre's importers."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.openapi.spec import OpenAPIFormat, OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema
from litestar.params import FromPath, QueryParameter

from app.intake.file.actions import upload as upload_actions
from app.intake.file.actions.quarantine import find_import
from app.intake.file.actions.upload import Received
from app.intake.file.counts import UPLOAD_BYTES_MAX
from app.intake.file.queries import imports as imports_queries
from app.intake.file.refusals import (
    FileTypeUnsupported,
    ImportClosed,
    NothingToCorrect,
    SourceUnknown,
    UploadTooSlow,
)
from app.intake.file.routes.quarantine import (
    IMPORTER,
    READERS,
    download_quarantine,
    download_quarantine_workbook,
    list_quarantine,
)
from app.intake.file.schemas import ImportView
from app.intake.file.views import show_import
from app.intake.reading.workbook import WORKBOOK_MEDIA
from app.kit.errors import (
    BodyTooLarge,
    Forbidden,
    IdempotencyKeyInvalid,
    IdempotencyKeyReused,
    InvalidRequest,
    NotFound,
    Refusal,
    StaleCursor,
    Unauthenticated,
)
from app.kit.request.bodies import JSONRequest
from app.kit.request.field_texts import find_error
from app.kit.request.idempotency import REPLAYED_HEADER, IdempotencyKey, check_key
from app.kit.security.auth import OfficialCaller
from app.kit.web.http import AnyRequest, Language, language_of, refusals
from app.kit.web.paging import PAGE_SIZE_DEFAULT, Cursor, Limit, Page, decode_cursor, make_page
from app.values.patterns import SOURCE_CODE

FILE_TYPES = ("text/csv", "application/x-ndjson", WORKBOOK_MEDIA, "application/octet-stream")
FILE_TYPE = re.compile(rf"(?:{'|'.join(map(re.escape, FILE_TYPES))})\s*(?:;.*)?", re.IGNORECASE)
SENDING = (
    InvalidRequest, Unauthenticated, Forbidden, BodyTooLarge, IdempotencyKeyInvalid, IdempotencyKeyReused,
    FileTypeUnsupported, UploadTooSlow,
)  # fmt: skip


@dataclass
class FileOperation(Operation):
    """Documents the file, which the framework does not see: it is read as it arrives."""

    def __post_init__(self) -> None:
        """Describe a file of bytes."""
        schema = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
        self.request_body = RequestBody(
            content={media: OpenAPIMediaType(schema=schema) for media in FILE_TYPES}, required=True
        )


def _receive(path: str, operation_id: str, *more: type[Refusal]) -> post:
    """Declare a route that takes a file; it may refuse ``SENDING`` and ``more``."""
    return post(
        path,
        operation_id=operation_id,
        operation_class=FileOperation,
        status_code=202,
        opt=IMPORTER,
        request_max_body_size=UPLOAD_BYTES_MAX,
        responses=refusals(*SENDING, *more),
    )


@_receive("/", "sendRecordFile", SourceUnknown)
async def send_record_file(
    request: AnyRequest,
    official: NamedDependency[OfficialCaller],
    source: Annotated[
        str | None, QueryParameter(name="source", pattern=SOURCE_CODE, description="Whose file it is; needed.")
    ] = None,
    idempotency_key: IdempotencyKey = None,
) -> Response[ImportView]:
    """Take a file of records (CSV, JSONL or .xlsx) as it arrives; it is imported soon, and watched by its id."""
    official.need_centre()
    if source is None:  # the framework would say so before it looks who is asking
        raise InvalidRequest(errors=[find_error("/query/source", "missing")])
    _need_file_type(request)
    received = await upload_actions.receive_upload(
        official, _blocks(request), source=source, parent_id=None, key=check_key(idempotency_key)
    )
    return _answer(received, language_of(request))


@_receive("/{import_id:uuid}/rerun", "rerunImport", NotFound, NothingToCorrect)
async def rerun_import(
    request: AnyRequest,
    official: NamedDependency[OfficialCaller],
    import_id: FromPath[UUID],
    idempotency_key: IdempotencyKey = None,
) -> Response[ImportView]:
    """Take the corrected quarantine of an import, as downloaded; what fits now goes in and is no longer to correct."""
    official.need_centre()
    _need_file_type(request)
    key = check_key(idempotency_key)
    parent = await upload_actions.find_parent(import_id)
    received = await upload_actions.receive_upload(
        official, _blocks(request), source=parent.source, parent_id=import_id, key=key
    )
    return _answer(received, language_of(request))


@get(
    "/",
    operation_id="listImports",
    status_code=200,
    opt=READERS,
    responses=refusals(InvalidRequest, StaleCursor, Unauthenticated, Forbidden),
)
async def list_imports(
    request: AnyRequest,
    official: NamedDependency[OfficialCaller],
    source: Annotated[
        str | None, QueryParameter(name="source", pattern=SOURCE_CODE, description="Only of this.")
    ] = None,
    cursor: Cursor = None,
    limit: Limit = PAGE_SIZE_DEFAULT,
) -> Page[ImportView]:
    """List the imports, newest first."""
    official.need_centre()
    language = language_of(request)
    rows = await imports_queries.list_imports(source, decode_cursor(cursor, UUID), limit)
    return make_page(rows, limit, lambda row: show_import(row, language), lambda row: row.id)


@get(
    "/{import_id:uuid}",
    operation_id="getImport",
    status_code=200,
    opt=READERS,
    responses=refusals(InvalidRequest, Unauthenticated, Forbidden, NotFound),
)
async def get_import(
    request: AnyRequest, official: NamedDependency[OfficialCaller], import_id: FromPath[UUID]
) -> ImportView:
    """Show how far an import has got, and what became of its rows stage by stage."""
    official.need_centre()
    return show_import(await find_import(import_id), language_of(request))


@post(
    "/{import_id:uuid}/cancel",
    operation_id="cancelImport",
    status_code=200,
    opt=IMPORTER,
    responses=refusals(InvalidRequest, Unauthenticated, Forbidden, NotFound, ImportClosed),
)
async def cancel_import(
    request: AnyRequest, official: NamedDependency[OfficialCaller], import_id: FromPath[UUID]
) -> ImportView:
    """Stop an import; what is stored stays."""
    official.need_centre()
    return show_import(await upload_actions.cancel_import(official, import_id), language_of(request))


def _need_file_type(request: AnyRequest) -> None:
    if not FILE_TYPE.fullmatch(request.headers.get("content-type", "application/octet-stream").strip()):
        raise FileTypeUnsupported


def _blocks(request: AnyRequest) -> AsyncIterator[bytes]:
    assert isinstance(request, JSONRequest), "the app's request class"
    return request.blocks()


def _answer(received: Received, language: Language) -> Response[ImportView]:
    headers = {REPLAYED_HEADER: "true"} if received.is_repeat else {}
    return Response(show_import(received.stored, language), status_code=202, headers=headers)


router = Router(
    "/v1/official/records/imports",
    route_handlers=[
        send_record_file, rerun_import, list_imports, get_import, cancel_import, list_quarantine, download_quarantine,
        download_quarantine_workbook,
    ],
    tags=["intake"],
)  # fmt: skip
