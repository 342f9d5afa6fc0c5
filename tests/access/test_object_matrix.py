"""Every id × every other caller × every method, generated from the OpenAPI: refused, and nothing has moved.

A foreign id and one that nobody has get the same answer. A new route with an id fails here until it is described in
its room's file in ``tests/support/rooms``, a new id in a body or a query until it is described below.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from app.kit.clock import now
from app.kit.db.database import execute, fetch_value
from app.values.roles import Role
from tests.support.campaigns import benefit_body, campaign_body, make_code
from tests.support.citizens import Joined, Tokens, join, log_in
from tests.support.codes import issue_code
from tests.support.description import BY_ID, DESCRIPTION, OPERATIONS, Operation
from tests.support.digests import digest_tables
from tests.support.objecting import wrong
from tests.support.officials import OfficialLogin, make_official
from tests.support.operations import RIGHT, UNKNOWN_ID, headers_for, make_unknown, send
from tests.support.partners import EVERY_SCOPE, bearer, make_key
from tests.support.rooms import ROOMS
from tests.support.world import World, make_world

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response

EVERY_ROLE: tuple[Role, ...] = typing.get_args(Role)
WITH_IDS = [operation for operation in OPERATIONS if operation.path_parameters and operation.caller]
# A day is nobody's: whoever asks for it gets their own. The code of a scenario is the whole city's.
NOBODYS = {"day", "code"}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
REFUSED = {"nobody": {401}, "wrong kind": {401}, "without the right": {403}, "foreign": {403, 404}}


# A refused try at somebody's scan is shown to that citizen: who tried, and that nothing was disclosed. For an operator
# it is noted by the order number of who tried.
TRIES_ARE_LOGGED = frozenset({"access_log", "refused_try"})


async def take_stock() -> object:
    """Return what must not move: every row of every table, and how often anybody was told anything of a citizen."""
    told = await fetch_value("SELECT count(*) FROM access_log WHERE told <> '[]' OR outcome = 'scanned'")
    return await digest_tables(but=TRIES_ARE_LOGGED), told


class Stage(msgspec.Struct, frozen=True):
    """The owner's world, a stranger's just like it, and people who may do nothing or too little."""

    owner: World
    stranger: World
    member: Joined
    newcomer: Tokens
    foreign_official: OfficialLogin
    keys: dict[str, str]
    roles: dict[Role, OfficialLogin]

    def others(self, operation: Operation) -> Iterator[tuple[str, str, dict[str, str]]]:
        """Yield every other caller: how they are placed, who they are, and their headers."""
        kinds = {
            "citizen": self.member.headers,  # who never gave the owner's separate consent
            "partner": self.stranger.partner.headers,
            "official": self.stranger.administrator.headers,
        }
        yield "nobody", "without a token", {}
        for kind, headers in kinds.items():
            yield ("foreign" if kind == operation.caller else "wrong kind"), kind, headers
        if operation.caller == "citizen":
            yield "without the right", "newcomer", self.newcomer.headers
        elif operation.caller == "partner":
            yield "foreign", "key of another store", bearer(self.keys["another store"])
            for scope in set(EVERY_SCOPE) - {operation.described["x-scope"]}:
                yield "without the right", f"key for {scope}", bearer(self.keys[scope])
        else:
            yield "foreign", "editor", self.stranger.editor.headers
            yield "foreign", "every role", self.foreign_official.headers
            for role in set(EVERY_ROLE) - set(operation.roles):
                yield "without the right", role, self.roles[role].headers


@pytest.fixture(scope="module")
async def stage(client: AsyncClient) -> Stage:
    owner, stranger = await make_world(client), await make_world(client)
    institution_id = owner.partner.institution_id
    keys: dict[str, str] = {scope: await make_key(institution_id, scopes=[scope]) for scope in EVERY_SCOPE}
    keys["another store"] = await make_key(institution_id, store_ids=owner.partner.store_ids[1:])
    return Stage(
        owner=owner,
        stranger=stranger,
        member=await join(client),
        newcomer=await log_in(client),
        foreign_official=await make_official(
            roles=list(EVERY_ROLE), institution_id=stranger.partner.institution_id
        ),
        keys=keys,
        roles={role: await make_official(roles=[role]) for role in EVERY_ROLE},
    )  # fmt: skip


def test_every_operation_is_described() -> None:
    assert {(room, name) for room, offered in ROOMS.items() for name in offered.RIGHT} == {
        (operation.room, operation.id) for operation in OPERATIONS
    }, "describe the request of a new operation in the file of its room in tests/support/rooms"
    for operation in OPERATIONS:
        assert set(RIGHT[operation.id].ids) == set(operation.path_parameters), operation.path
        assert (RIGHT[operation.id].body is not None) == (operation.body is not None), operation.id


@pytest.mark.parametrize("operation", WITH_IDS, ids=lambda operation: f"{operation.method} {operation.path}")
async def test_an_id_is_of_no_use_to_anybody_else(client: AsyncClient, stage: Stage, operation: Operation) -> None:
    is_object = not set(operation.path_parameters) <= NOBODYS
    before = await take_stock()
    for place, who, headers in stage.others(operation):
        if place == "foreign" and not is_object:
            continue
        answer = await send(client, operation, stage.owner, headers)
        assert answer.status_code in REFUSED[place], (who, answer.text)
        unknown = await send(client, operation, stage.owner, headers, ids=unknown_ids(operation))
        assert comparable(answer) == comparable(unknown), who
    assert await take_stock() == before


@pytest.mark.parametrize(
    "operation",
    [operation for operation in WITH_IDS if len(operation.path_parameters) > 1],
    ids=lambda operation: f"{operation.method} {operation.path}",
)
async def test_an_id_does_not_become_ones_own_below_ones_own(
    client: AsyncClient, stage: Stage, operation: Operation
) -> None:
    """The stranger's own institution in the path and the owner's thing below it, or the other way round."""
    ids = RIGHT[operation.id].ids
    own, theirs = ({name: world.ids[place] for name, place in ids.items()} for world in (stage.stranger, stage.owner))
    first, *rest = operation.path_parameters
    before = await take_stock()
    headers = stage.stranger.administrator.headers
    for crossed in ({**theirs, first: own[first]}, {**own, first: theirs[first]}):
        answer = await send(client, operation, stage.stranger, headers, ids=crossed)
        assert answer.status_code == 404, answer.text
        unknown = await send(client, operation, stage.stranger, headers, ids=crossed | dict.fromkeys(rest, UNKNOWN_ID))
        assert comparable(answer) == comparable(unknown)
    assert await take_stock() == before


@pytest.mark.parametrize("path", sorted({operation.path for operation in WITH_IDS}))
async def test_a_method_that_is_not_there_does_nothing(client: AsyncClient, stage: Stage, path: str) -> None:
    there = [operation for operation in OPERATIONS if operation.path == path]
    before = await take_stock()
    for method in set(METHODS) - {operation.method for operation in there}:
        headers = [headers for _, _, headers in stage.others(there[0])]
        rightful = RIGHT[there[0].id].who
        for caller in [*headers, stage.owner.headers_of(rightful or "")]:
            answer = await send(client, there[0], stage.owner, caller, method=method)
            assert answer.status_code == 405, (method, answer.text)
    assert await take_stock() == before


LISTS = [operation for operation in OPERATIONS if operation.method == "GET" and operation.caller and not
         (set(operation.path_parameters) - NOBODYS)]  # fmt: skip
# What the city publishes, and what the stranger has too.
PUBLISHED = {
    "institution", "live_campaign", "benefit", "spare_benefit", "consent", "day", "rule_book_code", "rule_book_version",
    "scenario",
}  # fmt: skip
NOT_SECRET = {"day", "consent", "rule_book_code", "rule_book_version", "scenario"}
# The feed is one per institution: a key of another store of the same institution reads the whole of it.
WHOLE_INSTITUTION = {"listPartnerEvents"}


@pytest.mark.parametrize("operation", LISTS, ids=lambda operation: operation.id)
async def test_no_list_holds_what_is_somebody_elses(client: AsyncClient, stage: Stage, operation: Operation) -> None:
    ids = stage.owner.ids
    for place, who, headers in stage.others(operation):
        if place != "foreign":
            continue
        answer = await send(client, operation, stage.stranger, headers)
        hidden = set(ids) - (NOT_SECRET if operation.caller == "official" else PUBLISHED)
        if who == "key of another store":
            hidden = set() if operation.id in WHOLE_INSTITUTION else {"store", "terminal", "scan", "redemption"}
        assert answer.status_code in {200, 403}, answer.text
        assert {name for name in hidden if ids[name] in answer.text} == set(), who


async def test_a_statement_totals_only_ones_own(client: AsyncClient, stage: Stage) -> None:
    operation = BY_ID["readStatement"]
    counts = [
        (await send(client, operation, stage.owner, headers)).json()["count"]
        for headers in (stage.owner.partner.headers, bearer(stage.keys["another store"]))
    ]
    assert counts == [1, 0]
    assert (await send(client, operation, stage.stranger, stage.stranger.partner.headers)).json()["count"] == 1


# Ids in bodies and queries: the stranger does what is theirs to do, with one id of the owner's in it.


def _campaign_at(store: str) -> dict[str, Any]:
    return campaign_body(benefit_body(code=make_code(), eligibility={"type": "everyone"}, stores=[store]))


def _redemption_with(world: World, **changes: str) -> dict[str, Any]:
    body: dict[str, Any] = RIGHT["redeemBenefit"].body(world)  # type: ignore[misc]
    return body | changes


class Foreign(msgspec.Struct, frozen=True):
    """Where the owner's id goes: who sends it, which id it is, the body or query around it, and the refusal."""

    who: str
    name: str
    body: Callable[[World, str], Any]
    status: int = 404


IDS_WITHIN: dict[tuple[str, str], Foreign] = {
    ("scanCode", "/terminalId"): Foreign("partner", "terminal", lambda w, _id: {"code": w.ids["code"],
                                                                              "terminalId": _id}),
    ("redeemBenefit", "/benefitId"): Foreign(
        "partner", "benefit", lambda w, _id: _redemption_with(w, benefitId=_id)
    ),
    ("redeemBenefit", "/terminalId"): Foreign(
        "partner", "terminal", lambda w, _id: _redemption_with(w, terminalId=_id)
    ),
    ("redeemBenefit", "/scanId"): Foreign("partner", "scan", lambda w, _id: _redemption_with(w, scanId=_id)),
    ("createTerminal", "/storeId"): Foreign(
        "administrator", "store", lambda _, _id: {"name": make_code(), "storeId": _id}
    ),
    ("createKey", "/storeIds/*"): Foreign(
        "administrator", "store", lambda w, _id: RIGHT["createKey"].body(w) | {"storeIds": [_id]}  # type: ignore[misc]
    ),
    ("createOfficial", "/institutionId"): Foreign(
        "administrator", "institution",
        lambda _, _id: {"username": "foreign-editor", "roles": ["editor"], "institutionId": _id},
    ),
    ("draftCampaign", "/institutionId"): Foreign(
        "editor", "institution", lambda _, _id: campaign_body(institutionId=_id)
    ),
    ("draftCampaign", "/benefits/*/stores/*"): Foreign("editor", "store", lambda _, _id: _campaign_at(_id), 422),
    ("checkCampaign", "/institutionId"): Foreign(
        "editor", "institution", lambda _, _id: campaign_body(institutionId=_id)
    ),
    ("checkCampaign", "/benefits/*/stores/*"): Foreign("editor", "store", lambda _, _id: _campaign_at(_id), 200),
    ("editCampaign", "/institutionId"): Foreign(
        "editor", "institution", lambda _, _id: campaign_body(institutionId=_id), 422
    ),
    ("editCampaign", "/benefits/*/stores/*"): Foreign("editor", "store", lambda _, _id: _campaign_at(_id), 422),
    ("draftRuleBook", "/copyFrom"): Foreign("editor", "draft_rule_book", lambda _, _id: {"copyFrom": _id}, 403),
    ("registerSource", "/institutionId"): Foreign(
        "administrator", "institution", lambda w, _id: RIGHT["registerSource"].body(w) | {"institutionId": _id},  # type: ignore[misc]
        403,
    ),
    ("changeSource", "/institutionId"): Foreign(
        "administrator", "institution", lambda w, _id: RIGHT["changeSource"].body(w) | {"institutionId": _id},  # type: ignore[misc]
        403,
    ),
    ("createObjection", "/recordId"): Foreign("citizen", "record", lambda _, _id: wrong(_id)),
    ("listTerminals", "?storeId"): Foreign("administrator", "store", lambda _, _id: {"storeId": _id}, 200),
}  # fmt: skip


def find_ids(schema: dict[str, Any], place: str = "") -> Iterator[str]:
    """Yield the places of a body that hold a UUID."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name.endswith(("AllOf", "AnyOf")):  # eligibility nests itself and names codes only
            return
        yield from find_ids(DESCRIPTION["components"]["schemas"][name], place)
    if schema.get("format") == "uuid":
        yield place
    for key in ("oneOf", "anyOf", "allOf"):
        for one in schema.get(key, []):
            yield from find_ids(one, place)
    for name, one in schema.get("properties", {}).items():
        yield from find_ids(one, f"{place}/{name}")
    if isinstance(schema.get("items"), dict):
        yield from find_ids(schema["items"], f"{place}/*")


def test_every_id_within_a_request_is_described() -> None:
    found = {(operation.id, place) for operation in OPERATIONS if operation.body for place in find_ids(operation.body)}
    for operation in OPERATIONS:
        for parameter in operation.described.get("parameters", []):
            if parameter["in"] == "query" and "uuid" in str(parameter["schema"]):
                found.add((operation.id, f"?{parameter['name']}"))
    assert set(IDS_WITHIN) == found, "describe the new id in IDS_WITHIN"


@pytest.mark.parametrize("place", IDS_WITHIN, ids=" ".join)
async def test_an_id_within_a_request_is_of_no_use_to_anybody_else(
    client: AsyncClient, stage: Stage, place: tuple[str, str]
) -> None:
    operation, foreign = BY_ID[place[0]], IDS_WITHIN[place]
    stage.stranger.ids["code"] = await issue_code(client, stage.stranger.citizen)
    headers, path = stage.stranger.headers_of(foreign.who), path_for(operation, stage.stranger)
    before = await take_stock()
    answers = []
    for identifier in (stage.owner.ids[foreign.name], UNKNOWN_ID):
        told = foreign.body(stage.stranger, identifier)
        answers.append(
            await client.request(
                operation.method,
                path,
                params=told if operation.method == "GET" else None,
                json=None if operation.method == "GET" else told,
                headers=headers | await headers_for(client, operation, stage.stranger),
            )
        )
    assert [answer.status_code for answer in answers] == [foreign.status] * 2, answers[0].text
    assert comparable(answers[0]) == comparable(answers[1])
    assert await take_stock() == before


async def test_a_key_of_one_store_is_of_no_use_at_the_next(client: AsyncClient, stage: Stage) -> None:
    """Neither the terminal at its institution's other store nor a scan made there, be it with a terminal of its own."""
    owner, headers = stage.owner, bearer(stage.keys["another store"])
    code = await issue_code(client, owner.citizen)
    before = await take_stock()
    orders = [
        _redemption_with(owner),
        _redemption_with(owner, terminalId=owner.ids["spare_terminal"]),
    ]
    answers = [
        await client.post(
            "/v1/partner/scans", json={"code": code, "terminalId": owner.ids["terminal"]}, headers=headers
        ),
        *[
            await client.post("/v1/partner/redemptions", json=order, headers=headers | RIGHT["redeemBenefit"].headers())
            for order in orders
        ],
    ]
    assert [answer.status_code for answer in answers] == [404] * 3
    assert await take_stock() == before


def path_for(operation: Operation, world: World) -> str:
    """Return an operation's path within a world."""
    return operation.path.format(**{name: world.ids[place] for name, place in RIGHT[operation.id].ids.items()})


def unknown_ids(operation: Operation) -> dict[str, str]:
    """Return path values that name nothing, and the day as it is."""
    return make_unknown(operation) | ({"day": str(now().date())} if "day" in operation.path_parameters else {})


def comparable(answer: Response) -> Any:
    """Return all of an answer that could tell one id from another; an id of the request itself cannot."""
    body = msgspec.json.decode(re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "an-id", answer.text))
    body.pop("traceId", None)  # which differs from request to request by design
    return answer.status_code, body, sorted(answer.headers)


async def test_the_owner_may_do_all_of_it(client: AsyncClient, stage: Stage) -> None:
    """The requests refused above are good ones: in this order each succeeds for whom it belongs to."""
    for name, right in RIGHT.items():
        operation = BY_ID[name]
        if not operation.path_parameters or right.who is None:
            continue
        answer = await send(client, operation, stage.owner, stage.owner.headers_of(right.who) if right.who else {})
        assert 200 <= answer.status_code < 300, (name, answer.text)
    await execute("UPDATE institution SET state = 'active' WHERE id = $1", stage.owner.partner.institution_id)
