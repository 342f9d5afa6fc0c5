"""Giving and withdrawing consent, and writing down who looked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from app.citizen.export import ExportPart
from app.consent.export import ExportedConsent
from app.consent.purposes import ACCESS_ACTIONS, NewAccess, compute_missing, compute_unknown
from app.consent.queries import access as access_queries
from app.consent.queries import consents as consents_queries
from app.consent.refusals import ConsentMissing, ConsentRequired, ConsentUnknown
from app.event.actions import insert_events
from app.event.feed import EVENT_TYPES, NewEvent
from app.kit.clock import uuid7
from app.kit.errors import NotFound
from app.values.fault import Fault
from app.values.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from app.consent.purposes import GivenConsent
    from app.event.feed import EventType

GIVEN = EVENT_TYPES.declare("consent.given.v1")
WITHDRAWN = EVENT_TYPES.declare("consent.withdrawn.v1")


async def check_consents(consents: Sequence[tuple[str, int]]) -> None:
    """Refuse a (purpose, version) that is not in force."""
    unknown = compute_unknown(await consents_queries.list_purposes_in_force(), consents)
    if unknown:
        raise ConsentUnknown(errors=[_not_in_force(f"/consents/{n}") for n in unknown])


async def check_consent(purpose: str, version: int) -> None:
    """Refuse the one consent a body is about when it is not in force, and point to the member that is wrong."""
    in_force = await consents_queries.list_purposes_in_force()
    if compute_unknown(in_force, [(purpose, version)]):
        pointer = "/version" if any(text.purpose == purpose for text in in_force) else "/purpose"
        raise ConsentUnknown(errors=[_not_in_force(pointer)])


async def check_missing(consents: Sequence[tuple[str, int]]) -> None:
    """Refuse when a required purpose is not among these, or when one of these is not in force."""
    texts = await consents_queries.list_texts_in_force()
    missing = set(compute_missing(texts, consents))
    if missing:
        raise ConsentMissing(
            reasons=[
                Reason(code=text.purpose, zh=f"需要同意：{text.title_zh}", en=f"Consent needed: {text.title_en}")
                for text in texts
                if text.purpose in missing
            ]
        )
    await check_consents(consents)


async def give_consents(citizen_id: UUID, consents: Sequence[tuple[str, int]], *, at: datetime) -> list[GivenConsent]:
    """Store consents and return them; giving one twice is nothing.

    Inside the caller's transaction, which holds the citizen's lock.
    """
    await check_consents(consents)
    wanted = sorted(set(consents))
    purposes, versions = [purpose for purpose, _ in wanted], [version for _, version in wanted]
    await consents_queries.mark_superseded(citizen_id, purposes, versions, at)
    new = await consents_queries.insert_consents(citizen_id, [uuid7(at) for _ in wanted], purposes, versions, at)
    await insert_events([_event(GIVEN, citizen_id, consent, at) for consent in new])
    return [consent for consent in await consents_queries.list_consents(citizen_id) if consent.purpose in purposes]


async def withdraw_consent(citizen_id: UUID, purpose: str, *, at: datetime) -> GivenConsent:
    """Withdraw a separate consent, inside the caller's transaction; once more changes nothing."""
    text = next((text for text in await consents_queries.list_purposes_in_force() if text.purpose == purpose), None)
    if text is not None and text.is_required:
        raise ConsentRequired
    withdrawn = await consents_queries.mark_withdrawn(citizen_id, purpose, at)
    if withdrawn is not None:
        await insert_events([_event(WITHDRAWN, citizen_id, withdrawn, at)])
        return withdrawn
    before = await consents_queries.find_latest_consent(citizen_id, purpose)
    if before is None:
        raise NotFound
    return before


async def list_all_consents(citizen_id: UUID) -> list[GivenConsent]:
    """Return every consent a citizen ever gave, withdrawn or not, oldest first."""
    return await consents_queries.list_all_consents(citizen_id)


async def collect_consents(citizen_id: UUID) -> Mapping[str, object]:
    """Return the citizen's consents, to be taken with them."""
    given = await list_all_consents(citizen_id)
    return {"consents": msgspec.convert(given, list[ExportedConsent], from_attributes=True)}


async def forget_consents(citizen_id: UUID) -> None:
    """Delete every consent of somebody who leaves, inside the caller's transaction."""
    await consents_queries.delete_consents(citizen_id)


async def insert_access(entries: Sequence[NewAccess]) -> None:
    """Write lines of the access log: in the transaction of the disclosure, or alone for a refused attempt."""
    ACCESS_ACTIONS.need(entry.action for entry in entries)
    if entries:
        await access_queries.insert_access([uuid7(entry.at) for entry in entries], entries)


async def insert_access_once(entries: Sequence[NewAccess], *, since: datetime) -> None:
    """Write those lines of the access log that were not written since an instant: one look, however often repeated.

    A line that differs in who looked, how it ended or what was disclosed is another look. Two repeats at the very same
    moment may both be written.
    """
    ACCESS_ACTIONS.need(entry.action for entry in entries)
    distinct = {msgspec.json.encode(msgspec.structs.replace(entry, at=since)): entry for entry in reversed(entries)}
    if distinct:
        ids = [uuid7(entry.at) for entry in distinct.values()]
        await access_queries.insert_access(ids, list(distinct.values()), unless_since=since)


async def collect_access(citizen_id: UUID) -> Mapping[str, object]:
    """Return the citizen's access log in short, most recent first, to be taken with them."""
    return {"access": await access_queries.count_access(citizen_id)}


def _not_in_force(pointer: str) -> Fault:
    zh, en = "当前没有此事项的这一版本", "This purpose and version are not in force"
    return Fault.at(pointer, "consent_unknown", zh, en)


def _event(kind: EventType, citizen_id: UUID, consent: GivenConsent, at: datetime) -> NewEvent:
    data: dict[str, object] = {"purpose": consent.purpose, "version": consent.version}
    return NewEvent(type=kind, subject_id=consent.id, citizen_id=citizen_id, at=at, data=data)


EXPORTS = (
    ExportPart(tables=("consent",), disclosed=("consents",), collect=collect_consents),
    ExportPart(tables=("access_log",), disclosed=("access",), collect=collect_access),
)
