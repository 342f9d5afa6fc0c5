"""Tells Piccolo where the migrations and the tables are."""

from __future__ import annotations

from pathlib import Path

from piccolo.conf.apps import AppConfig, table_finder

ROOMS_WITH_TABLES = (
    "kit.db",
    "event", "citizen", "notice", "partner", "official", "consent", "record", "score", "campaign", "redemption",
    "repair", "membership", "intake",
)  # fmt: skip

APP_CONFIG = AppConfig(
    app_name="huixin",
    migrations_folder_path=str(Path(__file__).parent.parent / "migrations"),
    table_classes=table_finder(modules=[f"app.{room}.tables" for room in ROOMS_WITH_TABLES]),
)
