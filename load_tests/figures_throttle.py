"""What it costs long work to go gently: the same file and city, once at full pace and once as the worker does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from load_tests.command import run_command
from load_tests.figure import Figure
from load_tests.figures_import import FEW_ROWS, import_file, make_file, register_source

if TYPE_CHECKING:
    from load_tests.command import Ran

# 0.3 of the time is 3.3 times as long; everybody is scored on one connection then instead of two, which doubles it.
IMPORT_TIMES_MAX, RECOMPUTE_TIMES_MAX = 4.0, 8.0


def measure_throttle(citizens: int) -> list[Figure]:
    """Import a file and score everybody, each at full pace and gently."""
    file = make_file(citizens, FEW_ROWS)
    imports = _compare(
        f"gentle import, {citizens:,}",
        import_file(file, register_source()),
        import_file(file, register_source(), "--gentle"),
        IMPORT_TIMES_MAX,
    )
    run_command("score", "recompute")  # whom the imports moved are rescored with it, only the first time
    return [
        imports,
        _compare(
            f"gentle recompute, {citizens:,}", run_command("score", "recompute"),
            run_command("score", "recompute", "--gentle"), RECOMPUTE_TIMES_MAX,
        ),
    ]  # fmt: skip


def _compare(name: str, full: Ran, gentle: Ran, times_max: float) -> Figure:
    return Figure(
        name=name, workers=1, value=gentle.seconds, unit="s", ceiling=full.seconds, ceiling_name="full pace",
        asked=times_max, is_upper_bound=True,
    )  # fmt: skip
