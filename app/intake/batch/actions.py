"""One batch of records from a source: judge each item, find its person, store it once, rescore its citizen."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from app.citizen.actions.account import match_people
from app.intake.fact.item import ArrivedItem, CleanItem, Flaw, ItemOutcome, compute_counts, parse_event_id
from app.intake.fact.judge import FLAWS, IMPORT_FLAWS, judge_item
from app.intake.keeping.actions.keep import store_records
from app.intake.proposal.actions import pick_worse, propose
from app.intake.quality.actions import count_batch
from app.intake.source.actions import judge_register
from app.intake.source.queries import shapes as shapes_queries
from app.intake.source.shape import IN_ITEM, judge_ids
from app.kit.db.audit import write_audit
from app.kit.db.database import transaction
from app.kit.request.fields import parse_field_error
from app.values.days import shanghai_day
from app.values.words import AUDIT_ACTIONS

if TYPE_CHECKING:
    from collections.abc import Container, Sequence
    from datetime import datetime

    from app.intake.source.shape import IdShape, ShapedField
    from app.kit.security.auth import OfficialCaller
    from app.record.catalogue import NewRecord, PutOutcome

AUDIT_IMPORT = AUDIT_ACTIONS.declare("record.import")
MEMBER_CHARACTERS_MAX = 64  # of a member's name in a sentence; the pointer has all of it


async def import_records(items: Sequence[msgspec.Raw], *, official: OfficialCaller, at: datetime) -> list[ItemOutcome]:
    """Take a batch through all stages; one outcome per item, in order. Repeating it changes nothing.

    What costs its citizen points waits for a second official. Of items that are refused, or about people who have not
    joined, nothing is stored; the source learns it from the answer.
    """
    arrived = [read_item(item) for item in items]
    meant = {place for place, item in enumerate(arrived) if isinstance(item, ArrivedItem) and item.ids_meant}
    judged, shapes = await _judge_shapes(await judge_register([_judge(item, at) for item in arrived]), meant)
    records = await _match(judged)
    async with transaction():
        worse = await pick_worse(records)
        direct = {place: record for place, record in records.items() if place not in worse}
        stored = await store_records(list(direct.values()), at=at, entered_by=official.id)
        proposed = await propose(official, {place: records[place] for place in worse}, at=at)
        settled: dict[int, PutOutcome | UUID | Flaw] = {**dict(zip(direct, stored, strict=True)), **proposed}
        outcomes = [_make_outcome(item, judged[number], settled.get(number)) for number, item in enumerate(items)]
        if shapes:
            await shapes_queries.insert_shapes(shapes)
        await count_batch(items, judged, outcomes, day=shanghai_day(at))
        await _write_down(official, judged, outcomes)
    return outcomes


def read_item(raw: msgspec.Raw) -> ArrivedItem | Flaw:
    """Read one item's types; a flaw names the member that is wrong, as for any other body."""
    try:
        return msgspec.json.decode(raw, type=ArrivedItem)
    except msgspec.ValidationError as error:
        wrong = parse_field_error(str(error))
        member = wrong.pointer[1:][:MEMBER_CHARACTERS_MAX]
        zh, en = (f"字段“{member}”：", f"Member “{member}”: ") if member else ("", "")
        return Flaw.at(wrong.pointer, wrong.code, zh + wrong.zh, en + wrong.en)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return FLAWS["malformed"]


def _judge(arrived: ArrivedItem | Flaw, at: datetime) -> CleanItem | Flaw:
    return arrived if isinstance(arrived, Flaw) else judge_item(arrived, shanghai_day(at))


async def _judge_shapes(
    judged: Sequence[CleanItem | Flaw], meant: Container[int]
) -> tuple[list[CleanItem | Flaw], dict[tuple[str, ShapedField], IdShape]]:
    """Refuse the items one of whose ids has lost its zeros, and return what the others add to their sources' shapes.

    Items at the places ``meant`` are right as they are.
    """
    by_source: dict[str, dict[int, NewRecord]] = {}
    for place, item in enumerate(judged):
        if isinstance(item, CleanItem):
            by_source.setdefault(item.record.source, {})[place] = item.record
    so_far = {(row.source, row.field): row for row in await shapes_queries.list_shapes(list(by_source))}
    flaws: dict[int, Flaw] = {}
    shapes: dict[tuple[str, ShapedField], IdShape] = {}
    for source, records in by_source.items():
        ids: dict[ShapedField, dict[int, str | None]] = {
            "eventId": {place: record.event_id for place, record in records.items()},
            "actId": {place: record.act_id for place, record in records.items()},
        }
        for field, of_field in ids.items():
            judged_ids = judge_ids(of_field, so_far.get((source, field)), field, meant, IN_ITEM)
            flaws = judged_ids.shortened | flaws
            if judged_ids.shape is not None:
                shapes[source, field] = judged_ids.shape
    return [flaws.get(place, item) for place, item in enumerate(judged)], shapes


async def _match(judged: Sequence[CleanItem | Flaw]) -> dict[int, NewRecord]:
    """Return the records of members by their place in the batch."""
    clean = {number: item for number, item in enumerate(judged) if isinstance(item, CleanItem)}
    members = await match_people([(item.name, item.id_number) for item in clean.values()])
    return {
        number: msgspec.structs.replace(item.record, citizen_id=member.id)
        for (number, item), member in zip(clean.items(), members, strict=True)
        if member is not None
    }


async def _write_down(
    official: OfficialCaller, judged: Sequence[CleanItem | Flaw], outcomes: Sequence[ItemOutcome]
) -> None:
    """Audit who sent how much for which sources; no person and no fact."""
    sources = sorted({item.record.source for item in judged if isinstance(item, CleanItem)})
    detail: dict[str, object] = {"sources": sources, "counts": compute_counts(outcomes)}
    await write_audit(official, action=AUDIT_IMPORT, subject="record", detail=detail)


def _make_outcome(raw: msgspec.Raw, judged: CleanItem | Flaw, settled: PutOutcome | UUID | Flaw | None) -> ItemOutcome:
    event_id = parse_event_id(raw)
    if isinstance(settled, UUID):
        return ItemOutcome(event_id=event_id, outcome="proposed", proposal_id=settled)
    for refused in (judged, settled):
        if isinstance(refused, Flaw):
            return ItemOutcome(event_id=event_id, outcome="refused", flaw=refused)
    assert not isinstance(settled, Flaw)
    if settled == "conflict":
        return ItemOutcome(event_id=event_id, outcome="refused", flaw=FLAWS["event_id_reused"])
    if settled == "not_renewable":
        return ItemOutcome(event_id=event_id, outcome="refused", flaw=IMPORT_FLAWS["honour_not_renewable"])
    return ItemOutcome(event_id=event_id, outcome=settled or "not_a_member")
