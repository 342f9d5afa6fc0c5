"""Accounts with their identity binding, sessions, and the hashes of refresh tokens."""

from __future__ import annotations

from piccolo.columns import UUID, BigInt, Bytea, Date, ForeignKey, Integer, OnDelete, Text, Timestamptz
from piccolo.table import Table


class Citizen(Table, tablename="citizen"):
    """An account; everything personal in it is null again once the citizen has left."""

    id = UUID(primary_key=True, default=None)
    account_number = BigInt(unique=True, default=None)
    state = Text(default=None)
    code_generation = Integer(default=0)
    openid_index = Bytea(unique=True, default=None, null=True)
    openid_cipher = Bytea(default=None, null=True)
    id_number_index = Bytea(unique=True, default=None, null=True)
    id_number_cipher = Bytea(default=None, null=True)
    person_index = Bytea(default=None, null=True)
    name_cipher = Bytea(default=None, null=True)
    phone_index = Bytea(default=None, null=True)
    phone_cipher = Bytea(default=None, null=True)
    birth_on = Date(default=None, null=True)
    district = Text(default=None, null=True)
    cap_holder_id = UUID(default=None, null=True)
    created_at = Timestamptz(default=None)
    joined_at = Timestamptz(default=None, null=True)
    left_at = Timestamptz(default=None, null=True)


class CitizenSession(Table, tablename="citizen_session"):
    """One login on one phone: the family of its refresh tokens."""

    id = UUID(primary_key=True, default=None)
    citizen_id = ForeignKey(Citizen, null=False, on_delete=OnDelete.restrict, default=None)
    created_at = Timestamptz(default=None)
    revoked_at = Timestamptz(default=None, null=True)
    revoked_because = Text(default=None, null=True)


# Who is logged in, for every statement that begins with a session; the names of the columns are CitizenCaller's.
LIVE_CALLER = "s.id AS session_id, c.id, c.state, c.account_number, c.code_generation"
LIVE_SESSIONS = """citizen_session s
          JOIN citizen c ON c.id = s.citizen_id AND s.revoked_at IS NULL AND c.state IN ('new', 'active')"""


class RefreshToken(Table, tablename="refresh_token"):
    """A refresh token's hash; ``replaced_at`` says when its successor was given out."""

    token_hash = Bytea(primary_key=True, default=None)
    session_id = ForeignKey(CitizenSession, null=False, on_delete=OnDelete.restrict, default=None)
    issued_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None)
    replaced_at = Timestamptz(default=None, null=True)


# An account that was left, and under whose caps its uses count: written when somebody leaves.
OTHER_TABLES = ("former_account",)
