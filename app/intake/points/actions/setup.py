"""What officials set up for a city app: what its points become, and the secret it signs with."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from app.event.actions import insert_events
from app.event.feed import EVENT_TYPES, NewEvent
from app.intake.points import queries
from app.intake.points.actions.events import SECRET_COLUMN
from app.intake.points.ledger import Rule, judge_rate
from app.intake.points.refusals import PointRuleInUse, PointRuleInvalid
from app.intake.points.webhook import SECRET_BYTES, make_secret
from app.intake.source.queries import register as register_queries
from app.kit.clock import now, uuid7
from app.kit.db.audit import write_audit
from app.kit.db.database import transaction
from app.kit.errors import NotFound
from app.kit.security.crypto import encrypt_field
from app.values.words import AUDIT_ACTIONS

if TYPE_CHECKING:
    from datetime import datetime

    from app.intake.points.ledger import Rate
    from app.intake.source.entry import Registration
    from app.kit.security.auth import OfficialCaller

SECRET_CREATED = EVENT_TYPES.declare("source.secret_created.v1")
POINTS_CHANGED = EVENT_TYPES.declare("source.points_changed.v1")
AUDIT_CREATE_SECRET = AUDIT_ACTIONS.declare("source.create-secret")
AUDIT_SET_RULE = AUDIT_ACTIONS.declare("source.set-point-rule")


class NewSecret(msgspec.Struct, frozen=True):
    """A secret that is shown this once."""

    source: str
    secret: str
    created_at: datetime


async def create_secret(official: OfficialCaller, code: str, *, overlap_seconds: int) -> NewSecret:
    """Give a source a new secret; the one before works on for a while, any older one ends now."""
    at = now()
    secret_id, secret = uuid7(at), make_secret(secrets.token_bytes(SECRET_BYTES))
    async with transaction():
        source = _check_tenant(official, await register_queries.find_registration_for_update(code))
        await queries.delete_passing_secrets(code)
        await queries.mark_secret_expiring(code, at + timedelta(seconds=overlap_seconds))
        cipher = encrypt_field(secret, column=SECRET_COLUMN, row_id=secret_id)
        await queries.insert_secret(secret_id, code, cipher, at)
        created = NewEvent(type=SECRET_CREATED, subject_id=secret_id, institution_id=source.institution_id, at=at)
        await insert_events([created])
        detail: dict[str, object] = {"secretId": secret_id, "overlapSeconds": overlap_seconds}
        await write_audit(official, action=AUDIT_CREATE_SECRET, subject=f"source:{code}", detail=detail)
    return NewSecret(code, secret, at)


async def list_rules(official: OfficialCaller, code: str) -> list[Rule]:
    """Return what a source's points become."""
    _check_tenant(official, await register_queries.find_registration(code))
    return await queries.list_rules(code)


async def set_rule(official: OfficialCaller, code: str, kind: str, rate: Rate) -> Rule:
    """Set what points of a kind become; only the centre may, and only until an event was counted by this rule."""
    at = now()
    rule = Rule(source=code, kind=kind, created_at=at, **msgspec.structs.asdict(rate))
    async with transaction():
        source = _check_tenant(official, await register_queries.find_registration_for_update(code))
        official.need_centre()
        _check_rate(source, rate)
        stored = await queries.find_rule_for_update(code, kind)
        if stored is not None and msgspec.structs.replace(stored, created_at=at) == rule:
            return stored
        if stored is not None and await queries.count_events(code, kind):
            raise PointRuleInUse
        await queries.insert_rule(rule)
        changed = NewEvent(type=POINTS_CHANGED, subject_id=uuid7(at), institution_id=source.institution_id, at=at)
        await insert_events([changed])
        detail: dict[str, object] = {"kind": kind, **msgspec.structs.asdict(rate)}
        await write_audit(official, action=AUDIT_SET_RULE, subject=f"source:{code}", detail=detail)
    return rule


def _check_tenant(official: OfficialCaller, source: Registration | None) -> Registration:
    if source is None or official.institution_id not in (None, source.institution_id):
        raise NotFound
    return source


def _check_rate(source: Registration, rate: Rate) -> None:
    pointer = judge_rate(rate)
    if pointer is None and source.indicators is not None and rate.indicator not in source.indicators:
        pointer = "/indicator"
    if pointer is not None:
        raise PointRuleInvalid(pointer)
