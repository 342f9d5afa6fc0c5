"""Which facts our own rooms write down themselves, and which room each of them (``data/usage.csv``). Pure."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from app.record.catalogue import CATALOGUE

WRITTEN_INDICATORS = Path(__file__).parent / "data" / "usage.csv"


class UsageWrong(Exception):  # noqa: N818 - it says what is true, like every refusal
    """A room writes what is not its own to write: a bug, not a request."""


def parse_writers(text: str) -> dict[str, str]:
    """Read which room writes which indicator; only indicators of the catalogue that are not computed can be."""
    writers = {row["indicator"]: row["room"] for row in csv.DictReader(text.splitlines())}
    for code in writers:
        indicator = CATALOGUE.indicators.get(code)
        if indicator is None or indicator.measure == "computed":
            raise UsageWrong(f"{code} cannot be written by a room")
    return writers


WRITERS: Mapping[str, str] = parse_writers(WRITTEN_INDICATORS.read_text(encoding="utf-8"))


def check_writer(indicator: str, room: str) -> None:
    """Refuse a room that writes what the list does not give to it."""
    if WRITERS.get(indicator) != room:
        raise UsageWrong(f"{room} does not write {indicator}")
