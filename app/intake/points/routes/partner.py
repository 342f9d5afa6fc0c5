"""A city app reports what its users did, event by event."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Router, post
from litestar.di import NamedDependency
from litestar.params import HeaderParameter, JSONBody

from app.intake.points.actions import events as events_actions
from app.intake.points.ledger import PointEvent
from app.intake.points.refusals import EventRefused, SignatureInvalid
from app.intake.points.schemas import PointEventReceived, PointEventRequest
from app.intake.points.webhook import Signed
from app.kit.clock import now
from app.kit.errors import Forbidden, InvalidRequest, RateLimited, Unauthenticated
from app.kit.security.auth import PartnerCaller
from app.kit.web.http import AnyRequest, refusals

# Optional for the framework, so that a missing one is our own refusal with its own code.
WebhookId = Annotated[str | None, HeaderParameter(name="webhook-id", description="Required; the message's own id.")]
WebhookTimestamp = Annotated[
    str | None, HeaderParameter(name="webhook-timestamp", description="Required; unix seconds, at most 300 off.")
]
WebhookSignature = Annotated[
    str | None,
    HeaderParameter(
        name="webhook-signature",
        description="Required; `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body` with the source's secret.",
    ),
]


@post(
    "/events",
    operation_id="reportPointEvent",
    status_code=202,
    opt={"scope": "report"},
    responses=refusals(InvalidRequest, SignatureInvalid, Unauthenticated, Forbidden, EventRefused, RateLimited),
)
async def report_point_event(
    request: AnyRequest,
    data: JSONBody[PointEventRequest],
    partner: NamedDependency[PartnerCaller],
    webhook_id: WebhookId = None,
    webhook_timestamp: WebhookTimestamp = None,
    webhook_signature: WebhookSignature = None,
) -> PointEventReceived:
    """Report one event, signed in the form of Standard Webhooks; the answer is the same for whoever it is about.

    It is counted within seconds. The same event again changes nothing, and neither do other facts under its id.
    """
    signed = Signed(id=webhook_id, timestamp=webhook_timestamp, signature=webhook_signature, body=await request.body())
    event = PointEvent(**msgspec.structs.asdict(data))
    await events_actions.take_event(partner, event, signed, at=now())
    return PointEventReceived(event_id=data.event_id, state="received")


router = Router("/v1/partner/records", route_handlers=[report_point_event], tags=["intake"])
