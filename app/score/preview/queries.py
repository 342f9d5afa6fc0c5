"""SQL of previews: what a rule book would change, counted in chunks of citizens that commit."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from app.kit.db.database import execute, fetch_all, fetch_one, fetch_value
from app.kit.db.rows import fetch_row, fetch_rows, run, select
from app.score.preview.cells import CELL_MIN
from app.score.preview.report import PreviewReport, PreviewState, Sample, SampledCitizen, Tally
from app.score.tables import ReleasedPreview, RuleBookPreview, RuleBookPreviewRequest

NOBODY_YET = UUID(int=0)


class StoredPreview(msgspec.Struct, frozen=True, kw_only=True):
    """A preview and how far it has come; ``counts`` are JSON, exact, and never released as they are."""

    rule_book_id: int
    from_rule_book_id: int
    state: PreviewState
    sample: Sample
    day: date
    requested_at: datetime
    after_id: UUID
    citizens_done: int
    citizens_total: int | None
    counts: str
    report: str | None
    finished_at: datetime | None

    def read_report(self) -> PreviewReport | None:
        """Return what is released; None until it is done, and of too few people."""
        return None if self.report is None else msgspec.json.decode(self.report, type=PreviewReport)

    def read_counts(self) -> Tally:
        """Return what was counted so far."""
        return msgspec.json.decode(self.counts, type=Tally)

    def is_whole(self) -> bool:
        """Whether everybody it counted was counted by this version."""
        return self.read_counts().people == self.citizens_done

    def is_open(self) -> bool:
        """Whether the worker has something to do about it, as ``OPEN`` says."""
        is_too_few = self.is_whole() and self.citizens_done < CELL_MIN
        return self.state != "done" or (self.report is None and not is_too_few)


class ReleasedReport(msgspec.Struct, frozen=True):
    """A report that was released, and the buckets another preview is compared with; ``report`` is JSON."""

    buckets: bytes
    report: str


class RequestCount(msgspec.Struct, frozen=True):
    """How many previews were asked for."""

    of_book: int
    by_official: int


COLUMNS = """
    p.rule_book_id, p.from_rule_book_id, p.state, p.sample, p.day, p.requested_at, p.after_id, p.citizens_done,
    p.citizens_total, p.counts, p.report, p.finished_at
"""
# Whether the worker has something to do about a preview. One that is done without a report is about too few people, or
# a process of an earlier version has counted it, in part or to its end. What such a process counted can be neither
# rounded nor compared, so it is counted anew; it is recognised by the number of people, which such a process drops.
OPEN = f"""(p.state <> 'done' OR (p.report IS NULL AND NOT (
    coalesce((p.counts ->> 'people')::bigint, 0) = p.citizens_done AND p.citizens_done < {CELL_MIN})))"""


async def find_preview(rule_book_id: int) -> StoredPreview | None:
    """Find the preview of a content."""
    preview = select(RuleBookPreview, StoredPreview)
    return await fetch_row(StoredPreview, preview.where(RuleBookPreview.rule_book_id == rule_book_id))


async def insert_preview(rule_book_id: int, sample: Sample, day: date, official_id: UUID, at: datetime) -> int:
    """Ask for a preview, or for another one in the place of the last; 0 when the same one is under way already."""
    return await execute(
        """
        INSERT INTO rule_book_preview AS p (rule_book_id, from_rule_book_id, state, sample, day, requested_by,
                                            requested_at, after_id)
        SELECT $1, b.id, 'waiting', $2, $3, $4, $5, $6 FROM rule_book b WHERE b.state = 'active'
        ON CONFLICT (rule_book_id) DO UPDATE SET
            from_rule_book_id = excluded.from_rule_book_id, state = 'waiting', sample = excluded.sample,
            day = excluded.day, requested_by = excluded.requested_by, requested_at = excluded.requested_at,
            after_id = excluded.after_id, citizens_done = 0, citizens_total = NULL, counts = '{}',
            report = NULL, finished_at = NULL
        WHERE p.state = 'done' OR p.sample <> excluded.sample
        """,
        rule_book_id, sample, day, official_id, at, NOBODY_YET,
    )  # fmt: skip


async def find_open_preview() -> StoredPreview | None:
    """Find the preview that has waited longest; one whose book came into force meanwhile waits for nothing."""
    return await fetch_one(
        StoredPreview,
        f"""
        SELECT {COLUMNS} FROM rule_book_preview p JOIN rule_book b ON b.id = p.rule_book_id
        WHERE {OPEN} AND b.state IN ('draft', 'submitted', 'scheduled')
        ORDER BY p.requested_at, p.rule_book_id LIMIT 1
        """,
    )


async def count_scored(rule_book_id: int) -> int:
    """Return how many citizens have a score under a rule book."""
    return int(await fetch_value("SELECT count(*) FROM score_snapshot WHERE rule_book_id = $1", rule_book_id))


async def mark_running(row: StoredPreview, from_rule_book_id: int, citizens_total: int) -> int:
    """Begin a preview, from nobody; 0 when it was asked for anew meanwhile."""
    return await execute(
        f"""
        UPDATE rule_book_preview AS p
           SET state = 'running', from_rule_book_id = $3, citizens_total = $4, after_id = $5, citizens_done = 0,
               counts = '{{}}', finished_at = NULL
         WHERE rule_book_id = $1 AND requested_at = $2 AND {OPEN}
        """,
        row.rule_book_id, row.requested_at, from_rule_book_id, citizens_total, NOBODY_YET,
    )  # fmt: skip


async def list_sampled(row: StoredPreview, parts: int, limit: int) -> list[SampledCitizen]:
    """Return the next citizens of a sample, by id; who is in it depends on nothing but the citizen's own id."""
    return await fetch_all(
        SampledCitizen,
        """
        SELECT s.citizen_id AS id, s.value AS from_value, s.level AS from_level,
               coalesce(c.district, '000000') AS district, c.birth_on
        FROM score_snapshot s JOIN citizen c ON c.id = s.citizen_id
        WHERE s.citizen_id > $1 AND s.rule_book_id = $2 AND c.birth_on IS NOT NULL
          AND (hashtextextended(s.citizen_id::text, 0) & 9223372036854775807) % $3::bigint = 0
        ORDER BY s.citizen_id LIMIT $4
        """,
        row.after_id, row.from_rule_book_id, parts, limit,
    )  # fmt: skip


async def mark_plan_custom() -> None:
    """Plan statements for their own arguments until the transaction ends: one citizen's plan is wrong for hundreds."""
    await execute("SELECT set_config('plan_cache_mode', 'force_custom_plan', true)")


async def update_progress(row: StoredPreview, after_id: UUID, citizens_done: int, counts: str) -> int:
    """Store one more chunk; 0 when somebody else stored it, or the preview is another one by now."""
    preview = RuleBookPreview.update({
        RuleBookPreview.after_id: after_id, RuleBookPreview.citizens_done: citizens_done,
        RuleBookPreview.counts: counts,
    })  # fmt: skip
    return await run(preview.where(*_is_running(row)))


async def mark_done(row: StoredPreview, at: datetime, report: str | None) -> int:
    """Finish a preview that has seen everybody, with the report that is released; 0 when somebody else has."""
    preview = RuleBookPreview.update({
        RuleBookPreview.state: "done", RuleBookPreview.citizens_total: RuleBookPreview.citizens_done,
        RuleBookPreview.finished_at: at, RuleBookPreview.report: report,
    })  # fmt: skip
    return await run(preview.where(*_is_running(row)))


def _is_running(row: StoredPreview) -> tuple[Any, ...]:
    """Match a preview that is where it was read: nobody has gone on with it, or asked for it anew."""
    return (
        RuleBookPreview.rule_book_id == row.rule_book_id, RuleBookPreview.requested_at == row.requested_at,
        RuleBookPreview.after_id == row.after_id, RuleBookPreview.state == "running",
    )  # fmt: skip


async def list_released(sample: Sample, since: datetime) -> list[ReleasedReport]:
    """Return the reports of a sample released since an instant, the latest first."""
    released = select(ReleasedPreview, ReleasedReport).where(ReleasedPreview.sample == sample)
    latest_first = released.where(ReleasedPreview.told_at >= since).order_by(ReleasedPreview.told_at, ascending=False)
    return await fetch_rows(ReleasedReport, latest_first)


async def insert_released(report_id: UUID, sample: Sample, at: datetime, buckets: bytes, report: str) -> None:
    """Remember the report that was released of a sample."""
    released = ReleasedPreview(id=report_id, sample=sample, told_at=at, buckets=buckets, report=report)
    await run(ReleasedPreview.insert(released))


async def delete_released(before: datetime) -> int:
    """Forget the reports nothing is compared with any more."""
    return await run(ReleasedPreview.delete().where(ReleasedPreview.told_at < before))


async def insert_request(request_id: UUID, public_id: UUID, official_id: UUID, at: datetime, day: date) -> None:
    """Write down that a preview was asked for."""
    request = RuleBookPreviewRequest(
        id=request_id, public_id=public_id, requested_by=official_id, requested_at=at, day=day
    )
    await run(RuleBookPreviewRequest.insert(request))


async def count_requests(public_id: UUID, official_id: UUID, day: date) -> RequestCount:
    """Count what was asked for on a day, of a rule book and by an official."""
    found = await fetch_one(
        RequestCount,
        """
        SELECT count(*) FILTER (WHERE public_id = $1) AS of_book,
               count(*) FILTER (WHERE requested_by = $2) AS by_official
        FROM rule_book_preview_request WHERE day = $3 AND (public_id = $1 OR requested_by = $2)
        """,
        public_id, official_id, day,
    )  # fmt: skip
    assert found is not None, "an aggregate has a row"
    return found
