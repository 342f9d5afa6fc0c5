"""One word, one meaning: 激励措施 is what a campaign gives; 权益 is in 权益券, the voucher, and nowhere else."""

from __future__ import annotations

import re
from pathlib import Path

FILES = sorted(
    path
    for folder in ("app", "migrations")
    for path in Path(folder).rglob("*.py")
    if path.parts[1] != "demo"  # the tour has its own words
)
STRAY = re.compile(r"权益(?!券)")


def test_a_benefit_is_called_by_its_name() -> None:
    assert len(FILES) > 100
    assert [str(path) for path in FILES if STRAY.search(path.read_text(encoding="utf-8"))] == []
