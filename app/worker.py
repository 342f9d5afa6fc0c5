"""What happens by itself: by the clock and as soon as somebody asks, each job alone among all workers.

Jobs wait in the queue's tables and each kind runs beside the others, so a file of a million rows holds up no notice.
Every job may be stopped anywhere and run again. Long ones rest between their pieces unless told to run at full pace.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
from functools import partial

from app.citizen.actions import session as session_actions
from app.intake.file.actions import quarantine as quarantine_actions
from app.intake.file.actions import run as run_actions
from app.intake.file.actions import upload as upload_actions
from app.intake.file.queries import imports as imports_queries
from app.intake.points.actions import events as events_actions
from app.intake.proposal import actions as proposal_actions
from app.kit.background import keep_doing
from app.kit.clock import now
from app.kit.db.database import database_lifespan
from app.kit.db.partitions import drop_old_partitions, make_partitions
from app.kit.jobs.jobs import Job, StoppablePace, run_jobs
from app.kit.jobs.pace import FULL_SHARE, GENTLE_SHARE
from app.kit.jobs.queue import forget_old_jobs, list_queue_sizes
from app.kit.outside.ask import outside_lifespan
from app.kit.outside.valkey import valkey_lifespan
from app.kit.security.keys import ensure_keys
from app.membership.actions import joining as joining_actions
from app.notice.actions import notices as notices_actions
from app.notice.actions import send as send_actions
from app.score.city.actions import prepare as prepare_actions
from app.score.current.actions import rescore as rescore_actions
from app.score.preview import actions as preview_actions
from app.values.days import SHANGHAI, shanghai_day

COMMAND_SECONDS_MAX = 60  # a piece of long work may take longer than a request
IMPORTS_TOLD_MAX = 20
RESCORE_CHUNK = 500
RESCORE_CHUNKS_MAX = 1000  # of one run; what is left then is taken by the next


async def keep_partitions(_: StoppablePace) -> None:
    """Make the partitions of the days ahead and drop the scans nobody may redeem any more."""
    today = shanghai_day(now())
    await make_partitions(today)
    await drop_old_partitions(today)


async def rescore(pace: StoppablePace) -> None:
    """Rescore, in chunks that commit, whoever waits for it, and whose score changes by today without a new record."""
    for _ in range(RESCORE_CHUNKS_MAX):
        async with pace.work():
            if await rescore_actions.rescore_waiting(RESCORE_CHUNK, at=now()) < RESCORE_CHUNK:
                return


async def run_imports(pace: StoppablePace) -> None:
    """Run the files of records that wait."""
    while await run_actions.run_waiting_imports(pace=pace):
        pass


async def prepare_scores(pace: StoppablePace) -> None:
    """Score the city under the rule book that comes into force next, and tell of a switch afterwards."""
    await prepare_actions.prepare_scheduled(at=now(), pace=pace)


async def switch_scores(_: StoppablePace) -> None:
    """Bring the prepared rule book into force when its day has come."""
    await prepare_actions.switch_due(at=now())


async def run_previews(pace: StoppablePace) -> None:
    """Count what rule books that are not yet in force would change."""
    await preview_actions.run_waiting_previews(pace=pace)


async def count_points(_: StoppablePace) -> None:
    """Count the events of city apps that wait."""
    await events_actions.count_waiting_events()


async def send_notices(pace: StoppablePace) -> None:
    """Send the notices that wait, without resting: people wait for them, and the services do most of the work."""
    await send_actions.send_pending(StoppablePace(FULL_SHARE, pace.stopping))


async def forget(_: StoppablePace) -> None:
    """Forget who left a year ago, sessions long dead, rows long in quarantine, uploads given up, old proposals."""
    await joining_actions.forget_old_tombstones(now())
    await session_actions.forget_old_sessions(now())
    await quarantine_actions.forget_old(now())
    await upload_actions.forget_given_up(now())
    await proposal_actions.forget_old_proposals(now())
    await events_actions.forget_given_up_events(now())


async def keep_queue_small(_: StoppablePace) -> None:
    """Forget what the queue noted of jobs that ended days ago."""
    await forget_old_jobs(now())


# The clock is UTC: Shanghai's midnight is 16:00. Whoever is due by date is rescored by the first run after it.
JOBS = (
    Job("send_notices", "* * * * *", send_notices),
    Job("points", "* * * * *", count_points),
    Job("rescore", "* * * * * */10", rescore),
    Job("imports", "* * * * *", run_imports),
    Job("previews", "* * * * *", run_previews),
    Job("prepare_scores", "* * * * *", prepare_scores),
    Job("switch_scores", "* * * * * */20", switch_scores),
    Job("partitions", "3 * * * *", keep_partitions),
    Job("forget", "13 * * * *", forget),
    Job("keep_queue_small", "23 * * * *", keep_queue_small),
)


async def run_worker(share: float = GENTLE_SHARE) -> None:
    """Work until SIGTERM or SIGINT; short jobs at hand finish, long ones end after the piece at hand."""
    pace = StoppablePace(share)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, pace.stopping.set)
    ensure_keys()
    async with (
        database_lifespan(command_seconds_max=COMMAND_SECONDS_MAX),
        valkey_lifespan(),
        outside_lifespan(),
    ):
        await keep_working(JOBS, pace)


async def keep_working(jobs: Sequence[Job], pace: StoppablePace) -> None:
    """Run jobs until told to stop; whatever the queue stumbles over, it begins again."""
    await keep_doing("doing jobs", partial(run_jobs, jobs, pace), stopping=pace.stopping)


async def read_status() -> list[str]:
    """Return what an operator wants to know: each job's queue, and how far long work has come."""
    async with database_lifespan():
        return [*await _tell_queue(), "", *await _tell_progress()]


async def _tell_queue() -> list[str]:
    lines = [f"{'job':<18}{'waiting':>8}{'running':>8}  {'last done':<16}last failed"]
    for size in await list_queue_sizes():
        done, failed = (
            f"{at.astimezone(SHANGHAI):%m-%d %H:%M:%S}" if at else "-" for at in (size.done_at, size.failed_at)
        )
        lines.append(f"{size.entrypoint:<18}{size.waiting:>8}{size.running:>8}  {done:<16}{failed}")
    return lines


async def _tell_progress() -> list[str]:
    deliveries = await notices_actions.count_deliveries()
    lines = ["notices           " + (", ".join(f"{name} {number}" for name, number in deliveries.items()) or "none")]
    for waiting in await imports_queries.list_spooled(IMPORTS_TOLD_MAX):
        row = await imports_queries.find_import(waiting.id)
        if row is None:
            continue
        share = 100 * row.seen_bytes // max(row.file_bytes or 1, 1)
        lines.append(f"import            {row.id} from {row.source}: {row.state}, {share} %")
    preparation = await prepare_actions.read_progress()
    if preparation is not None:
        done = f"{preparation.chunks_done} of {preparation.chunks} ranges"
        lines.append(f"rule book {preparation.rule_book_id:<8}{preparation.phase} for {preparation.as_of}: {done}")
    return lines
