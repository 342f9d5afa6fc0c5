"""The register of sources: who may send records, what they may report, and how their files are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import msgspec

from app.intake.fact.item import CleanItem, Flaw
from app.intake.fact.judge import IMPORT_FLAWS
from app.intake.source.entry import SourceEntry, judge_source, may_report
from app.intake.source.queries import register as register_queries
from app.intake.source.queries.register import SourceRow
from app.kit.clock import now
from app.kit.db.audit import write_audit
from app.kit.db.database import transaction
from app.kit.errors import ETagStale, NotFound, Refusal
from app.kit.request.etag import need_etag
from app.partner.actions.caller import directory
from app.values.words import AUDIT_ACTIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.kit.security.auth import OfficialCaller
    from app.record.catalogue import NewRecord
    from app.values.words import AuditAction

AUDIT_CREATE, AUDIT_CHANGE = AUDIT_ACTIONS.declare("source.create"), AUDIT_ACTIONS.declare("source.change")


class SourceTaken(Refusal):
    """A source with this code is registered."""

    code: ClassVar[str] = "source_taken"
    zh: ClassVar[str] = "该来源代码已被登记"


class SourceInvalid(Refusal):
    """The entry does not make sense; the reason says where."""

    code: ClassVar[str] = "source_invalid"
    status_code: ClassVar[int] = 422
    zh: ClassVar[str] = "来源登记内容有误"


class InstitutionUnknown(Refusal):
    """There is no such institution."""

    code: ClassVar[str] = "institution_unknown"
    status_code: ClassVar[int] = 422
    zh: ClassVar[str] = "没有这个机构"


async def register_source(official: OfficialCaller | None, entry: SourceEntry) -> SourceRow:
    """Register a source; ``official`` None is the command line. Refuses a taken code and what makes no sense."""
    _need_sense(entry)
    row = _make_row(entry, revision=1)
    async with transaction():
        if not await register_queries.insert_source(row):
            raise SourceTaken
        await _write_down(official, AUDIT_CREATE, row)
    return row


async def change_source(official: OfficialCaller, entry: SourceEntry, *, if_match: str | None) -> SourceRow:
    """Replace what is registered of a source; files that run go on as they began until they are gone on with."""
    _need_sense(entry)
    async with transaction():
        known = await register_queries.find_source(entry.code)
        if known is None:
            raise NotFound
        need_etag(if_match, known.revision)
        revision = await register_queries.update_source(_make_row(entry, revision=known.revision))
        if revision is None:
            raise ETagStale
        row = await find_source(entry.code)
        await _write_down(official, AUDIT_CHANGE, row)
    return row


async def find_source(code: str) -> SourceRow:
    """Return a source by its code, or refuse."""
    row = await register_queries.find_source(code)
    if row is None:
        raise NotFound
    return row


async def judge_register(judged: Sequence[CleanItem | Flaw]) -> list[CleanItem | Flaw]:
    """Let only registered sources tell anything, and each only what it is registered for."""
    codes = sorted({item.record.source for item in judged if isinstance(item, CleanItem)})
    known = {row.code: row for row in await register_queries.find_sources(codes)} if codes else {}
    return [item if isinstance(item, Flaw) else _judge_item(item, known.get(item.record.source)) for item in judged]


async def may_still_report(record: NewRecord) -> bool:
    """Whether a record's source is registered, and registered for it."""
    (row,) = await register_queries.find_sources([record.source]) or (None,)
    return row is not None and may_report(record, row.indicators, row.honours)


def _judge_item(item: CleanItem, source: SourceRow | None) -> CleanItem | Flaw:
    if source is None:
        return IMPORT_FLAWS["source_unknown"]
    return item if may_report(item.record, source.indicators, source.honours) else IMPORT_FLAWS["not_of_this_source"]


def _need_sense(entry: SourceEntry) -> None:
    flaw = judge_source(entry)
    if flaw is not None:
        raise SourceInvalid(reasons=[flaw], errors=[flaw])
    if entry.institution_id is not None and directory.current.institution(entry.institution_id) is None:
        raise InstitutionUnknown


def _make_row(entry: SourceEntry, *, revision: int) -> SourceRow:
    return SourceRow(
        code=entry.code,
        title_zh=entry.title_zh,
        title_en=entry.title_en,
        institution_id=entry.institution_id,
        mapping=msgspec.json.encode(entry.mapping).decode(),
        indicators=None if entry.indicators is None else sorted(set(entry.indicators)),
        honours=None if entry.honours is None else sorted(set(entry.honours)),
        revision=revision,
        created_at=now(),
    )


async def _write_down(official: OfficialCaller | None, action: AuditAction, row: SourceRow) -> None:
    detail: dict[str, object] = {
        "revision": row.revision,
        "institution": row.institution_id,
        "mapping": msgspec.json.decode(row.mapping),
        "indicators": row.indicators,
        "honours": row.honours,
    }
    await write_audit(official, action=action, subject=f"source:{row.code}", detail=detail)
