"""What it costs long work to go gently: the same file and city, once at full pace and once as the worker does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from load_tests.command import run_command
from load_tests.figure import Figure
from load_tests.figures_import import FEW_ROWS, import_file, make_file

if TYPE_CHECKING:
    from load_tests.command import Ran

TIMES_MAX = 4.0  # 0.3 of the time is 3.3 times as long; the rest is for what cannot be cut into pieces


def measure_throttle(citizens: int) -> list[Figure]:
    """Import a file and score everybody, each at full pace and gently."""
    file = make_file(citizens, FEW_ROWS)
    imports = _compare(f"gentle import, {citizens:,}", import_file(file), import_file(file, "--gentle"))
    run_command("score", "recompute")  # whom the imports moved are rescored with it, only the first time
    return [
        imports,
        _compare(
            f"gentle recompute, {citizens:,}", run_command("score", "recompute"),
            run_command("score", "recompute", "--gentle"),
        ),
    ]  # fmt: skip


def _compare(name: str, full: Ran, gentle: Ran) -> Figure:
    return Figure(
        name=name, workers=1, value=gentle.seconds, unit="s", ceiling=full.seconds, ceiling_name="full pace",
        asked=TIMES_MAX, is_upper_bound=True,
    )  # fmt: skip
