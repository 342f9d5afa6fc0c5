"""The floors of the house."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

PROJECT = Path(__file__).parents[2] / "pyproject.toml"


def read_floors() -> dict[str, int]:
    """Return how far down each room lies, as the contract of floors says."""
    linter = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["tool"]["importlinter"]
    layers = next(one["layers"] for one in linter["contracts"] if one["type"] == "layers")
    return {room: floor for floor, layer in enumerate(layers) for room in re.findall(r"\w+", layer)}
