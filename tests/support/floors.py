"""The floors of the house, and which table is on which."""

from __future__ import annotations

import importlib
import re
import tomllib
from collections import defaultdict
from pathlib import Path

from piccolo.table import Table

from app.piccolo_app import TABLE_MODULES

PROJECT = Path(__file__).parents[2] / "pyproject.toml"


def read_floors() -> dict[str, int]:
    """Return how far down each room lies, as the contract of floors says."""
    linter = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["tool"]["importlinter"]
    layers = next(one["layers"] for one in linter["contracts"] if one["type"] == "layers")
    return {room: floor for floor, layer in enumerate(layers) for room in re.findall(r"\w+", layer)}


def read_owners() -> dict[str, list[str]]:
    """Return the rooms of every table: its room has a class for it, or names it in the ``OTHER_TABLES`` of `tables`."""
    owners = defaultdict(list)
    for module in TABLE_MODULES:
        tables = importlib.import_module(module)
        classes = [kind for kind in vars(tables).values() if isinstance(kind, type) and issubclass(kind, Table)]
        named = [kind._meta.tablename for kind in classes if kind.__module__ == tables.__name__]
        for name in (*named, *getattr(tables, "OTHER_TABLES", ())):
            owners[name].append(module.split(".")[1])
    return dict(owners)
