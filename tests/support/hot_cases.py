"""For each hot operation: right requests, what may be wrong with one of its own, and where it can be made to fail."""

from __future__ import annotations

import itertools
import json
import secrets
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from httpx2 import AsyncClient

from app.citizen.actions import account as account_actions
from app.credit_code import actions as credit_code_actions
from app.kit.clock import now
from app.kit.db.cache import bump
from app.kit.db.database import execute, transaction
from app.partner.actions import caller as caller_actions
from app.redemption.till.actions import redeem as redeem_actions
from app.redemption.till.actions import scan as scan_actions
from app.score.current.actions import read as read_actions
from app.values.roles import Scope
from tests.support.both_ways import Asked
from tests.support.citizens import log_in
from tests.support.odd import BROKEN, NOBODY, Change, as_, body, both, header, lacking
from tests.support.partners import Partner, bearer, make_key, make_partner, refresh_directory
from tests.support.redeeming import Shopper, make_benefit, make_shopper, scan, show_code

SHOPPERS = 101  # in turns, each with another salt than the last time: thousands of codes before one comes again


class Town(NamedTuple):
    """Who asks, and for what."""

    client: AsyncClient
    shoppers: Iterator[Shopper]  # each shows a code
    phones: Iterator[Shopper]
    partner: Partner
    benefit: str


async def make_town(client: AsyncClient) -> Town:
    """Make a till with a benefit, and those who show it their codes."""
    partner = await make_partner(stores=2)
    shoppers = [await make_shopper() for _ in range(SHOPPERS)]
    return Town(
        client, itertools.cycle(shoppers), itertools.cycle(shoppers), partner, str(await make_benefit(partner))
    )  # fmt: skip


# A right request for each hot operation, another one for each try, and where what it does can be made to fail.


def ask_as(caller: dict[str, str], method: str, path: str, content: object = None) -> Asked:
    """Return a request as a till or a phone sends it."""
    asked = Asked(method, path, ((b"host", b"huixin.test"),)).having(("authorization", caller["Authorization"]))
    if content is None:
        return asked
    sent = json.dumps(content).encode()
    return asked.having(("content-type", "application/json"), ("content-length", str(len(sent)))).saying(sent)


async def ask_score(town: Town) -> Asked:
    return ask_as(next(town.phones).headers, "GET", "/v1/me/score")


async def ask_codes(town: Town) -> Asked:
    return ask_as(next(town.phones).headers, "POST", "/v1/me/codes", {"count": 2})


async def ask_scan(town: Town, **fields: Any) -> Asked:
    right = {"code": show_code(next(town.shoppers)), "terminalId": str(town.partner.terminal_ids[0])}
    return ask_as(town.partner.headers, "POST", "/v1/partner/scans", right | fields)


async def ask_redeem(town: Town, **fields: Any) -> Asked:
    right = {
        "code": show_code(next(town.shoppers)), "terminalId": str(town.partner.terminal_ids[0]),
        "benefitId": town.benefit, "reference": str(uuid4()), "amountFen": 12345,
    }  # fmt: skip
    asked = ask_as(town.partner.headers, "POST", "/v1/partner/redemptions", right | fields)
    return asked.having(("idempotency-key", secrets.token_hex(12)))


# Cases of an operation's own: what makes a request, for each way anew, and the code of its refusal; None: it is done.

Maker = Callable[[Town], Awaitable[Asked]]
Cases = dict[str, tuple[str | None, Maker]]


def changed(make: Maker, *changes: Change) -> Maker:
    async def change(town: Town) -> Asked:
        return both(*changes)(await make(town))

    return change


def speaking(asked: Asked, caller: dict[str, str]) -> Asked:
    return header(("authorization", caller["Authorization"]))(asked)


def by_citizen(make: Maker, *statements: str) -> Maker:
    async def ask(town: Town) -> Asked:
        shopper = await make_shopper()
        for statement in statements:
            await execute(statement, shopper.id)
        return speaking(await make(town), shopper.headers)

    return ask


def by_newcomer(make: Maker) -> Maker:
    async def ask(town: Town) -> Asked:
        return speaking(await make(town), (await log_in(town.client)).headers)

    return ask


def by_key(make: Maker, *scopes: Scope, store: int | None = None) -> Maker:
    async def ask(town: Town) -> Asked:
        stores = None if store is None else [town.partner.store_ids[store]]
        key = await make_key(town.partner.institution_id, scopes=scopes, store_ids=stores)
        return speaking(await make(town), bearer(key))

    return ask


def of_citizens(make: Maker) -> Cases:
    """Return what may be wrong with a citizen who calls."""
    return {
        "a member": (None, by_citizen(make)),
        "logged out": (
            "unauthenticated",
            by_citizen(
                make, "UPDATE citizen_session SET revoked_at = now(), revoked_because = 'x' WHERE citizen_id = $1"
            ),
        ),
        "frozen": ("unauthenticated", by_citizen(make, "UPDATE citizen SET state = 'frozen' WHERE id = $1")),
        "new": ("not_joined", by_newcomer(make)),
        "a till": ("unauthenticated", lambda town: as_other(make, town, town.partner.headers)),
    }


async def as_other(make: Maker, town: Town, caller: dict[str, str]) -> Asked:
    return speaking(await make(town), caller)


def of_tills(ask: Callable[..., Awaitable[Asked]], right: Scope, wrong: Scope) -> Cases:
    """Return what may be wrong with a till that calls, and with the code it scanned."""

    async def elsewhere(town: Town) -> Asked:
        return await ask(town, terminalId=str((await make_partner()).terminal_ids[0]))

    async def suspended(town: Town) -> Asked:
        partner = await make_partner()
        await execute("UPDATE terminal SET state = 'suspended' WHERE id = $1", partner.terminal_ids[0])
        async with transaction():
            await bump("directory")
        await refresh_directory()
        return speaking(await ask(town, terminalId=str(partner.terminal_ids[0])), partner.headers)

    async def used(town: Town) -> Asked:
        code = show_code(next(town.shoppers))
        await scan(town.client, town.partner, code, terminal=1)
        return await ask(town, code=code)

    async def expired(town: Town) -> Asked:
        return await ask(town, code=show_code(next(town.shoppers), slots_ago=5))

    return {
        "a key of its store": (None, by_key(ask, right, store=0)),
        "a key of another store": ("not_found", by_key(ask, right, store=1)),
        "a key for other things": ("forbidden", by_key(ask, wrong)),
        "a key for other things, broken": ("forbidden", changed(by_key(ask, wrong), BROKEN)),
        "a citizen": ("unauthenticated", lambda town: as_other(ask, town, next(town.phones).headers)),
        "no body": ("invalid_request", changed(ask, body())),
        "no body, nobody": ("unauthenticated", changed(ask, body(), NOBODY)),
        "an empty body": ("invalid_request", changed(ask, body(b"{}"))),
        "another's terminal": ("not_found", elsewhere),
        "a suspended terminal": ("terminal_suspended", suspended),
        "a used code": ("credit_code_used", used),
        "an old code": ("credit_code_expired", expired),
        "no code": ("credit_code_invalid", lambda town: ask(town, code="96" + "0" * 20)),
    }


async def redeem_first(town: Town, **fields: Any) -> tuple[Asked, dict[str, Any]]:
    """Redeem once, and return what was asked for with the body of it."""
    asked = await ask_redeem(town, **fields)
    answer = await town.client.request(
        asked.method, asked.path, content=asked.pieces[0],
        headers={name.decode(): value.decode() for name, value in asked.headers if name != b"host"},
    )  # fmt: skip
    assert answer.status_code == 201, answer.text
    return asked, json.loads(asked.pieces[0])


async def repeated(town: Town) -> Asked:
    return (await redeem_first(town))[0]


async def key_reused(town: Town) -> Asked:
    asked, sent = await redeem_first(town)
    return asked.saying(json.dumps(sent | {"amountFen": 1}).encode())


async def reference_taken(town: Town) -> Asked:
    _, sent = await redeem_first(town)
    return await ask_redeem(town, reference=sent["reference"])


async def redeemed_twice(town: Town) -> Asked:
    _, sent = await redeem_first(town)
    return await ask_redeem(town, code=sent["code"])


async def last_one_gone(town: Town) -> Asked:
    benefit = str(await make_benefit(town.partner, stock=1))
    await redeem_first(town, benefitId=benefit)
    return await ask_redeem(town, benefitId=benefit)


async def cap_reached(town: Town) -> Asked:
    benefit = str(await make_benefit(town.partner, perCitizen={"count": 1, "period": "day"}))
    shopper = next(town.shoppers)
    await redeem_first(town, benefitId=benefit, code=show_code(shopper))
    return await ask_redeem(town, benefitId=benefit, code=show_code(shopper))


def of_benefit(**about: Any) -> Maker:
    async def ask(town: Town) -> Asked:
        return await ask_redeem(town, benefitId=str(await make_benefit(town.partner, **about)))

    return ask


def by_scan(*statements: str) -> Maker:
    async def ask(town: Town) -> Asked:
        scanned = (await scan(town.client, town.partner, show_code(next(town.shoppers)))).json()
        for statement in statements:
            await execute(statement, UUID(scanned["scanId"]))
        return await ask_redeem(town, code=None, scanId=scanned["scanId"])

    return ask


def with_key(size: int) -> Change:
    return lambda asked: asked.lacking("idempotency-key").having(("idempotency-key", secrets.token_hex(32)[:size]))


OWN: dict[str, Cases] = {
    "getScore": of_citizens(ask_score)
    | {
         "a post": ("method_not_allowed", changed(ask_score, as_("POST"))),
        "no score": ("no_score", by_citizen(ask_score, "DELETE FROM score_snapshot WHERE citizen_id = $1"))},
    "issueCodes": of_citizens(ask_codes)
    | {
        "no body": (None, changed(ask_codes, body(), lacking("content-type"))),
        "no body, of a strange type": (None, changed(ask_codes, body(), header(("content-type", "text/plain")))),
        "no body, nobody": ("unauthenticated", changed(ask_codes, body(), NOBODY)),
        "an empty body": (None, changed(ask_codes, body(b"{}"))),
        "a read": ("method_not_allowed", changed(ask_codes, as_("GET"))),
        "too many": ("invalid_request", changed(ask_codes, body(b'{"count":4}'))),
        "a broken body of a newcomer": ("malformed_request", changed(by_newcomer(ask_codes), BROKEN)),
    },
    "scanCode": of_tills(ask_scan, "scan", "redeem")
    | {
        "a read": ("method_not_allowed", changed(ask_scan, as_("GET"))),
        "for a purpose": (None, lambda town: ask_scan(town, scenario="garage")),
        "for nothing": (None, lambda town: ask_scan(town, scenario="leisure")),
        "for nothing, in English": (
            None, changed(lambda town: ask_scan(town, scenario="leisure"), header(("accept-language", "en"))),
        ),
    },
    "redeemBenefit": of_tills(ask_redeem, "redeem", "scan")
    | {
        **{f"key {key!r}": ("idempotency_key_invalid", changed(ask_redeem, header(("idempotency-key", key))))
           for key in (b"", b"x" * 15, b"x" * 65, b"x" * 15 + b" y", b"\xe4" * 20)},
        **{f"a key of {size}": (None, changed(ask_redeem, with_key(size))) for size in (16, 64)},
        "no key": ("idempotency_key_invalid", changed(ask_redeem, lacking("idempotency-key"))),
        "no key, nobody": ("unauthenticated", changed(ask_redeem, lacking("idempotency-key"), NOBODY)),
        "no key, broken": ("malformed_request", changed(ask_redeem, lacking("idempotency-key"), BROKEN)),
        "a code and a scan": ("invalid_request", lambda town: ask_redeem(town, scanId=str(uuid4()))),
        "neither": ("invalid_request", lambda town: ask_redeem(town, code=None)),
        "by scan": (None, by_scan()),
        "by an old scan": ("scan_expired", by_scan("UPDATE scan SET expires_at = scanned_at WHERE id = $1")),
        "by no scan": ("not_found", lambda town: ask_redeem(town, code=None, scanId=str(uuid4()))),
        "again": (None, repeated),
        "a key again": ("idempotency_key_reused", key_reused),
        "a reference again": ("reference_taken", reference_taken),
        "twice": ("already_redeemed", redeemed_twice),
        "the last one gone": ("stock_gone", last_one_gone),
        "more than allowed": ("cap_reached", cap_reached),
        "an unknown benefit": ("benefit_not_found", lambda town: ask_redeem(town, benefitId=str(uuid4()))),
        "a benefit that has not begun": ("benefit_not_active", of_benefit(startsAt=now() + timedelta(days=1))),
        "a benefit for others": ("not_eligible", of_benefit(eligibility={"type": "scoreAtLeast", "value": 900})),
    },
}  # fmt: skip
RIGHT: dict[str, Maker] = {
    "getScore": ask_score, "issueCodes": ask_codes, "scanCode": ask_scan, "redeemBenefit": ask_redeem,
}  # fmt: skip
for operation, ask_right in RIGHT.items():
    OWN[operation] |= {
        "HEAD": (None, changed(ask_right, as_("HEAD"))),  # does not say why it is refused
    }  # fmt: skip
# Where what an operation does, and who calls, can be made to fail.
Places = dict[str, tuple[object, str]]
DOING: Places = {
    "getScore": (read_actions, "read_own_score"),
    "issueCodes": (credit_code_actions, "issue_codes"),
    "scanCode": (scan_actions, "scan"),
    "redeemBenefit": (redeem_actions, "redeem"),
}
CALLING: Places = {
    "getScore": (read_actions, "authenticate_scored"),
    "issueCodes": (account_actions, "authenticate"),
    "scanCode": (caller_actions, "authenticate"),
    "redeemBenefit": (caller_actions, "authenticate"),
}
# Only an accident makes these, or a load.
ACCIDENTS = {"catalogue_stale", "internal_error", "outcome_unknown", "overloaded", "rate_limited", "unavailable"}
