"""What a file's rows became, stage by stage, and the limits of a file. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Literal

import msgspec

from app.intake.rules import make_flaws
from app.record.rules_award import add_months

UPLOAD_BYTES_MAX = 200 * 1024 * 1024
PART_BYTES = 1024 * 1024  # of an upload, encrypted and stored as one
CHUNK_BYTES = 512 * 1024  # of a file: a few thousand rows, cleaned together and stored in one transaction
LATE_MONTHS = 1  # an entry made longer after its event is late
UPLOAD_SECONDS_MAX = 900
UPLOAD_LIFE = timedelta(hours=1)  # an upload that has not ended by then was given up

ImportState = Literal["uploading", "waiting", "running", "finished", "refused", "cancelled"]
ImportMove = Literal["start", "finish", "refuse", "cancel"]
IMPORT_MOVES: dict[ImportState, dict[ImportMove, ImportState]] = {
    "uploading": {},
    "waiting": {"start": "running", "refuse": "refused", "cancel": "cancelled"},
    "running": {"finish": "finished", "refuse": "refused", "cancel": "cancelled"},
    "finished": {},
    "refused": {},
    "cancelled": {},
}

IMPORT_FLAWS = make_flaws(
    ("name_mismatch", "/name", "姓名与该身份证号码不符", "the name does not fit the ID number"),
    (
        "id_number_of_two_names",
        "/idNumber",
        "同一身份证号码对应两个姓名，且都无法核实",
        "one ID number with two names, and neither is known to be right",
    ),
    (
        "honour_not_renewable",
        "/honour",
        "该荣誉不可重复授予，此前授予的仍然有效",
        "this honour is given once and is still in force",
    ),
    ("source_unknown", "/source", "该来源尚未登记", "this source is not registered"),
    (
        "not_of_this_source",
        "",
        "该来源未登记报送此指标或荣誉",
        "the source is not registered to report this indicator or honour",
    ),
    (
        "quarantine_row_unknown",
        "",
        "更正文件的行号不在原文件的待更正行中",
        "the row's number is not one of the rows to be corrected",
    ),
)
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


def compute_late_before(today: date) -> date:
    """Return the first day whose events are not late when they are entered on a day."""
    return add_months(today, -LATE_MONTHS)


def is_late(event_on: date, ends_on: date | None, late_before: date) -> bool:
    """Whether an entry is late: what happened last, the event or its end, lies more than a month back."""
    return max(event_on, ends_on or event_on) < late_before
