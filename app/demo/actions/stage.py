"""What the people of the tour do: log in, join, show a code; and what tills and importers do, each over HTTP."""

from __future__ import annotations

import secrets
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
import pyotp

from app.demo.actions.guide import TourFailed
from app.demo.clients import call
from app.kit.clock import now
from app.town.people.names import compute_visitor_number
from app.town.places.places import TOUR_IMPORTER, find_place
from app.values.days import shanghai_day

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from httpx2 import AsyncClient

    from app.demo.actions.guide import Guide
    from app.demo.cast import Role
    from app.demo.clients import Answer
    from app.town.places.actions.places import MadeOfficial
    from app.town.shown import City

SCAN_FIELDS = {
    "scanId", "expiresIn", "expiresAt", "benefits", "message", "maskedName",
    "benefits.id", "benefits.code", "benefits.title", "benefits.kind", "benefits.grant",
}  # fmt: skip


class Member(msgspec.Struct, kw_only=True):
    """Somebody with a phone: who they are, their token, and the codes their phone has shown."""

    role: Role
    id_number: str
    token: str
    shown: set[str]


class Till(msgspec.Struct, frozen=True):
    """A terminal and the key its institution speaks with."""

    name: str
    api_key: str
    terminal_id: UUID


class Tour(msgspec.Struct, kw_only=True):
    """Everything the scenes share; ``run`` marks what this run makes."""

    http: AsyncClient
    guide: Guide
    city: City
    run: str
    officials: dict[str, str]
    consents: list[dict[str, object]]
    members: dict[str, Member]
    campaign_id: str = ""
    campaign_benefits: list[str] = []

    def member(self, role: Role) -> Member:
        """Return who plays a role."""
        return self.members[role.name]

    def benefit_id(self, code: str) -> str:
        """Return the id of a benefit of the city."""
        return str(next(benefit.id for benefit in self.city.benefits if benefit.code == code))


async def sign_in_officials(http: AsyncClient, guide: Guide, officials: Mapping[str, MadeOfficial]) -> dict[str, str]:
    """Sign the tour's officials in with password and TOTP code, and return their tokens by username."""
    tokens: dict[str, str] = {}
    for username, made in officials.items():
        body = {"username": username, "password": made.password, "totp": pyotp.TOTP(made.totp_secret).now()}
        tokens[username] = guide.need(await call(http, "POST", "/v1/official/login", body=body), 200)["accessToken"]
    return tokens


async def meet(tour: Tour, role: Role) -> Member:
    """Log in as somebody nobody has seen before: an account without an identity."""
    body = {"code": f"demo-visitor-{_tag(tour, role)}"}
    answer = tour.guide.need(await call(tour.http, "POST", "/v1/auth/wechat", body=body), 200)
    if answer["citizen"]["state"] != "new":
        raise TourFailed("初次登录应是新账户", "a first login opens a new account", answer["citizen"])
    number = compute_visitor_number(Random(secrets.token_bytes(16)), role.born_on)
    return Member(role=role, id_number=number, token=answer["accessToken"], shown=set())


async def join(tour: Tour, role: Role) -> Member:
    """Log in and prove who one is."""
    member = await meet(tour, role)
    tour.guide.need(await prove(tour, member), 200)
    return member


async def prove(tour: Tour, member: Member, *, name: str | None = None) -> Answer:
    """Send name, ID number, phone and the required consents."""
    body = {
        "name": name or member.role.name,
        "idNumber": member.id_number,
        "phoneCode": f"demo-phone-{_tag(tour, member.role)}",
        "consents": tour.consents,
    }
    return await call(tour.http, "POST", "/v1/me/identity", bearer=member.token, body=body)


async def read(tour: Tour, member: Member, path: str) -> Any:
    """Read something of one's own."""
    return tour.guide.need(await call(tour.http, "GET", path, bearer=member.token), 200)


async def show_code(tour: Tour, member: Member) -> str:
    """Show a code this phone has not shown yet: one code is for one store."""
    while True:
        answer = await call(tour.http, "POST", "/v1/me/codes", bearer=member.token, body={"count": 1})
        text: str = tour.guide.need(answer, 201)["codes"][0]["text"]
        if text not in member.shown:  # the tour kills a worker, and a new one does not know its salts
            member.shown.add(text)
            return text


async def report(tour: Tour, member: Member, facts: Sequence[Mapping[str, Any]], *, event: str = "") -> list[Any]:
    """Let the importer report facts about somebody, each as a new event unless one is named; return the outcomes."""
    today = str(shanghai_day(now()))
    items = [
        {
            "eventId": event or f"tour-{secrets.token_hex(8)}",
            "idNumber": member.id_number,
            "name": member.role.name,
            "eventOn": today,
            **fact,
        }
        for fact in facts
    ]
    token = tour.officials[TOUR_IMPORTER.username]
    answer = await call(tour.http, "POST", "/v1/official/records", bearer=token, body=items)
    outcomes: list[Any] = tour.guide.need(answer, 200)["items"]
    return outcomes


async def find_tills(tour: Tour, slug: str, store: str | None = None) -> list[Till]:
    """Return the terminals of an institution, or of one of its stores, as its own key sees them."""
    place = find_place(slug)
    key = next(partner.api_key for partner in tour.city.partners if partner.institution == place.name)
    tills: list[Till] = []
    path = "/v1/partner/terminals?limit=100"
    while path:
        body = tour.guide.need(await call(tour.http, "GET", path, bearer=key), 200)
        tills += [
            Till(f"{place.name}{row['storeName']}", key, UUID(row["id"]))
            for row in body["data"]
            if store in (None, row["storeName"])
        ]
        more = body["page"]["hasMore"]
        path = f"/v1/partner/terminals?limit=100&cursor={body['page']['nextCursor']}" if more else ""
    return tills


async def scan(tour: Tour, till: Till, code: str) -> Any:
    """Scan a code; any other field in the answer is an error, for it might be about the person."""
    body = {"code": code, "terminalId": till.terminal_id}
    answer = tour.guide.need(await call(tour.http, "POST", "/v1/partner/scans", bearer=till.api_key, body=body), 201)
    fields = {*answer, *(f"benefits.{key}" for offer in answer["benefits"] for key in offer)}
    if not fields <= SCAN_FIELDS:
        raise TourFailed("扫码结果不得多说", "a scan tells nothing more", sorted(fields - SCAN_FIELDS))
    return answer


async def redeem(
    tour: Tour, till: Till, benefit_id: str, *, scan_id: str | None = None, code: str | None = None, amount_fen: int = 0
) -> Answer:
    """Redeem a benefit under a key and a reference of its own."""
    body: dict[str, object] = {
        "benefitId": benefit_id,
        "terminalId": till.terminal_id,
        "reference": make_reference(tour),
    }
    body |= {"scanId": scan_id} if scan_id else {"code": code}
    if amount_fen:
        body["amountFen"] = amount_fen
    key = secrets.token_hex(16)
    return await call(tour.http, "POST", "/v1/partner/redemptions", bearer=till.api_key, body=body, key=key)


def _tag(tour: Tour, role: Role) -> str:
    return f"{tour.run}-{role.en.replace(' ', '-').lower()}"


def make_reference(tour: Tour) -> str:
    """Return an order number the till has not used."""
    return f"T{tour.run}-{secrets.token_hex(6)}"
