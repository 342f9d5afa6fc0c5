"""One figure: what was measured, its ceiling from the same run, and what is asked of the two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from load_tests.machine import Machine


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A value and its ceiling; ``asked`` is a ratio to the ceiling, or an absolute bound where there is none."""

    name: str
    workers: int
    value: float
    unit: str
    asked: float
    is_upper_bound: bool = False
    ceiling: float | None = None
    ceiling_name: str = ""
    is_clean: bool = True
    detail: dict[str, Any] = {}

    @property
    def ratio(self) -> float | None:
        """Return value ÷ ceiling."""
        return self.value / self.ceiling if self.ceiling else None

    @property
    def is_met(self) -> bool:
        """Whether the figure is reached, with nothing but successes on the way."""
        compared = self.value if self.ceiling is None else self.value / self.ceiling
        return self.is_clean and (compared <= self.asked if self.is_upper_bound else compared >= self.asked)

    def describe(self) -> str:
        """Return the figure as a line of the table."""
        sign = "<=" if self.is_upper_bound else ">="
        against = "" if self.ratio is None else f"{self.ratio:5.2f} x {self.ceiling_name} ({self.ceiling:,.0f})"
        asked = f"asked {sign} {self.asked:,g}{' x' if self.ceiling else ' ' + self.unit}"
        mark = "met   " if self.is_met else "MISSED"
        return f"{mark} {self.name:30} w={self.workers} {self.value:10,.1f} {self.unit:7} {against:44} {asked}"


def make_report(machine: Machine, figures: list[Figure]) -> bytes:
    """Return machine and figures as a JSON file, ratios and verdicts included."""
    rows = [msgspec.structs.asdict(figure) | {"ratio": figure.ratio, "is_met": figure.is_met} for figure in figures]
    return msgspec.json.format(msgspec.json.encode({"machine": machine, "figures": rows})) + b"\n"
