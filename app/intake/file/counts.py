"""What a file's rows became, stage by stage, and the limits of a file. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Literal

import msgspec

from app.event.feed import EVENT_TYPES, EventType
from app.intake.fact.item import make_flaws
from app.values.moves import Moves

UPLOAD_BYTES_MAX = 200 * 1024 * 1024
PART_BYTES = 1024 * 1024  # of an upload, encrypted and stored as one
CHUNK_BYTES = 512 * 1024  # of a file: a few thousand rows, cleaned together and stored in one transaction
UPLOAD_SECONDS_MAX = 900
UPLOAD_LIFE = timedelta(hours=1)  # an upload that has not ended by then was given up

ImportState = Literal["uploading", "waiting", "running", "finished", "refused", "cancelled"]
ImportMove = Literal["start", "finish", "refuse", "cancel"]
IMPORT_MOVES: Moves[ImportState, ImportMove] = Moves(
    {
        "uploading": {},
        "waiting": {"cancel": "cancelled"},
        "running": {"cancel": "cancelled"},
        "finished": {},
        "refused": {},
        "cancelled": {},
    },
    begins={"uploading", "waiting"},  # it waits from its last byte on
    by_itself={
        "waiting": {"start": "running", "refuse": "refused"},
        "running": {"finish": "finished", "refuse": "refused"},
    },
    states_zh={
        "uploading": "上传中", "waiting": "等待导入", "running": "导入中", "finished": "已完成", "refused": "未受理",
        "cancelled": "已取消",
    },
    actions_zh={"cancel": "取消"},
)  # fmt: skip
EndState = Literal["finished", "refused", "cancelled"]
EVENTS: dict[EndState, EventType] = {
    "finished": EVENT_TYPES.declare("record_import.finished.v1"),
    "refused": EVENT_TYPES.declare("record_import.refused.v1"),
    "cancelled": EVENT_TYPES.declare("record_import.cancelled.v1"),
}

FILE_FLAWS = make_flaws(
    (
        "rerun_columns_missing",
        "",
        "更正文件须保留下载时的行号列和原有各列",
        "a corrected file keeps the row-number column and the columns it was downloaded with",
    ),
)


class CleanCounts(msgspec.Struct, rename="camel", kw_only=True):
    """Cleaning (清洗): rows that came in, that went on, and that stayed behind by reason."""

    in_: int = msgspec.field(default=0, name="in")
    out: int = 0
    quarantined: dict[str, int] = {}


class MatchCounts(msgspec.Struct, rename="camel", kw_only=True):
    """Matching (匹配): whose rows they are."""

    in_: int = msgspec.field(default=0, name="in")
    matched: int = 0
    not_a_member: int = 0
    quarantined: dict[str, int] = {}


class LinkCounts(msgspec.Struct, rename="camel", kw_only=True):
    """Linking (关联): new facts, known facts that ended, known facts, and those that contradict what is known."""

    in_: int = msgspec.field(default=0, name="in")
    fresh: int = 0
    updated: int = 0
    duplicate: int = 0
    quarantined: dict[str, int] = {}


class SyncCounts(msgspec.Struct, rename="camel", kw_only=True):
    """Syncing (同步): what was stored. ``due`` counts citizens to be rescored, each once a chunk."""

    inserted: int = 0
    updated: int = 0
    late: int = 0
    due: int = 0
    notices: int = 0


class DistributeCounts(msgspec.Struct, rename="camel", kw_only=True):
    """Distributing (分发): events written."""

    events: int = 0


class ImportCounts(msgspec.Struct, rename="camel", kw_only=True):
    """What became of every row so far."""

    received: int = 0
    clean: CleanCounts = msgspec.field(default_factory=CleanCounts)
    match: MatchCounts = msgspec.field(default_factory=MatchCounts)
    link: LinkCounts = msgspec.field(default_factory=LinkCounts)
    sync: SyncCounts = msgspec.field(default_factory=SyncCounts)
    distribute: DistributeCounts = msgspec.field(default_factory=DistributeCounts)

    @property
    def quarantined(self) -> dict[str, int]:
        """Return how many rows stayed behind, by reason, whichever stage found it."""
        return add_counts(self.clean.quarantined, self.match.quarantined, self.link.quarantined)

    @property
    def summary(self) -> dict[str, int]:
        """Return what became of the rows: the other numbers add up to ``received``."""
        return {
            "received": self.received,
            "accepted": self.link.fresh,
            "updated": self.link.updated,
            "duplicate": self.link.duplicate,
            "not_a_member": self.match.not_a_member,
            "quarantined": sum(self.quarantined.values()),
        }

    @property
    def adds_up(self) -> bool:
        """Whether every row is counted once: in each stage, and over all."""
        clean, match, link = self.clean, self.match, self.link
        return (
            self.received == clean.in_ == clean.out + sum(clean.quarantined.values())
            and clean.out == match.in_ == match.matched + match.not_a_member + sum(match.quarantined.values())
            and match.matched == link.in_
            and link.in_ == link.fresh + link.updated + link.duplicate + sum(link.quarantined.values())
        )


def add_counts(*counts: Mapping[str, int]) -> dict[str, int]:
    """Add up numbers by name."""
    total: dict[str, int] = {}
    for one in counts:
        for name, number in one.items():
            total[name] = total.get(name, 0) + number
    return total


def count_names(names: Iterable[str], into: dict[str, int] | None = None) -> dict[str, int]:
    """Count how often each name occurs, adding to ``into`` where it is given."""
    counts = {} if into is None else into
    for name, number in Counter(names).items():
        counts[name] = counts.get(name, 0) + number
    return counts
