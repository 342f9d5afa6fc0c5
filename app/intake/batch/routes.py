"""Records arrive over HTTP, from the centre's importers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from litestar import Router, post
from litestar.di import NamedDependency
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema
from litestar.params import RawBody

from app.intake.batch import actions
from app.intake.batch.refusals import TooManyItems
from app.intake.batch.schemas import BatchCounts, ImportReport, ItemAnswer, ItemReason
from app.intake.fact.item import ITEMS_MAX, ArrivedItem, ItemOutcome, compute_counts, is_array, parse_batch
from app.kit.clock import now
from app.kit.errors import BodyTooLarge, Forbidden, MalformedRequest, Unauthenticated, UnsupportedMediaType
from app.kit.request.bodies import need_json
from app.kit.security.auth import OfficialCaller
from app.kit.web.http import AnyRequest, Language, language_of, refusals
from app.kit.web.show import show

BODY_BYTES_MAX = 1024 * 1024


@dataclass
class RecordsOperation(Operation):
    """Documents the body, which the framework does not see: it is read item by item, so that a bad one fails alone."""

    def __post_init__(self) -> None:
        """Describe one item, or an array of them."""
        _, components = msgspec.json.schema_components([ArrivedItem])
        described: Any = components["ArrivedItem"]
        item = Schema(
            type=OpenAPIType.OBJECT, properties=described["properties"], required=described["required"],
            description=described["description"], additional_properties=False,
        )  # fmt: skip
        batch = Schema(type=OpenAPIType.ARRAY, items=item, max_items=ITEMS_MAX)
        media = OpenAPIMediaType(schema=Schema(one_of=[item, batch]))
        self.request_body = RequestBody(content={"application/json": media}, required=True)


@post(
    "/",
    operation_id="importRecords",
    operation_class=RecordsOperation,
    status_code=200,
    opt={"roles": ["importer"]},
    request_max_body_size=BODY_BYTES_MAX,
    responses=refusals(MalformedRequest, TooManyItems, Unauthenticated, Forbidden, BodyTooLarge, UnsupportedMediaType),
)
async def import_records(body: RawBody, request: AnyRequest, official: NamedDependency[OfficialCaller]) -> ImportReport:
    """Take one record or honour, or up to 500: each is accepted, updated, a duplicate, not a member's, or refused.

    What costs its citizen points or an honour is `proposed`: it waits for a second official, and until then counts
    nowhere and is told to nobody.
    """
    need_json(request.headers.get("content-type"))
    items = parse_batch(body)
    if items is None:
        raise MalformedRequest
    if len(items) > ITEMS_MAX:
        raise TooManyItems
    outcomes = await actions.import_records(items, official=official, at=now())
    language, in_array = language_of(request), is_array(body)
    return ImportReport(
        items=[
            _show(index, outcome, f"/{index}" if in_array else "", language) for index, outcome in enumerate(outcomes)
        ],
        counts=BatchCounts(received=len(outcomes), **compute_counts(outcomes)),
    )


def _show(index: int, outcome: ItemOutcome, place: str, language: Language) -> ItemAnswer:
    flaw, reason = outcome.flaw, None
    if flaw is not None:
        text = flaw.zh if language == "zh" else flaw.en
        reason = ItemReason(code=flaw.code, text=text, pointer=place + flaw.pointer)
    return show(ItemAnswer, outcome, index=index, reason=reason)


router = Router("/v1/official/records", route_handlers=[import_records], tags=["intake"])
