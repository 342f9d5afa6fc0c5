"""The verbs of what every city needs: its database at this version, the schema of it, and its keys."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from app.kit.db.schema import read_schema
from app.kit.process import surroundings
from app.kit.process.prepare import prepare_database
from app.kit.security.keys import KeysUnusable, make_keys, rotate_file, write_keys
from app.settings import read_settings

KEY_SPREAD_SECONDS = 3  # every process reads a replaced key file within a second


@click.command()
def migrate() -> None:
    """Bring the database to this version and make the partitions of the days ahead."""
    with surroundings.database():
        click.echo(prepare_database() or "nothing to do")


@click.command(hidden=True)
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path), default=Path("migrations/schema.sql"))
def schema(path: Path) -> None:
    """Write schema.sql, from a database of its own: a city's tables may have changed their names with a switch."""
    with surroundings.scratch_database():
        prepare_database()
        path.write_text(asyncio.run(read_schema()), encoding="utf-8")


@click.group()
def keys() -> None:
    """Make and rotate the city's secret keys."""


@keys.command("create")
@click.option("--production", is_flag=True, help="Mark the keys as a production city's.")
def create(*, production: bool) -> None:
    """Make the key file; never over one that exists."""
    path = read_settings().keys_path
    if path.exists():
        raise click.ClickException(f"{path} exists; without it nothing stored can be read again")
    write_keys(path, make_keys("production" if production else "development"))
    click.echo(f"wrote {path}; keep a copy where the database's backups are not")


@keys.command("rotate")
def rotate() -> None:
    """Give credit codes, access tokens and exports new keys; what is out now stays good for its time."""
    path = read_settings().keys_path
    try:
        rotate_file(path, KEY_SPREAD_SECONDS)
    except (KeysUnusable, OSError) as error:
        raise click.ClickException(f"{path} stays as it is: {error}") from None
    click.echo("rotated")
