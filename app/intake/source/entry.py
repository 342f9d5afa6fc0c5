"""What is registered of a source, and whether it makes sense. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from app.intake.fact.item import Flaw
from app.intake.source.mapping import Mapping, check_mapping
from app.record.catalogue import NewRecord
from app.record.fault import find_kind
from app.values.reason import Reason


class SourceEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What is registered of a source; the lists None where it may report all there is."""

    code: str
    title_zh: str
    title_en: str
    institution_id: UUID | None
    mapping: Mapping
    indicators: Sequence[str] | None
    honours: Sequence[str] | None


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """Whose a source is and what it may report, for everybody who reads none of its files.

    It has no mapping: one that a newer version wrote, and this one cannot read, is in nobody's way but theirs.
    """

    code: str
    institution_id: UUID | None
    indicators: Sequence[str] | None
    honours: Sequence[str] | None
    revision: int


class Source(SourceEntry, frozen=True, kw_only=True):
    """A registered source; every change raises ``revision``."""

    revision: int
    created_at: datetime

    def __post_init__(self) -> None:
        """Decode the mapping where it is JSON, as the database returns it."""
        stored: object = self.mapping
        if isinstance(stored, str):
            msgspec.structs.force_setattr(self, "mapping", msgspec.json.decode(stored, type=Mapping))


def may_report(record: NewRecord, indicators: Collection[str] | None, honours: Collection[str] | None) -> bool:
    """Whether a source may report a record; a list that is None has all of them."""
    allowed, code = (honours, record.honour) if record.indicator is None else (indicators, record.indicator)
    return allowed is None or code in allowed


def judge_source(entry: SourceEntry) -> Flaw | None:
    """Return what is wrong with an entry: a mapping of another source or that makes no sense, an unknown code."""
    if entry.mapping.source != entry.code:
        return Flaw(
            code="mapping_of_other_source",
            zh="映射中的来源代码与登记的不同",
            en="the mapping names another source",
            pointer="/mapping/source",
        )
    flaw = check_mapping(entry.mapping)
    if flaw is not None:
        return flaw.below("/mapping")
    listed = [(find_kind(code, None), code, "/indicators") for code in entry.indicators or ()]
    listed += [(find_kind(None, code), code, "/honours") for code in entry.honours or ()]
    for kind, code, pointer in listed:
        if isinstance(kind, Reason):
            return Flaw(code=kind.code, zh=f"{kind.zh}：{code}", en=f"{kind.en}: {code}", pointer=pointer)
    return None
