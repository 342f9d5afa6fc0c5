"""The verbs of the API: run it, with whatever a city has not got of its own, and describe it."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path

import click

from app.kit.process import supervisor, surroundings
from app.kit.process.figures import FigureServer
from app.kit.process.prepare import prepare_database
from app.kit.web.openapi_files import write_openapi_files
from app.main import create_app
from app.sandbox.answers import ENVIRONMENT, TARGET
from app.settings import read_settings

WORKERS_MAX = 64


@click.command()
@click.option("--workers", type=click.IntRange(1, WORKERS_MAX), default=1, envvar="WORKERS", show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=int, default=8000, show_default=True)
def serve(workers: int, host: str, port: int) -> None:
    """Run the API; without DATABASE_URL and VALKEY_URL with servers of its own under var/, and a worker beside it."""
    is_own_city = not os.environ.get("DATABASE_URL")
    city = surroundings.whole_city(workers=workers, sandbox=TARGET, sandbox_environment=ENVIRONMENT)
    with city, ExitStack() as stack:
        prepare_database()
        if is_own_city:
            stack.enter_context(surroundings.beside((sys.executable, "-m", "app.cli", "worker")))
        settings = read_settings()
        supervisor.run_workers(
            create_app,
            workers=workers,
            host=host,
            port=port,
            log_level=settings.log_level,
            figures=FigureServer(
                Path(os.environ[surroundings.METRICS_VARIABLE]),
                settings.metrics_host,
                settings.metrics_port,
                is_needed=settings.environment == "production",
            ),
            is_behind_proxies=settings.proxies_trusted > 0,
        )


@click.command(hidden=True)
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path("openapi"))
def openapi(folder: Path) -> None:
    """Write openapi.json and refusals.md."""
    write_openapi_files(create_app(), folder)
