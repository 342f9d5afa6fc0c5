"""Usernames, roles of the centre, the steps of the second factor, and what a token is bound to."""

from __future__ import annotations

from uuid import UUID

import pyotp
import pytest

from app.kit.clock import uuid7
from app.official.actions_secret import NOBODYS_HASH, is_password_right, make_secrets
from app.official.rules import CENTRE_ROLES, compute_session, compute_totp_step, is_username, may_hold_roles

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


def test_secrets_are_fresh_and_stored_unreadable(app: object) -> None:
    assert app is not None
    official_id = uuid7()
    first, second = make_secrets(official_id), make_secrets(official_id)
    assert first.password != second.password
    assert first.totp_secret != second.totp_secret
    assert first.password not in first.password_hash
    assert first.totp_secret.encode() not in first.totp_cipher
    assert first.password_hash.startswith("$argon2id$")
    assert is_password_right(first.password_hash, first.password)
    assert not is_password_right(first.password_hash, second.password)
    assert not is_password_right(NOBODYS_HASH, "")
    assert not is_password_right("not a hash", first.password)
    assert pyotp.parse_uri(first.provisioning_uri("someone")).name == "someone"
