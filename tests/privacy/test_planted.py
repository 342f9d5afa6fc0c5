"""Planted values: what a person says of themselves, and what must stay secret, turns up nowhere it should not."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import asyncpg
import msgspec
import pytest

from app.citizen.actions import identity as identity_actions
from app.kit.clock import now
from app.sandbox.answers import CREDENTIALS, compute_openid, compute_phone
from tests.support.citizens import identity_body, log_in
from tests.support.mainjob import Player, Told, make_clinic, play
from tests.support.officials import ENROLMENTS, PASSWORD, code_of, make_official
from tests.support.planting import LogBook, dump_tables, find_in, log_everything

if TYPE_CHECKING:
    from httpx2 import AsyncClient

    from tests.support.citizens import Tokens

NAME = "诸葛栖霞鹤"  # who else is called that
MASKED = "诸葛***"
# Where the twenty digits under a code's prefix lie for seven days, and nowhere else (credit code, "Life").
CODES_LIE_IN = {"scan"}


class Played(msgspec.Struct, frozen=True):
    """What was planted, and everything that was said and stored."""

    player: Player
    planted: dict[str, str]
    book: LogBook
    dump_before_leaving: dict[str, str]
    dump: dict[str, str]

    def answers(self, *readers: str) -> str:
        """Return all answers to some readers, with their headers."""
        told = [one.answer for one in self.player.told if one.to in readers]
        return "\n".join(f"{answer.headers} {answer.text}" for answer in told)


def plant(player: Player) -> dict[str, str]:
    """Return by name what this person and those who serve them would rather keep."""
    openid, phone = compute_openid(player.js_code), compute_phone(player.phone_code)
    window = int(time.time()) // 7200  # the sandbox gives one access token every two hours
    assert openid is not None
    assert phone is not None
    session_key = base64.b64encode(hashlib.sha256(f"session {openid}".encode()).digest()[:16]).decode()
    return {
        "name": player.name,
        "given name": player.name[2:],
        "ID number": player.id_number,
        "phone number": phone.number,
        "openid": openid,
        "login code": player.js_code,
        "phone code": player.phone_code,
        "session key": session_key,
        "WeChat secret": CREDENTIALS.app_secret,
        "identity secret": CREDENTIALS.secret_key,
        "WeChat access token": hashlib.sha256(f"{CREDENTIALS.app_secret} {window}".encode()).hexdigest(),
        "staff password": PASSWORD,
    }


@pytest.fixture(scope="module")
async def played(client: AsyncClient) -> Played:
    player = Player(client, name=NAME)
    planted = plant(player)
    with log_everything() as book, pytest.MonkeyPatch.context() as patch:
        tokens = await play(player)
        await be_wrong(player, tokens)
        await provoke_errors(player, patch)
        planted |= await make_staff_secrets(player)
        dump_before_leaving = await dump_tables()
        await player.ask("citizen", "DELETE", "/v1/me", status=204, headers=tokens.headers)
        dump = await dump_tables()
    planted |= {f"secret {number}": secret for number, secret in enumerate(player.secrets)}
    return Played(player, planted, book, dump_before_leaving, dump)


async def be_wrong(player: Player, tokens: Tokens) -> None:
    """Send personal things in wrong places and to wrong people."""
    await _join_wrongly(player)
    await _import_wrongly(player)
    desk, benefit_id = await make_clinic(player.client)
    elsewhere, _ = await make_clinic(player.client)
    code = await player.show_code(tokens)
    for partner in (desk.partner, elsewhere.partner):
        headers = partner.headers | {"Idempotency-Key": secrets.token_hex(8)}
        sent = {"code": code, "terminalId": str(partner.terminal_ids[0])}
        await player.ask("partner", "POST", "/v1/partner/scans", headers=headers, body=sent)
        order = sent | {"benefitId": benefit_id, "reference": secrets.token_hex(8)}
        for changes in ({"amountFen": "1"}, {"amountFen": 1}, {"amountFen": 2}, {"scanId": order["benefitId"]}):
            await player.ask("partner", "POST", "/v1/partner/redemptions", headers=headers, body=order | changes)
        await player.ask("partner", "GET", "/v1/partner/events", headers=headers)
    await player.ask("citizen", "GET", f"/v1/me/benefits?scenario={player.id_number}", headers=tokens.headers)
    await player.ask("anybody", "GET", f"/v1/nothing/{player.id_number}?name={player.id_number}")


async def _join_wrongly(player: Player) -> None:
    headers, path = (await log_in(player.client)).headers, "/v1/me/identity"
    right = identity_body(name=player.name, id_number=player.id_number, phone_code=player.phone_code)
    taken = await player.ask("another", "POST", path, status=409, headers=headers, body=right)
    assert taken["code"] == "identity_taken"
    wrong: list[dict[str, Any]] = [
        {"idNumber": player.id_number[:-1] + "?"}, {"name": f"{player.name}😀"}, {"name": [player.name]},
        {"phoneCode": "err-40029"}, {"consents": player.id_number}, {"name": "繁忙"}, {player.id_number: player.name},
    ]  # fmt: skip
    for changes in wrong:
        answer = await player.client.post(path, headers=headers, json=right | changes)
        assert 400 <= answer.status_code < 600
        if player.id_number not in changes:  # a field we do not know is named to whoever sent it
            player.told.append(Told("another", path, answer))


async def _import_wrongly(player: Player) -> None:
    headers = (await make_official(roles=["importer"])).headers
    wrong: list[dict[str, Any]] = [
        {"idNumber": 1}, {"name": 7}, {"name": "王小明"}, {"eventOn": "yesterday"}, {"indicator": "FAITH"},
        {"source": "?"}, {"grade": "无"}, {"quantity": -1},
    ]  # fmt: skip
    for changes in wrong:
        await player.import_record(headers, **changes)


async def provoke_errors(player: Player, patch: pytest.MonkeyPatch) -> None:
    """Let joining break with exceptions that carry what was being stored, as a driver's do."""
    body = identity_body(name=player.name, id_number=player.id_number, phone_code=player.phone_code)
    told = f"Key (name)=({player.name}), {player.id_number}"
    for error, status in ((RuntimeError(told), 500), (asyncpg.ConnectionDoesNotExistError(told), 503),
                          (asyncpg.UniqueViolationError(told), 500)):  # fmt: skip
        tokens = await log_in(player.client)

        async def fail(*_: Any, error: Exception = error, **__: Any) -> None:
            raise error

        with patch.context() as here:
            here.setattr(identity_actions, "bind_person", fail)
            answer = await player.client.post("/v1/me/identity", json=body, headers=tokens.headers)
        assert answer.status_code == status, answer.text
        assert find_in(answer.text, plant(player)) == set()


async def make_staff_secrets(player: Player) -> dict[str, str]:
    """Let an administrator make a key and an official; what is shown once is planted from then on."""
    administrator = (await make_official(roles=["administrator"])).headers
    desk, _ = await make_clinic(player.client)
    sent = {"name": "密钥", "scopes": ["read"], "expiresAt": (now() + timedelta(days=1)).isoformat()}
    path = f"/v1/official/institutions/{desk.partner.institution_id}/keys"
    key = await player.ask("once", "POST", path, status=201, headers=administrator, body=sent)
    sent = {"username": f"u{secrets.token_hex(6)}", "roles": ["auditor"]}
    invited = await player.ask("once", "POST", "/v1/official/officials", status=201, headers=administrator, body=sent)
    code, password = invited["enrolmentCode"], secrets.token_urlsafe(15)
    opened = await player.ask("once", "POST", ENROLMENTS, status=200, body={"code": code})
    sent = {"code": code, "password": password, "totp": code_of(opened["totpSecret"])}
    await player.ask("official themselves", "POST", f"{ENROLMENTS}/complete", status=200, body=sent)
    for again in (path, "/v1/official/officials?limit=100", "/v1/official/audit?limit=100"):
        headers = (await make_official(roles=["administrator", "auditor"])).headers
        await player.ask("official", "GET", again, status=200, headers=headers)
    return {
        "API key": key["key"],
        "API key's secret": key["key"].removeprefix(key["prefix"]),
        "a till's key": desk.partner.api_key,
        "enrolment code": code,
        "chosen password": password,
        "TOTP secret": opened["totpSecret"],
    }


def test_the_game_was_played(played: Played) -> None:
    """What is searched below is not empty, and the searching finds what is there."""
    assert len(played.player.told) >= 50
    assert {one.to for one in played.player.told} >= {"citizen", "partner", "official"}
    assert MASKED in played.answers("partner")
    assert MASKED in played.answers("citizen")
    assert len(played.book.lines) >= 3
    assert "internal_error" in played.book.text
    assert find_in(played.answers("citizen", "official themselves", "once"), played.planted)
    assert find_in("x" + NAME.encode().hex(), {"name": NAME}) == {"name"}


def test_logs_say_nothing(played: Played) -> None:
    assert find_in(played.book.text, played.planted) == set()


@pytest.mark.parametrize("reader", ["partner", "official", "another", "anybody"])
def test_others_are_told_nothing(played: Played, reader: str) -> None:
    assert find_in(played.answers(reader), played.planted) == set()


def test_even_the_citizen_sees_name_and_phone_masked(played: Played) -> None:
    own = {name: played.planted[name] for name in ("name", "given name", "ID number", "phone number", "openid")}
    assert find_in(played.answers("citizen"), own) == set()


@pytest.mark.parametrize("moment", ["dump_before_leaving", "dump"])
def test_the_database_holds_nothing_in_clear(played: Played, moment: str) -> None:
    dump: dict[str, str] = getattr(played, moment)
    assert len(dump) > 25
    found = {name: find_in(text, played.planted) for name, text in dump.items()}
    assert {name: values for name, values in found.items() if values} == {}


def test_the_digits_of_a_code_lie_in_one_table_only(played: Played) -> None:
    digits = {secret: secret[2:] for secret in played.player.secrets if secret.isdigit() and len(secret) == 22}
    assert len(digits) >= 2
    found = {name for name, text in played.dump.items() if find_in(text, digits)}
    assert found == CODES_LIE_IN
