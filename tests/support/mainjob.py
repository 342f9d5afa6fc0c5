"""Plays the main job from beginning to end over HTTP, and returns every answer by whom it was given."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any

import msgspec
import pyotp

from tests.support.campaigns import benefit_body, find_live, make_code, make_desk, put_live
from tests.support.citizens import bearer, identity_body, make_id_number, read_tokens
from tests.support.importing import today
from tests.support.officials import OfficialLogin, make_official

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response

    from tests.support.campaigns import Desk
    from tests.support.citizens import Tokens


class Told(msgspec.Struct, frozen=True):
    """One answer: to whom, what was asked, and the answer."""

    to: str
    asked: str
    answer: Response


class Player:
    """A person with a phone, a hospital desk and an importer; every request is remembered with its answer."""

    def __init__(self, client: AsyncClient, *, name: str = "惠小信", id_number: str | None = None) -> None:
        self.client = client
        self.name = name
        self.id_number = id_number or make_id_number()
        self.js_code = f"demo-{secrets.token_hex(12)}"
        self.phone_code = f"demo-phone-{secrets.token_hex(12)}"
        self.told: list[Told] = []
        self.secrets: list[str] = []

    async def ask(
        self, to: str, method: str, path: str, *, status: int | None = None, headers: Any = None, body: Any = None
    ) -> Any:
        """Send one request; return the decoded answer, which must have a status when one is given."""
        answer = await self.client.request(method, path, json=body, headers=headers)
        self.told.append(Told(to, f"{method} {path}", answer))
        assert answer.status_code < 500, answer.text
        if status is not None:
            assert answer.status_code == status, (path, answer.text)
        return answer.json() if answer.headers.get("content-type", "").endswith("json") else answer.text

    async def log_in(self) -> Tokens:
        """Log in with WeChat."""
        body = await self.ask("citizen", "POST", "/v1/auth/wechat", status=200, body={"code": self.js_code})
        self.secrets += [body["accessToken"], body["refreshToken"]]
        return read_tokens(body, self.js_code)

    async def refresh(self, tokens: Tokens) -> Tokens:
        """Exchange the refresh token."""
        sent = {"refreshToken": tokens.refresh}
        body = await self.ask("citizen", "POST", "/v1/auth/refresh", status=200, body=sent)
        self.secrets += [body["accessToken"], body["refreshToken"]]
        return read_tokens(body)

    async def join(self, tokens: Tokens) -> None:
        """Opt in and prove who it is."""
        body = identity_body(name=self.name, id_number=self.id_number, phone_code=self.phone_code)
        await self.ask("citizen", "POST", "/v1/me/identity", status=200, headers=tokens.headers, body=body)

    async def look_around(self, tokens: Tokens) -> None:
        """Read everything of one's own."""
        for path in ("", "/score", "/score/explanation", "/score/changes", "/benefits", "/redemptions", "/access-log",
                     "/consents", "/codes/current.svg"):  # fmt: skip
            await self.ask("citizen", "GET", f"/v1/me{path}", status=200, headers=tokens.headers)

    async def show_code(self, tokens: Tokens) -> str:
        """Show a code."""
        body = await self.ask("citizen", "POST", "/v1/me/codes", status=201, headers=tokens.headers, body={"count": 1})
        text = str(body["codes"][0]["text"])
        self.secrets.append(text)
        return text

    async def sign_in(self, official: OfficialLogin) -> dict[str, str]:
        """Sign an official in and return the headers."""
        code = pyotp.TOTP(official.totp_secret).at(time.time())
        sent = {"username": official.username, "password": official.password, "totp": code}
        body = await self.ask("official themselves", "POST", "/v1/official/login", status=200, body=sent)
        self.secrets.append(body["accessToken"])
        return bearer(body["accessToken"])

    async def import_record(self, headers: dict[str, str], **changes: Any) -> Any:
        """Send a good deed of this person to intake."""
        item = {
            "source": "civil-affairs", "eventId": secrets.token_hex(8), "indicator": "POS_RESCUE", "name": self.name,
            "idNumber": self.id_number, "eventOn": str(today()),
        }  # fmt: skip
        return await self.ask("official", "POST", "/v1/official/records", headers=headers, body=item | changes)


async def make_clinic(client: AsyncClient) -> tuple[Desk, str]:
    """Make a desk where a masked name is shown, with one benefit for everyone; return both."""
    desk = await make_desk(stores=2)
    gift = benefit_body(
        code=make_code(), scenario="medical", eligibility={"type": "everyone"}, withoutScore="照常就诊",
        perCitizen={"count": 5, "period": "day"},
    )  # fmt: skip
    campaign = await put_live(client, desk, gift)
    assert await find_live(campaign["benefits"][0]) is not None
    return desk, str(campaign["benefits"][0]["id"])


async def play(player: Player) -> Tokens:
    """Play the whole of it but leaving: log in, join, a record, a scan, a redemption, its reversal, the reports."""
    desk, benefit_id = await make_clinic(player.client)
    importer = await player.sign_in(await make_official(roles=["importer"]))
    tokens = await player.refresh(await player.log_in())
    await player.join(tokens)
    assert (await player.import_record(importer))["counts"]["accepted"] == 1
    await visit(player, tokens, desk, benefit_id)
    await player.look_around(tokens)
    for path in ("/me", "/events", "/redemptions", f"/statements/{today()}", "/terminals"):
        await player.ask("partner", "GET", f"/v1/partner{path}", status=200, headers=desk.partner.headers)
    auditor = (await make_official(roles=["auditor"])).headers
    await player.ask("official", "GET", "/v1/official/audit?limit=100", status=200, headers=auditor)
    await player.ask("official", "GET", "/v1/official/campaigns", status=200, headers=desk.editor.headers)
    return tokens


async def visit(player: Player, tokens: Tokens, desk: Desk, benefit_id: str) -> None:
    """Scan, look again, redeem, repeat, reverse."""
    partner, terminal_id = desk.partner, str(desk.partner.terminal_ids[0])

    def keyed() -> dict[str, str]:
        return partner.headers | {"Idempotency-Key": secrets.token_hex(12)}

    sent: dict[str, Any] = {"code": await player.show_code(tokens), "terminalId": terminal_id, "scenario": "medical"}
    scanned = await player.ask("partner", "POST", "/v1/partner/scans", status=201, headers=partner.headers, body=sent)
    assert [benefit["id"] for benefit in scanned["benefits"]] == [benefit_id]
    await player.ask("partner", "GET", f"/v1/partner/scans/{scanned['scanId']}", status=200, headers=partner.headers)
    order = {"benefitId": benefit_id, "terminalId": terminal_id, "amountFen": 1000}
    by_scan = order | {"scanId": scanned["scanId"], "reference": secrets.token_hex(8)}
    headers, path = keyed(), "/v1/partner/redemptions"
    first = await player.ask("partner", "POST", path, status=201, headers=headers, body=by_scan)
    assert first == await player.ask("partner", "POST", path, status=201, headers=headers, body=by_scan)
    by_code = order | {"code": await player.show_code(tokens), "reference": secrets.token_hex(8)}
    await player.ask("partner", "POST", path, status=201, headers=keyed(), body=by_code)
    undo = f"{path}/{first['id']}/reverse"
    await player.ask("partner", "POST", undo, status=200, headers=keyed(), body={"reason": "扫错商品"})
