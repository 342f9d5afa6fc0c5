"""What must hold at any time, in production too: every check says what is wrong, or nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from app.kit.clock import now
from app.kit.db.audit import find_broken_entry
from app.kit.db.database import database_lifespan
from app.kit.db.migration import find_missing_migrations
from app.kit.db.partitions import count_days_ahead
from app.kit.security.keys import ensure_keys
from app.redemption.books.actions import verify as redemption
from app.repair.actions.citizen import load_calendar
from app.score.current.actions import read as score
from app.values.days import shanghai_day
from app.values.working_days import knows_year

SCORES_SAMPLED = 1_000
CHECK_SECONDS_MAX = 600
CALENDAR_DAYS_AHEAD = 60
Check = Callable[[], Awaitable[str | None]]


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


async def check_scores() -> str | None:
    """Every current score, of a sample, is what the engine computes again."""
    wrong = await score.find_wrong_scores(SCORES_SAMPLED)
    return f"differs for citizens {', '.join(map(str, wrong))}" if wrong else None


async def check_working_days() -> str | None:
    """Look whether the calendar of working days knows the holidays of the next months."""
    day = shanghai_day(now()) + timedelta(days=CALENDAR_DAYS_AHEAD)
    return None if knows_year(day.year, load_calendar()) else f"{day.year} is not in it: give WORKING_DAYS_FILE"


CHECKS: tuple[tuple[str, Check], ...] = (
    ("migrations complete", check_migrations),
    ("partitions ahead", check_partitions),
    ("audit chain whole", check_audit_chain),
    ("stock used is redemptions not reversed", redemption.check_stock),
    ("no more stand than a stock in force, but from before it", redemption.check_stock_held),
    ("uses of each person are redemptions not reversed", redemption.check_uses),
    ("nobody above a cap", redemption.check_caps),
    ("every redemption of 7 days has scan, event and access log", redemption.check_traces),
    ("working days known ahead", check_working_days),
    (f"scores equal their recomputation (sample of {SCORES_SAMPLED:,})", check_scores),
)


async def run_checks(say: Callable[[str], None]) -> int:
    """Run every check, say how each went, and return how many failed."""
    failed = 0
    ensure_keys()
    async with database_lifespan(command_seconds_max=CHECK_SECONDS_MAX):
        for name, check in CHECKS:
            problem = await check()
            failed += problem is not None
            say(f"{'ok  ' if problem is None else 'FAIL'}  {name}{'' if problem is None else ': ' + problem}")
    return failed
