"""The command line: one verb per role, and the verbs an operator needs.

The settings are read once, when they are first imported; so every verb first makes sure of its surroundings and only
then imports what reads them.
"""
# ruff: noqa: PLC0415 - that is why imports stand inside functions here

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import click

from app.cli_score import score
from app.intake.file.commands import records
from app.kit.process import supervisor, surroundings
from app.kit.process.logs import configure_logs
from app.redemption.till.commands import redemption
from app.score.city.commands import distribution, recompute
from app.score.city.commands import verify as verify_scores
from app.town.city.commands import city

SANDBOX = "app.sandbox.main:app"
WORKERS_MAX = 64
DEMO_WORKERS = 2
KEY_SPREAD_SECONDS = 3  # every process reads a replaced key file within a second


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Huixin (惠信): what good credit earns. Settings come from the environment; README.md lists them."""
    configure_logs()
    supervisor.exit_on_sigterm()


@main.command()
@click.option("--workers", type=click.IntRange(1, WORKERS_MAX), default=1, envvar="WORKERS", show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=int, default=8000, show_default=True)
def serve(workers: int, host: str, port: int) -> None:
    """Run the API; without DATABASE_URL and VALKEY_URL with servers of its own under var/, and a worker beside it."""
    is_own_city = not os.environ.get("DATABASE_URL")
    with _whole_city(workers), ExitStack() as stack:
        prepare_database()
        if is_own_city:
            stack.enter_context(surroundings.beside((sys.executable, "-m", "app.cli", "worker")))
        import app.main  # before the workers fork, so that they share it
        from app.settings import SETTINGS

        del app
        supervisor.run_workers(
            _load_app,
            workers=workers,
            host=host,
            port=port,
            log_level=SETTINGS.log_level,
            figures=_figures(),
            is_behind_proxies=SETTINGS.proxies_trusted > 0,
        )


@main.command()
@click.option("--full", is_flag=True, help="Long work takes all the time it can instead of 0.3 of it.")
@click.option("--status", is_flag=True, help="Only tell what waits, runs and failed, and how far long work has come.")
def worker(*, full: bool, status: bool) -> None:
    """Do what happens by itself: imports, rescoring, notices, rule books, partitions, forgetting."""
    with surroundings.database():
        prepare_database()
        from app.kit.jobs.pace import FULL_SHARE, GENTLE_SHARE
        from app.worker import read_status, run_worker

        if status:
            click.echo("\n".join(asyncio.run(read_status())))
        else:
            asyncio.run(run_worker(FULL_SHARE if full else GENTLE_SHARE))


@main.command()
def migrate() -> None:
    """Bring the database to this version and make the partitions of the days ahead."""
    with surroundings.database():
        click.echo(prepare_database() or "nothing to do")


@main.command()
@click.option("--once", is_flag=True, help="Exit after the tour.")
@click.option("--citizens", type=click.IntRange(100), default=20_000, show_default=True, help="Of a city not yet made.")
def demo(*, once: bool, citizens: int) -> None:
    """Make a demo city and play the main job in it."""
    with _whole_city(DEMO_WORKERS):
        prepare_database()
        from app.demo.commands import run_demo

        run_demo(once=once, citizens=citizens)


@main.group()
def keys() -> None:
    """Make and rotate the city's secret keys."""


@keys.command("create")
@click.option("--production", is_flag=True, help="Mark the keys as a production city's.")
def create_keys(*, production: bool) -> None:
    """Make the key file; never over one that exists."""
    from app.kit.security.keys import make_keys, write_keys
    from app.settings import SETTINGS

    if SETTINGS.keys_path.exists():
        raise click.ClickException(f"{SETTINGS.keys_path} exists; without it nothing stored can be read again")
    write_keys(SETTINGS.keys_path, make_keys("production" if production else "development"))
    click.echo(f"wrote {SETTINGS.keys_path}; keep a copy where the database's backups are not")


@keys.command("rotate")
def rotate() -> None:
    """Give credit codes, access tokens and exports new keys; what is out now stays good for its time."""
    from app.kit.security.keys import KeysUnusable, rotate_file
    from app.settings import SETTINGS

    try:
        rotate_file(SETTINGS.keys_path, KEY_SPREAD_SECONDS)
    except (KeysUnusable, OSError) as error:
        raise click.ClickException(f"{SETTINGS.keys_path} stays as it is: {error}") from None
    click.echo("rotated")


@main.group()
def official() -> None:
    """Staff accounts."""


@official.command("create-administrator")
@click.argument("username")
def create_administrator(username: str) -> None:
    """Invite an administrator of the credit centre; a centre needs at least two, and each enrols with their own code.

    Through the API two administrators are needed for each further one: whoever has this command line is trusted more.
    """
    _invite("create_administrator", username)


@official.command("reset-administrator")
@click.argument("username")
def reset_administrator(username: str) -> None:
    """Have an administrator of the credit centre enrol anew, when nobody is left who could confirm it."""
    _invite("reset_administrator", username)


def _invite(action: str, username: str) -> None:
    with surroundings.database():
        prepare_database()
        from app.event.actions import ensure_epoch
        from app.kit.db.database import database_lifespan
        from app.kit.errors import Refusal
        from app.official.actions import manage as manage_actions

        async def run() -> Any:
            async with database_lifespan():
                await ensure_epoch()
                return await getattr(manage_actions, action)(username)

        try:
            made = asyncio.run(run())
        except Refusal as refusal:
            raise click.ClickException(f"{refusal.text('zh')} {refusal.text('en')}") from None
        click.echo(f"username        {username}\nenrolment code  {made.enrolment_code}")
        click.echo(f"good until      {made.official.enrolment_expires_at:%Y-%m-%d %H:%M} UTC, once")
        click.echo("以此登记码调用 POST /v1/official/enrolments，由本人设置密码与动态口令")
        click.echo("the person enrols with it at POST /v1/official/enrolments")


@main.command()
def verify() -> None:
    """Check the invariants that hold at any time; exits with 1 when one does not."""
    with surroundings.database():
        from app.verify import run_checks

        failed = asyncio.run(run_checks(click.echo))
    if failed:
        raise SystemExit(1)


@main.command(hidden=True)
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path("openapi"))
def openapi(folder: Path) -> None:
    """Write openapi.json and refusals.md."""
    from app.kit.web.openapi_files import write_openapi_files
    from app.main import create_app

    write_openapi_files(create_app(), folder)


def prepare_database() -> str:
    """Make keys where there are none, migrate, and make the partitions ahead; returns what migrating said."""
    from app.kit.process.prepare import prepare_database as prepare

    return prepare()


main.add_command(city)
main.add_command(records)
main.add_command(redemption)
main.add_command(score)
for scoring in (recompute, verify_scores, distribution):
    score.add_command(scoring)


def _whole_city(workers: int) -> AbstractContextManager[None]:
    from app.sandbox.answers import ENVIRONMENT

    return surroundings.whole_city(workers=workers, sandbox=SANDBOX, sandbox_environment=ENVIRONMENT)


def _figures() -> Any:
    from app.kit.process.figures import FigureServer
    from app.settings import SETTINGS

    folder = Path(os.environ[surroundings.METRICS_VARIABLE])
    is_needed = SETTINGS.environment == "production"
    return FigureServer(folder, SETTINGS.metrics_host, SETTINGS.metrics_port, is_needed=is_needed)


def _load_app() -> Any:
    from app.main import create_app

    return create_app()


if __name__ == "__main__":
    main()
