"""The register of sources: who may send records, what they may report, and how their files are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from app.intake.fact.item import CleanItem, Flaw
from app.intake.fact.judge import IMPORT_FLAWS
from app.intake.source.entry import Registration, Source, SourceEntry, judge_source, may_report
from app.intake.source.queries import register as register_queries
from app.intake.source.refusals import InstitutionUnknown, SourceInvalid, SourceTaken
from app.kit.clock import now
from app.kit.db.audit import write_audit
from app.kit.db.database import transaction
from app.kit.errors import ETagStale, NotFound
from app.kit.request.etag import need_etag
from app.partner.actions.caller import directory
from app.values.words import AUDIT_ACTIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.kit.security.auth import OfficialCaller
    from app.record.catalogue import NewRecord
    from app.values.words import AuditAction

AUDIT_CREATE, AUDIT_CHANGE = AUDIT_ACTIONS.declare("source.create"), AUDIT_ACTIONS.declare("source.change")


async def register_source(official: OfficialCaller | None, entry: SourceEntry) -> Source:
    """Register a source; ``official`` None is the command line. Refuses a taken code and what makes no sense."""
    _need_sense(entry)
    source = _make_source(entry, revision=1)
    async with transaction():
        if not await register_queries.insert_source(source):
            raise SourceTaken
        await _write_down(official, AUDIT_CREATE, source)
    return source


async def change_source(official: OfficialCaller, entry: SourceEntry, *, if_match: str | None) -> Source:
    """Replace what is registered of a source; an import under way uses what was registered when it began or resumed."""
    _need_sense(entry)
    async with transaction():
        stored = await register_queries.find_registration(entry.code)
        if stored is None:
            raise NotFound
        need_etag(if_match, stored.revision)
        if not await register_queries.update_source(_make_source(entry, revision=stored.revision)):
            raise ETagStale
        source = await find_source(entry.code)
        await _write_down(official, AUDIT_CHANGE, source)
    return source


async def find_source(code: str) -> Source:
    """Return a source by its code, or refuse."""
    source = await register_queries.find_source(code)
    if source is None:
        raise NotFound
    return source


async def judge_register(judged: Sequence[CleanItem | Flaw]) -> list[CleanItem | Flaw]:
    """Refuse the items of sources that are not registered, or not registered for this indicator or honour."""
    codes = sorted({item.record.source for item in judged if isinstance(item, CleanItem)})
    sources = {source.code: source for source in await register_queries.find_registrations(codes)} if codes else {}
    return [item if isinstance(item, Flaw) else _judge_item(item, sources.get(item.record.source)) for item in judged]


async def may_still_report(record: NewRecord) -> bool:
    """Whether a record's source is registered, and registered for it."""
    source = await register_queries.find_registration(record.source)
    return source is not None and may_report(record, source.indicators, source.honours)


def _judge_item(item: CleanItem, source: Registration | None) -> CleanItem | Flaw:
    if source is None:
        return IMPORT_FLAWS["source_unknown"]
    return item if may_report(item.record, source.indicators, source.honours) else IMPORT_FLAWS["not_of_this_source"]


def _need_sense(entry: SourceEntry) -> None:
    flaw = judge_source(entry)
    if flaw is not None:
        raise SourceInvalid(reasons=[flaw], errors=[flaw])
    if entry.institution_id is not None and directory.current.institution(entry.institution_id) is None:
        raise InstitutionUnknown


def _make_source(entry: SourceEntry, *, revision: int) -> Source:
    return Source(
        **msgspec.structs.asdict(entry)
        | {"indicators": _in_order(entry.indicators), "honours": _in_order(entry.honours)},
        revision=revision,
        created_at=now(),
    )


def _in_order(codes: Sequence[str] | None) -> list[str] | None:
    return None if codes is None else sorted(set(codes))


async def _write_down(official: OfficialCaller | None, action: AuditAction, source: Source) -> None:
    detail: dict[str, object] = {
        "revision": source.revision,
        "institution": source.institution_id,
        "mapping": msgspec.to_builtins(source.mapping),
        "indicators": source.indicators,
        "honours": source.honours,
    }
    await write_audit(official, action=action, subject=f"source:{source.code}", detail=detail)
