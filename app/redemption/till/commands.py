"""The command line of redemptions, for those whom a partner asks."""

from __future__ import annotations

import asyncio

import click

from app.kit.db.database import database_lifespan
from app.kit.process import surroundings
from app.redemption.till.actions.tries import NOTES_OF_INSTITUTION_MAX, NOTES_OF_TERMINAL_MAX
from app.redemption.till.actions.why import TRIES_MAX, ExplainedTries, ExplainedTry, explain_tries
from app.values.days import SHANGHAI

PATIENCE_SECONDS = 600
NOTHING = """没有此业务单号的核销 nothing is stored under {}: no redemption, and no refusal of the last two months.
每台终端每分钟最多记录 {} 次不同的被拒尝试，每家机构每小时最多 {} 次；请稍后重试（429、503）不记录
Of a terminal at most {} different refusals a minute are stored, of an institution {} an hour; a 429 or 503 never is."""


@click.group()
def redemption() -> None:
    """Redemptions: what became of one."""


@redemption.command("why")
@click.argument("reference")
@click.option("--institution", help="Whose reference it is, by name or id; without it every institution's.")
def why(reference: str, institution: str | None) -> None:
    """Tell what became of each try to redeem under a partner's REFERENCE, or why it was refused.

    Refused tries of the last two months; redemptions of any time. Exits with 1 when there is none.
    """
    with surroundings.database():

        async def run() -> ExplainedTries:
            async with database_lifespan(command_seconds_max=PATIENCE_SECONDS):
                return await explain_tries(reference, institution)

        found = asyncio.run(run())
    if not found.tries:
        limits = (NOTES_OF_TERMINAL_MAX, NOTES_OF_INSTITUTION_MAX)
        raise click.ClickException(NOTHING.format(reference, *limits, *limits))
    if found.has_older:
        click.echo(f"仅显示最近 {TRIES_MAX} 次，更早的未显示 these are the newest {TRIES_MAX}; there are older ones")
    for one in found.tries:
        click.echo(_show(one))


def _show(one: ExplainedTry) -> str:
    tried = one.tried
    at = f"{tried.at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S.%f}"[:-3]
    place = " / ".join(name or "-" for name in (tried.institution, tried.store, tried.terminal))
    lines = [f"{at}  {place}", f"  {tried.outcome}  {one.zh} {one.en}".rstrip()]
    return "\n".join([*lines, f"  trace {tried.trace_id.hex}"] if tried.trace_id else lines)
