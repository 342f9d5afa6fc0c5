"""The verbs of staff accounts: the first administrators, whom nobody else could invite."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from app.event.actions import ensure_epoch
from app.kit.db.database import database_lifespan
from app.kit.errors import Refusal
from app.kit.process import surroundings
from app.kit.process.prepare import prepare_database
from app.official.actions import manage as manage_actions

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any


@click.group()
def official() -> None:
    """Staff accounts."""


@official.command("create-administrator")
@click.argument("username")
def create_administrator(username: str) -> None:
    """Invite an administrator of the credit centre; a centre needs at least two, and each enrols with their own code.

    Through the API two administrators are needed for each further one: whoever has this command line is trusted more.
    """
    _invite(manage_actions.create_administrator, username)


@official.command("reset-administrator")
@click.argument("username")
def reset_administrator(username: str) -> None:
    """Have an administrator of the credit centre enrol anew, when nobody is left who could confirm it."""
    _invite(manage_actions.reset_administrator, username)


def _invite(act: Callable[[str], Coroutine[Any, Any, manage_actions.Invitation]], username: str) -> None:
    async def run() -> manage_actions.Invitation:
        async with database_lifespan():
            await ensure_epoch()
            return await act(username)

    with surroundings.database():
        prepare_database()
        try:
            made = asyncio.run(run())
        except Refusal as refusal:
            raise click.ClickException(f"{refusal.text('zh')} {refusal.text('en')}") from None
    click.echo(f"username        {username}\nenrolment code  {made.enrolment_code}")
    click.echo(f"good until      {made.official.enrolment_expires_at:%Y-%m-%d %H:%M} UTC, once")
    click.echo("以此登记码调用 POST /v1/official/enrolments，由本人设置密码与动态口令")
    click.echo("the person enrols with it at POST /v1/official/enrolments")
