"""Staff accounts."""

from __future__ import annotations

from typing import Any

from piccolo.columns import UUID, Array, BigInt, Boolean, Bytea, ForeignKey, Integer, OnDelete, Text, Timestamptz
from piccolo.table import Table

from app.partner.tables import Institution


class Official(Table, tablename="official"):
    """A staff member; ``institution_id`` null is the credit centre.

    ``enrolment_hash`` is of the code that is out; ``asked_by`` who holds it (null: the command line). A second
    administrator has to confirm when ``needs_second``. ``failed_tries`` and ``locked_until`` are of the version before.
    """

    id = UUID(primary_key=True, default=None)
    username = Text(unique=True, default=None)
    institution_id = ForeignKey(Institution, null=True, on_delete=OnDelete.restrict, default=None)
    roles = Array(base_column=Text(), default=None)
    state = Text(default=None)
    password_hash = Text(default=None, null=True, secret=True)
    totp_cipher = Bytea(default=None, null=True, secret=True)
    totp_last_step = BigInt(default=0)
    failed_tries = Integer(default=0)
    locked_until = Timestamptz(default=None, null=True)
    token_generation = Integer(default=0)
    created_at = Timestamptz(default=None)
    revision = Integer(default=1)
    suspended_by_centre = Boolean(default=False)
    enrolment_hash = Bytea(default=None, null=True, unique=True, secret=True)
    enrolment_expires_at = Timestamptz(default=None, null=True)
    needs_second = Boolean(default=False)
    asked_by: ForeignKey[Any] = ForeignKey("self", null=True, on_delete=OnDelete.restrict, default=None)
    enrolled_at = Timestamptz(default=None, null=True)
    confirmed_by: ForeignKey[Any] = ForeignKey("self", null=True, on_delete=OnDelete.restrict, default=None)
    code_tries = Integer(default=0)
    code_tries_since = Timestamptz(default=None, null=True)


class OfficialAddress(Table, tablename="official_address"):
    """An address an official signed in from; the key is (official_id, address_hash), and the address is not here."""

    official_id = ForeignKey(Official, primary_key=True, null=False, on_delete=OnDelete.restrict, default=None)
    address_hash = Bytea(default=None)
    seen_at = Timestamptz(default=None)
    code_tries = Integer(default=0)
    code_tries_since = Timestamptz(default=None, null=True)
