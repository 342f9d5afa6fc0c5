"""What rooms do without being asked: the one list of their jobs, of what they forget, and of what must hold.

A room offers ``JOBS``, ``FORGETS`` and ``CHECKS`` in its actions, beside what they are about; here they are put
together, with those of the house itself. How tables are cut by time is in ``PARTITIONS`` of a room's ``tables``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.citizen.actions import session as session_actions
from app.intake.file.actions import quarantine as quarantine_actions
from app.intake.file.actions import run as run_actions
from app.intake.file.actions import upload as upload_actions
from app.intake.points.actions import events as events_actions
from app.intake.proposal import actions as proposal_actions
from app.kit.check import Check
from app.kit.clock import now
from app.kit.db.audit import find_broken_entry
from app.kit.db.migration import find_missing_migrations
from app.kit.db.partitions import count_days_ahead, drop_old_partitions, make_partitions
from app.kit.jobs.queue import Job, forget_old_jobs
from app.membership.actions import joining as joining_actions
from app.notice.actions import send as send_actions
from app.redemption.books.actions import verify as verify_actions
from app.repair.actions import citizen as repair_actions
from app.score.city.actions import prepare as prepare_actions
from app.score.current.actions import read as read_actions
from app.score.current.actions import rescore as rescore_actions
from app.score.preview import actions as preview_actions
from app.values.days import shanghai_day

if TYPE_CHECKING:
    from app.kit.jobs.pace import Pace


async def keep_partitions(_: Pace) -> None:
    """Make the partitions of the days ahead; drop the scans nobody may redeem any more and the old refused tries."""
    today = shanghai_day(now())
    await make_partitions(today)
    await drop_old_partitions(today)


async def forget(_: Pace) -> None:
    """Have every room delete what was stored long enough; each has a limit of its own."""
    for forget_old in FORGETS:
        await forget_old(now())


async def keep_queue_small(_: Pace) -> None:
    """Delete the queue's log of jobs that ended days ago."""
    await forget_old_jobs(now())


async def check_migrations() -> str | None:
    """Every migration has run."""
    missing = await find_missing_migrations()
    return f"not run: {', '.join(missing)}" if missing else None


async def check_partitions() -> str | None:
    """Tomorrow has its partitions."""
    days = await count_days_ahead(shanghai_day(now()))
    return None if days > 0 else "there are none for tomorrow"


async def check_audit_chain() -> str | None:
    """Every audit entry fits the one before, up to the signed head."""
    broken = await find_broken_entry()
    return None if broken is None else f"entry {broken} is missing or does not fit"


FORGETS = (
    *joining_actions.FORGETS,
    *session_actions.FORGETS,
    *quarantine_actions.FORGETS,
    *upload_actions.FORGETS,
    *proposal_actions.FORGETS,
    *events_actions.FORGETS,
)
JOBS = (
    *send_actions.JOBS,
    *events_actions.JOBS,
    *rescore_actions.JOBS,
    *run_actions.JOBS,
    *preview_actions.JOBS,
    *prepare_actions.JOBS,
    Job("partitions", "3 * * * *", keep_partitions),
    Job("forget", "13 * * * *", forget),
    Job("keep_queue_small", "23 * * * *", keep_queue_small),
)
CHECKS = (
    Check("migrations complete", check_migrations),
    Check("partitions ahead", check_partitions),
    Check("audit chain whole", check_audit_chain),
    *verify_actions.CHECKS,
    *repair_actions.CHECKS,
    *read_actions.CHECKS,
)
