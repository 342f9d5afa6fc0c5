"""Usernames, roles of the centre, the steps of the second factor, and what a token is bound to."""

from __future__ import annotations

import typing
from uuid import UUID

import pyotp
import pytest

from app.kit.clock import uuid7
from app.kit.request.address import compute_network
from app.official.account import (
    CENTRE_ROLES,
    PASSWORD_REST_MIN,
    compute_session,
    compute_totp_step,
    is_username,
    judge_password,
    may_hold_roles,
)
from app.official.actions import secret as secret_actions
from app.official.actions.secret import NOBODYS_HASH, is_password_right
from app.official.moves import OFFICIAL_MOVES, State, compute_allowed_actions, may_confirm, needs_second
from app.values.roles import Role

CENTRE, INSTITUTION = None, UUID(int=1)
STEP = 58_000_000
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("abc", True), ("a-b_c.9", True), ("9lives", True), ("a" * 64, True), ("a" * 65, False), ("ab", False),
        ("", False), ("Abc", False), (".abc", False), ("-abc", False), ("a bc", False), ("abc\n", False),
        ("abc\x00", False), ("张三丰", False), ("ａｂｃ", False), ("abc😀", False), ("а" * 3, False),
    ],
)  # fmt: skip
def test_usernames(text: str, *, is_one: bool) -> None:
    assert is_username(text) is is_one


@pytest.mark.parametrize("role", ["editor", "reviewer", "caseworker", "auditor", "importer", "administrator"])
def test_roles_that_watch_over_institutions_are_the_centres(role: str) -> None:
    assert may_hold_roles(CENTRE, [role])
    assert may_hold_roles(INSTITUTION, [role]) is (role in {"editor", "administrator"})
    assert may_hold_roles(INSTITUTION, ["editor", role]) is (role not in CENTRE_ROLES)


@pytest.mark.parametrize(
    ("seconds", "found"),
    [
        (STEP * 30, STEP), (STEP * 30 + 29.9, STEP), (STEP * 30 - 0.1, STEP), (STEP * 30 - 30, STEP),
        (STEP * 30 - 30.1, None), (STEP * 30 + 59.9, STEP), (STEP * 30 + 60, None),
    ],
)  # fmt: skip
def test_a_code_counts_one_step_around(seconds: float, found: int | None) -> None:
    totp = pyotp.TOTP(SECRET)
    assert compute_totp_step(totp.at(STEP * 30), seconds, totp.at) == found


@pytest.mark.parametrize("code", ["000000", "", "1", "é23456", "１２３４５６", "9" * 100])
def test_a_wrong_code_is_no_step(code: str) -> None:
    assert compute_totp_step(code, STEP * 30, lambda _: "123456") is None


def test_a_session_changes_with_the_generation_and_the_person() -> None:
    official_id = uuid7()
    sessions = {compute_session(official_id, generation) for generation in range(20)}
    assert len(sessions) == 20
    assert compute_session(official_id, 3) in sessions
    assert compute_session(uuid7(), 3) not in sessions


@pytest.mark.parametrize(
    ("roles", "institution", "for_centre", "is_reset", "expected"),
    [
        (["editor"], INSTITUTION, False, False, False),  # an institution's own editor, made by its administrator
        (["editor"], INSTITUTION, False, True, True),
        (["administrator"], INSTITUTION, False, False, True),
        (["administrator", "editor"], INSTITUTION, False, False, True),
        (["editor"], INSTITUTION, True, False, True),
        (["administrator"], INSTITUTION, True, False, True),
        *(([role], CENTRE, True, False, True) for role in typing.get_args(Role)),
        *(([role], CENTRE, True, True, True) for role in typing.get_args(Role)),
    ],
)
def test_who_needs_a_second_administrator(
    roles: list[str], institution: UUID | None, *, for_centre: bool, is_reset: bool, expected: bool
) -> None:
    assert needs_second(roles, institution, for_centre=for_centre, is_reset=is_reset) is expected


def test_neither_the_person_nor_the_asker_is_the_second() -> None:
    person, asker, other = uuid7(), uuid7(), uuid7()
    may = [may_confirm(one, official_id=person, asked_by=asker) for one in (person, asker, other)]
    assert may == [False, False, True]
    assert may_confirm(other, official_id=person, asked_by=None)


@pytest.mark.parametrize("state", typing.get_args(State))
@pytest.mark.parametrize("is_own", [True, False])
@pytest.mark.parametrize("is_second", [True, False])
@pytest.mark.parametrize("is_centres", [True, False])
@pytest.mark.parametrize("for_centre", [True, False])
def test_what_may_be_done_is_within_the_table(
    state: State, *, is_own: bool, is_second: bool, is_centres: bool, for_centre: bool
) -> None:
    allowed = compute_allowed_actions(
        state, is_own=is_own, is_second=is_second, is_centres=is_centres, for_centre=for_centre
    )
    assert set(allowed) <= set(OFFICIAL_MOVES.allowed(state))
    assert not (is_own and allowed)
    assert "confirm" not in allowed or is_second
    assert "resume" not in allowed or for_centre or not is_centres


@pytest.mark.parametrize(
    ("password", "flaw"),
    [
        ("correct horse battery", None), ("守信有惠一次扫码一次核销不多不少", None), ("x7-Kq9!mZp_2", None),
        ("zhang.san-2026!", "password_names_account"), ("my ZHANG.SAN password", "password_names_account"),
        ("password1234", "password_common"), ("Password123456", "password_common"), ("aaaaaaaaaaaa", "password_common"),
        ("abababababab", "password_common"), ("huixin123456", "password_common"), ("qwertyuiop12", "password_common"),
        ("password" + "abcdeg"[: PASSWORD_REST_MIN - 1], "password_common"), ("password" + "zyxwvu", None),
    ],
)  # fmt: skip
def test_passwords(password: str, flaw: str | None) -> None:
    assert judge_password(password, "zhang.san") == flaw


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.9"), ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"), ("2001:db8:1:3::9", "2001:db8:1:3::/64"), ("unknown", "unknown"),
    ],
)  # fmt: skip
def test_one_place_on_the_network(address: str, network: str) -> None:
    assert compute_network(address) == network


def test_secrets_are_fresh_and_stored_unreadable(app: object) -> None:
    assert app is not None
    official_id = uuid7()
    codes = {secret_actions.make_enrolment_code() for _ in range(50)}
    assert len(codes) == 50
    assert min(map(len, codes)) >= 40
    first, second = secret_actions.make_totp_secret(), secret_actions.make_totp_secret()
    assert first != second
    cipher = secret_actions.encrypt_totp(first, official_id)
    assert first.encode() not in cipher
    assert secret_actions.open_totp(cipher, official_id).secret == first
    password_hash = secret_actions.hash_password("correct horse")
    assert password_hash.startswith("$argon2id$")
    assert is_password_right(password_hash, "correct horse")
    assert not is_password_right(password_hash, "correct horsf")
    assert not is_password_right(NOBODYS_HASH, "")
    assert not is_password_right("not a hash", "correct horse")
    assert pyotp.parse_uri(secret_actions.compute_provisioning_uri(first, "someone")).name == "someone"
