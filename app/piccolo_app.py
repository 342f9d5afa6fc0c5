"""Tells Piccolo where the migrations and the tables are."""

from __future__ import annotations

from pathlib import Path

from piccolo.conf.apps import AppConfig, table_finder

APP = Path(__file__).parent
TABLE_MODULES = ["app.kit.db.tables", *sorted(f"app.{path.parent.name}.tables" for path in APP.glob("*/tables.py"))]

APP_CONFIG = AppConfig(
    app_name="huixin",
    migrations_folder_path=str(APP.parent / "migrations"),
    table_classes=table_finder(modules=TABLE_MODULES),
)
