"""The command line of redemptions, for those whom a partner asks."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import click

from app.kit.clock import now
from app.kit.db.database import database_lifespan
from app.kit.process import surroundings
from app.redemption.till.actions.why import ExplainedTry, explain_tries
from app.values.days import SHANGHAI

DAYS_DEFAULT = 62  # as long as tries behind which nobody was found are stored
DAYS_MAX = 3_660
PATIENCE_SECONDS = 600


@click.group()
def redemption() -> None:
    """Redemptions: what became of one."""


@redemption.command("why")
@click.argument("reference")
@click.option("--institution", help="Whose reference it is, by name or id; without it every institution's.")
@click.option("--days", type=click.IntRange(1, DAYS_MAX), default=DAYS_DEFAULT, show_default=True)
def why(reference: str, institution: str | None, days: int) -> None:
    """Tell what became of each try to redeem under a partner's REFERENCE, or why it was refused.

    Refused tries of the last DAYS days; redemptions of any time. Exits with 1 when there is none.
    """
    with surroundings.database():

        async def run() -> list[ExplainedTry]:
            async with database_lifespan(command_seconds_max=PATIENCE_SECONDS):
                return await explain_tries(reference, institution, now() - timedelta(days=days))

        tries = asyncio.run(run())
        for one in tries:
            click.echo(_show(one))
    if not tries:
        raise click.ClickException(f"没有此业务单号的核销 nothing was tried under {reference} in {days} days")


def _show(one: ExplainedTry) -> str:
    tried = one.tried
    at = f"{tried.at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S.%f}"[:-3]
    place = " / ".join(name or "-" for name in (tried.institution, tried.store, tried.terminal))
    trace = tried.trace_id.hex if tried.trace_id else "-"
    return f"{at}  {place}\n  {tried.outcome}  {one.zh} {one.en}\n  trace {trace}"
