"""Every operation of the OpenAPI, and for each one request that its rightful caller gets a success for.

``RIGHT`` is what makes the hostile tests complete: an operation that is missing there fails them.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import pyotp

from app.kit.clock import now, shanghai_day
from tests.support.campaigns import benefit_body, campaign_body
from tests.support.citizens import identity_body
from tests.support.description import Operation, find_thing, path_of
from tests.support.objecting import missing
from tests.support.officials import PASSWORD
from tests.support.pointing import event_of, sign
from tests.support.rule_books import EXAMPLE
from tests.support.world import CONSENT, World, make_code

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response


class Right(NamedTuple):
    """Who does it, with which of the world's ids in path and query, with what body, and under which key or ETag."""

    who: str | None = None
    ids: dict[str, str] = {}
    body: Callable[[World], Any] | None = None
    needs_key: bool = False
    needs_etag: bool = False
    is_signed: bool = False
    query: dict[str, str] = {}

    def headers(self) -> dict[str, str]:
        """Return what this request carries beside the caller's token, but for the ETag."""
        return {"Idempotency-Key": secrets.token_hex(12)} if self.needs_key else {}


async def headers_for(client: AsyncClient, operation: Operation, world: World) -> dict[str, str]:
    """Return what the right request carries beside the caller's token: its key, and the ETag as it is right now."""
    right, thing = RIGHT[operation.id], find_thing(operation)
    if not right.needs_etag:
        return right.headers()
    assert thing is not None, f"{operation.id} needs an ETag that nobody can read"
    own = {name: world.ids[place] for name, place in right.ids.items()}
    seen = await client.get(path_of(thing, own), headers=world.headers_of(right.who or ""))
    assert seen.status_code == 200, (operation.id, seen.text)
    return right.headers() | {"If-Match": seen.headers["ETag"]}


async def send(
    client: AsyncClient,
    operation: Operation,
    world: World,
    headers: dict[str, str],
    *,
    ids: dict[str, str] | None = None,
    method: str | None = None,
) -> Response:
    """Send the right request of an operation as somebody; ``ids`` replace the world's."""
    right = RIGHT[operation.id]
    own = {name: world.ids[place] for name, place in right.ids.items()}
    body = json.dumps(right.body(world)).encode() if right.body else None
    headers = (
        headers | await headers_for(client, operation, world) | ({"Content-Type": "application/json"} if body else {})
    )
    if right.is_signed and body:
        headers |= sign(world.ids["app_secret"], body)
    query = {name: world.ids[place] for name, place in right.query.items()}
    return await client.request(
        method or operation.method, path_of(operation, ids or own), content=body, headers=headers, params=query
    )


def _campaign(_: World) -> dict[str, Any]:
    return campaign_body(benefit_body(code=make_code(), eligibility={"type": "everyone"}))


def _totp(world: World) -> dict[str, Any]:
    code = pyotp.TOTP(world.editor.totp_secret).now()
    return {"username": world.editor.username, "password": PASSWORD, "totp": code}


def _completion(world: World) -> dict[str, Any]:
    totp = pyotp.TOTP(world.ids["enrolment_secret"]).now()
    return {"code": world.ids["enrolment_code"], "password": PASSWORD, "totp": totp}


def _item(world: World) -> dict[str, Any]:
    return {
        "source": "civil-affairs", "eventId": secrets.token_hex(8), "indicator": "POS_RESCUE",
        "idNumber": world.citizen.id_number, "name": world.citizen.name,
        "eventOn": str(now().date() - timedelta(days=9)),
    }  # fmt: skip


def _person(world: World) -> dict[str, Any]:
    return {"idNumber": world.citizen.id_number, "name": world.citizen.name}


def _key(_: World) -> dict[str, Any]:
    return {"name": "新密钥", "scopes": ["read"], "expiresAt": (now() + timedelta(days=1)).isoformat()}


def _scenario(_: World) -> dict[str, Any]:
    words = {"titleZh": "场景", "titleEn": "a scenario", "use": "leisure"}
    return {"code": f"s_{secrets.token_hex(4)}", **words, "needsName": False, "needsWithoutScore": False}


def _acknowledged(_: World) -> dict[str, Any]:
    return {"acknowledgedFlags": ["宗教"]}


def _scenario_change(world: World) -> dict[str, Any]:
    return {name: value for name, value in _scenario(world).items() if name != "code"}


def _redemption(world: World) -> dict[str, Any]:
    return {
        "scanId": world.ids["scan"], "benefitId": world.ids["spare_benefit"], "terminalId": world.ids["terminal"],
        "reference": secrets.token_hex(8), "amountFen": 1000,
    }  # fmt: skip


def _official(world: World) -> dict[str, Any]:
    return {"username": f"u{secrets.token_hex(6)}", "roles": ["editor"], "institutionId": world.ids["institution"]}


def _approval(_: World) -> dict[str, Any]:
    return {"effectiveOn": str(shanghai_day(now()) + timedelta(days=30)), "note": "同意"}


def _name(_: World) -> dict[str, Any]:
    return {"name": f"新名{secrets.token_hex(6)}"}


def _point_rule(_: World) -> dict[str, Any]:
    return {"kind": "hours", "indicator": "POS_PATROL", "numerator": 1, "denominator": 60, "yearlyCap": 3000}


def _source(_: World) -> dict[str, Any]:
    return {"code": f"s-{secrets.token_hex(6)}", "titleZh": "市民政局", "titleEn": "Civil affairs"}


def _source_words(_: World) -> dict[str, Any]:
    return {"titleZh": "市民政局", "titleEn": "Civil affairs"}


SOURCE, IMPORT = {"sourceCode": "record_source"}, {"importId": "import"}
INSTITUTION = {"institutionId": "institution"}
STORE = INSTITUTION | {"storeId": "spare_store"}
TERMINAL = INSTITUTION | {"terminalId": "spare_terminal"}
KEY = INSTITUTION | {"keyId": "spare_key"}
OFFICIAL = {"officialId": "official"}
BOOK = {"bookId": "draft_rule_book"}
SUBMITTED_BOOK = {"bookId": "submitted_rule_book"}
SCENARIO_PROPOSAL = {"proposalId": "scenario_proposal"}
LIVE, DRAFT = {"campaignId": "live_campaign"}, {"campaignId": "draft_campaign"}

RIGHT: dict[str, Right] = {
    # anybody
    "getLiveness": Right(),
    "getReadiness": Right(),
    "listConsentTexts": Right(),
    "getCurrentRuleBook": Right(),
    "getRuleBookSchema": Right(),
    "getRuleBookVersion": Right(None, {"code": "rule_book_code", "version": "rule_book_version"}),
    "listExportKeys": Right(),
    "listPublicCampaigns": Right(),
    "logInWithWechat": Right(body=lambda _: {"code": f"demo-{secrets.token_hex(8)}"}),
    "refreshTokens": Right(body=lambda world: {"refreshToken": world.citizen.tokens.refresh}),
    "loginOfficial": Right(body=_totp),
    "openEnrolment": Right(body=lambda world: {"code": world.ids["enrolment_code"]}),
    "completeEnrolment": Right(body=_completion),
    # the citizen
    "getOwnAccount": Right("citizen"),
    "listAccess": Right("citizen"),
    "listMyBenefits": Right("citizen"),
    "listMyRedemptions": Right("citizen"),
    "getScore": Right("citizen"),
    "explainScore": Right("citizen"),
    "listScoreChanges": Right("citizen"),
    "drawScoreChart": Right("citizen"),
    "readScoreHints": Right("citizen"),
    "listOwnRecords": Right("citizen"),
    "exportOwnData": Right("citizen"),
    "listNotices": Right("citizen"),
    "countUnreadNotices": Right("citizen"),
    "readNotice": Right("citizen", {"noticeId": "notice"}),
    "listNoticeQuotas": Right("citizen"),
    "reportNoticeQuota": Right("citizen", body=lambda _: {"template": "record", "count": 1}),
    "listOwnConsents": Right("citizen"),
    "giveConsent": Right("citizen", body=lambda _: dict(CONSENT)),
    "withdrawConsent": Right("citizen", {"purpose": "consent"}),
    "issueCodes": Right("citizen", body=lambda _: {"count": 1}),
    "drawCurrentCode": Right("citizen"),
    "revokeCodes": Right("citizen", body=lambda _: {"reason": "other"}),
    "joinWithIdentity": Right("citizen", body=lambda _: identity_body()),
    "moveIdentity": Right("citizen", body=lambda _: identity_body()),
    "logOut": Right("citizen"),
    "leave": Right("citizen"),
    # the institution's tills
    "getPartnerSelf": Right("partner"),
    "listPartnerTerminals": Right("partner"),
    "listPartnerEvents": Right("partner"),
    "listPartnerRedemptions": Right("partner"),
    "readStatement": Right("partner", {"day": "day"}),
    "scanCode": Right("partner", body=lambda world: {"code": "96" + "0" * 20, "terminalId": world.ids["terminal"]}),
    "readScan": Right("partner", {"scanId": "scan"}),
    "redeemBenefit": Right("partner", body=_redemption, needs_key=True),
    "reverseRedemption": Right(
        "partner", {"redemptionId": "redemption"}, lambda _: {"reason": "扫错商品"}, needs_key=True
    ),
    # campaigns
    "draftCampaign": Right("editor", body=_campaign),
    "listCampaigns": Right("editor"),
    "getCampaign": Right("editor", LIVE),
    "readCampaignTotals": Right("editor", LIVE),
    "editCampaign": Right("editor", DRAFT, _campaign, needs_etag=True),
    "submitCampaign": Right("editor", DRAFT, needs_etag=True),
    "listCampaignInbox": Right("centre_reviewer"),
    "approveCampaign": Right("centre_reviewer", {"campaignId": "submitted_campaign"}, _acknowledged, needs_etag=True),
    "rejectCampaign": Right(
        "centre_reviewer", {"campaignId": "other_submitted_campaign"}, lambda _: {"note": "请补充"}, needs_etag=True
    ),
    "pauseCampaign": Right("editor", LIVE, needs_etag=True),
    "resumeCampaign": Right("editor", LIVE, needs_etag=True),
    "endCampaign": Right("editor", LIVE, needs_etag=True),
    "listScenarios": Right("editor"),
    "listScenarioUses": Right("editor"),
    "checkCampaign": Right("editor", body=_campaign),
    "reviewCampaign": Right("editor", DRAFT),
    "getScenario": Right("editor", {"code": "scenario"}),
    "proposeScenario": Right("centre_administrator", body=_scenario),
    "proposeScenarioChange": Right("centre_administrator", {"code": "scenario"}, _scenario_change, needs_etag=True),
    "listScenarioProposals": Right("centre_administrator"),
    "getScenarioProposal": Right("centre_administrator", SCENARIO_PROPOSAL),
    "confirmScenarioProposal": Right("centre_administrator", SCENARIO_PROPOSAL, _acknowledged, needs_etag=True),
    "rejectScenarioProposal": Right(
        "centre_administrator", {"proposalId": "other_scenario_proposal"}, lambda _: {"note": "请补充"}, needs_etag=True
    ),
    # rule books
    "listRuleBooks": Right("centre_editor"),
    "draftRuleBook": Right("centre_editor", body=lambda world: {"copyFrom": world.ids["draft_rule_book"]}),
    "getRuleBook": Right("centre_editor", BOOK),
    "editRuleBook": Right("centre_editor", BOOK, lambda world: {"document": world.rule_book}, needs_etag=True),
    "putRuleBookExamples": Right("centre_editor", BOOK, lambda _: {"examples": [EXAMPLE]}, needs_etag=True),
    "testRuleBook": Right("centre_editor", BOOK),
    "previewRuleBook": Right("centre_editor", SUBMITTED_BOOK, lambda _: {"sample": "hundredth"}),
    "getRuleBookPreview": Right("centre_editor", SUBMITTED_BOOK),
    "submitRuleBook": Right("centre_editor", BOOK, needs_etag=True),
    "approveRuleBook": Right("centre_reviewer", SUBMITTED_BOOK, _approval, needs_etag=True),
    "withdrawRuleBook": Right("centre_reviewer", SUBMITTED_BOOK, lambda _: {"note": "另行研究"}, needs_etag=True),
    "rejectRuleBook": Right(
        "centre_reviewer", {"bookId": "other_submitted_rule_book"}, lambda _: {"note": "请补充"}, needs_etag=True
    ),
    "deleteRuleBook": Right("centre_editor", {"bookId": "spare_rule_book"}, needs_etag=True),
    # the directory
    "createInstitution": Right("centre_administrator", body=lambda w: {**_name(w), "kind": "merchant"}),
    "listInstitutions": Right("administrator"),
    "getInstitution": Right("administrator", INSTITUTION),
    "suspendInstitution": Right("centre_administrator", INSTITUTION, needs_etag=True),
    "resumeInstitution": Right("centre_administrator", INSTITUTION, needs_etag=True),
    "getStore": Right("administrator", STORE),
    "getTerminal": Right("administrator", TERMINAL),
    "getKey": Right("administrator", KEY),
    "createStore": Right("administrator", INSTITUTION, _name),
    "listStores": Right("administrator", INSTITUTION),
    "suspendStore": Right("administrator", STORE, needs_etag=True),
    "resumeStore": Right("administrator", STORE, needs_etag=True),
    "createTerminal": Right("administrator", INSTITUTION, lambda w: {**_name(w), "storeId": w.ids["store"]}),
    "listTerminals": Right("administrator", INSTITUTION),
    "suspendTerminal": Right("administrator", TERMINAL, needs_etag=True),
    "resumeTerminal": Right("administrator", TERMINAL, needs_etag=True),
    "createKey": Right("administrator", INSTITUTION, _key),
    "listKeys": Right("administrator", INSTITUTION),
    "rotateKey": Right("administrator", KEY, lambda _: {"overlapSeconds": 60}, needs_etag=True),
    "suspendKey": Right("administrator", KEY, needs_etag=True),
    "resumeKey": Right("administrator", KEY, needs_etag=True),
    # staff and records
    "createOfficial": Right("administrator", body=_official),
    "listOfficials": Right("administrator"),
    "getOfficial": Right("administrator", OFFICIAL),
    "confirmOfficial": Right("centre_administrator", {"officialId": "enrolled_official"}, needs_etag=True),
    "suspendOfficial": Right("administrator", OFFICIAL, needs_etag=True),
    "resumeOfficial": Right("administrator", OFFICIAL, needs_etag=True),
    "resetOfficial": Right("administrator", OFFICIAL, needs_etag=True),
    "logoutOfficial": Right("editor"),
    "listAuditEntries": Right("centre_auditor"),
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
    # mistakes put right
    "createObjection": Right("citizen", body=lambda _: missing(contactOk=True), needs_key=True),
    "listMyObjections": Right("citizen"),
    "getMyObjection": Right("citizen", {"objectionId": "spare_objection"}),
    "withdrawObjection": Right("citizen", {"objectionId": "spare_objection"}),
    "listObjections": Right("centre_caseworker"),
    "getObjection": Right("centre_caseworker", {"objectionId": "objection"}),
    "askSource": Right("centre_caseworker", {"objectionId": "received_objection"}),
    "answerObjection": Right(
        "centre_caseworker", {"objectionId": "objection"}, lambda _: {"finding": "unknown", "text": "无法核实"}
    ),
    # a city app's points
    "createSourceSecret": Right("administrator", {"sourceCode": "app_source"}, lambda _: {"overlapSeconds": 60}),
    "listPointRules": Right("administrator", {"sourceCode": "app_source"}),
    "setPointRule": Right("centre_administrator", {"sourceCode": "app_source"}, _point_rule),
    "reportPointEvent": Right("partner", body=lambda world: event_of(world.citizen), is_signed=True),
}

# What is outside every world: ids that nobody has.
UNKNOWN = {"purpose": "pos_volunteer", "sourceCode": "no-such-source", "code": "nothing", "version": "2147483647"}
UNKNOWN_ID = "01890000-0000-7000-8000-000000000000"


def make_unknown(operation: Operation) -> dict[str, str]:
    """Return path values of the right form that name nothing."""
    return {name: UNKNOWN.get(name, UNKNOWN_ID) for name in operation.path_parameters}
