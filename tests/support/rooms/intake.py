"""A record, imports and proposals that wait, a city app that reports points."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from app.kit.clock import now
from tests.support.files import make_imports
from tests.support.importing import item_of, make_proposals, outcomes_of
from tests.support.pointing import event_of, open_app
from tests.support.right import Right

if TYPE_CHECKING:
    from httpx2 import AsyncClient

    from tests.support.world import World


async def furnish(client: AsyncClient, world: World) -> dict[str, str]:
    assert await outcomes_of(client, item_of(world.citizen)) == ["accepted"]
    app = await open_app(world.partner)
    return {
        "app_source": app.source, "app_secret": app.secret,
        **await make_imports(client), **await make_proposals(client, world.citizen),
    }  # fmt: skip


def _item(world: World) -> dict[str, Any]:
    return {
        "source": "civil-affairs", "eventId": secrets.token_hex(8), "indicator": "POS_RESCUE",
        "idNumber": world.citizen.id_number, "name": world.citizen.name,
        "eventOn": str(now().date() - timedelta(days=9)),
    }  # fmt: skip


def _person(world: World) -> dict[str, Any]:
    return {"idNumber": world.citizen.id_number, "name": world.citizen.name}


def _point_rule(_: World) -> dict[str, Any]:
    return {"kind": "hours", "indicator": "POS_PATROL", "numerator": 1, "denominator": 60, "yearlyCap": 3000}


def _source(_: World) -> dict[str, Any]:
    return {"code": f"s-{secrets.token_hex(6)}", "titleZh": "市民政局", "titleEn": "Civil affairs"}


def _source_words(_: World) -> dict[str, Any]:
    return {"titleZh": "市民政局", "titleEn": "Civil affairs"}


SOURCE, IMPORT, APP = {"sourceCode": "record_source"}, {"importId": "import"}, {"sourceCode": "app_source"}

RIGHT = {
    "importRecords": Right("centre_importer", body=_item),
    "registerSource": Right("centre_administrator", body=_source),
    "listRecordProposals": Right("centre_importer"),
    "getRecordProposal": Right("centre_importer", {"proposalId": "proposal"}),
    "approveRecordProposal": Right("centre_importer", {"proposalId": "proposal"}, _person, needs_etag=True),
    "rejectRecordProposal": Right(
        "centre_reviewer", {"proposalId": "other_proposal"}, lambda _: {"reason": "not_proven"}, needs_etag=True
    ),
    "listSources": Right("centre_importer"),
    "getSource": Right("centre_importer", SOURCE),
    "changeSource": Right("centre_administrator", SOURCE, _source_words, needs_etag=True),
    "getSourceQuality": Right("centre_importer", SOURCE),
    "sendRecordFile": Right("centre_importer", needs_key=True, query={"source": "record_source"}),
    "rerunImport": Right("centre_importer", IMPORT, needs_key=True),
    "listImports": Right("centre_importer"),
    "getImport": Right("centre_importer", IMPORT),
    "cancelImport": Right("centre_importer", {"importId": "waiting_import"}),
    "listQuarantine": Right("centre_importer", IMPORT),
    "downloadQuarantine": Right("centre_importer", IMPORT),
    "downloadQuarantineWorkbook": Right("centre_importer", IMPORT),
    "createSourceSecret": Right("administrator", APP, lambda _: {"overlapSeconds": 60}),
    "listPointRules": Right("administrator", APP),
    "setPointRule": Right("centre_administrator", APP, _point_rule),
    "reportPointEvent": Right("partner", body=lambda world: event_of(world.citizen), is_signed=True),
}
UNKNOWN = {"sourceCode": "no-such-source"}
