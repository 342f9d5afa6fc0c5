"""The engine Piccolo's tables and its migration runner use."""

from __future__ import annotations

from typing import Any

from piccolo.conf.apps import AppRegistry
from piccolo.engine.postgres import PostgresEngine

from app.settings import read_settings


class Engine(PostgresEngine):
    """A PostgreSQL engine that neither connects nor reads the settings when it is imported."""

    @property
    def config(self) -> dict[str, Any]:
        """Return with what a connection is opened; Piccolo would have it when the engine is made."""
        return connection_options()

    @config.setter
    def config(self, _: object) -> None:
        """Skip what Piccolo is given."""

    async def check_version(self) -> None:
        """Skip: importing must not need a database; migrate checks the version."""

    async def prep_database(self) -> None:
        """Skip: no extension is needed."""


def connection_options() -> dict[str, Any]:
    """Return what every connection gets: limits on waiting, and a name for the operator."""
    return {
        "dsn": read_settings().database_url,
        "server_settings": {
            "application_name": "huixin",
            "timezone": "UTC",
            "jit": "off",
            # Plans must not depend on how full a table was when they were made, nor cost more than what they plan:
            # planning one redemption takes 2 ms, doing it 0.6 ms.
            "plan_cache_mode": "force_generic_plan",
            "enable_seqscan": "off",
            "random_page_cost": "1.1",  # as on any disk without arms: look-ups by index, also where nothing is analysed
            "statement_timeout": "5s",
            "lock_timeout": "4s",
            "idle_in_transaction_session_timeout": "10s",
        },
    }


DB = Engine(config={})
APP_REGISTRY = AppRegistry(apps=["app.piccolo_app"])
