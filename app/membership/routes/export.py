"""Taking one's own data along, and the public keys anybody checks it with."""

from __future__ import annotations

import msgspec
from litestar import Response, Router, get
from litestar.di import NamedDependency

from app.kit.clock import now
from app.kit.errors import NotJoined, RateLimited, Unauthenticated
from app.kit.outside.rate_limit import LocalLimit
from app.kit.security.auth import CitizenCaller
from app.kit.web.answers import Answer
from app.kit.web.http import refusals
from app.membership.actions import export as export_actions
from app.membership.refusals import ExportUnavailable
from app.membership.schemas.export import ExportFile, ExportKeySet
from app.values.days import shanghai_day

EXPORTS_PER_HOUR_MAX = 30
EXPORT_LIMIT = LocalLimit("exports", EXPORTS_PER_HOUR_MAX, 3600)
KEYS_SECONDS = 300


@get(
    "/me/export",
    operation_id="exportOwnData",
    status_code=200,
    responses=refusals(Unauthenticated, NotJoined, RateLimited, ExportUnavailable),
)
async def export_own_data(citizen: NamedDependency[CitizenCaller]) -> Response[ExportFile]:
    """Take your own data along: records, consents, honours, score and who looked, as one signed file.

    With it and the public rule book anybody can compute your score again: `huixin score explain`.
    """
    citizen.need_active()
    limits = EXPORT_LIMIT.hit(citizen.id)
    at = now()
    named = f'attachment; filename="huixin-export-{shanghai_day(at)}.json"'
    file = await export_actions.export_own(citizen, at=at)
    return Answer(file, limits | {"Cache-Control": "private, no-store", "Content-Disposition": named})  # type: ignore[arg-type]


@get("/export-keys", operation_id="listExportKeys", status_code=200)
async def list_export_keys() -> Response[ExportKeySet]:
    """Return the public keys of exports as a JSON Web Key Set, the replaced ones too."""
    keys = msgspec.convert({"keys": export_actions.list_public_keys()}, ExportKeySet)
    return Response(keys, headers={"Cache-Control": f"public, max-age={KEYS_SECONDS}"})


router = Router("/v1", route_handlers=[export_own_data, list_export_keys], tags=["membership"])
