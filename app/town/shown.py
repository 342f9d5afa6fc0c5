"""What ``var/demo.json`` says: how to log in, scan, and publish in the demo city."""

from __future__ import annotations

from uuid import UUID

import msgspec


class Shown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A part of the file, camelCase as on the wire."""


class CitizenShown(Shown, frozen=True, kw_only=True):
    """Somebody to log in as, and what to expect."""

    wechat_code: str
    note: str


class PartnerShown(Shown, frozen=True, kw_only=True):
    """An institution's key, which may do everything, and one of its terminals."""

    institution: str
    kind: str
    api_key: str
    store_id: UUID
    terminal_id: UUID


class OfficialShown(Shown, frozen=True, kw_only=True):
    """A staff account; ``institution`` is the centre's name for the centre's own."""

    username: str
    password: str
    totp_secret: str
    roles: list[str]
    institution: str


class BenefitShown(Shown, frozen=True, kw_only=True):
    """A benefit in force at every store of its institution."""

    id: UUID
    code: str
    institution: str
    title: str


class City(Shown, frozen=True, kw_only=True):
    """A city made: who is in it, and with which credentials; the file adds ``baseUrl``, where it is served."""

    citizens: list[CitizenShown]
    partners: list[PartnerShown]
    officials: list[OfficialShown]
    benefits: list[BenefitShown]
