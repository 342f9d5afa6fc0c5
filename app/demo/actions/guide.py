"""The guide of the tour: says what happens in Chinese and English, and stops at the first thing that is not so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from app.demo.clients import Answer

INDENT = 5
SAW_CHARACTERS_MAX = 2_000


class TourFailed(Exception):  # noqa: N818 - it says what is true, like every refusal
    """Something promised did not happen; ``saw`` is what happened instead."""

    def __init__(self, zh: str, en: str, saw: object) -> None:
        super().__init__(en)
        self.zh = zh
        self.en = en
        self.saw = saw


class Guide:
    """Talks on a terminal and counts what it has checked."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.scenes = 0
        self.checks = 0

    def begin_scene(self, zh: str, en: str) -> None:
        """Announce the next scene."""
        self.scenes += 1
        self.console.print()
        self.console.rule(Text(f"{self.scenes} · {zh}", "bold cyan"), align="left", style="cyan")
        self.console.print(Text(f"    {en}", "cyan"))

    def say(self, zh: str, en: str) -> None:
        """Say what happens now."""
        self._print("·", zh, en, "")

    def check(self, zh: str, en: str, *, holds: bool, saw: object = None) -> None:
        """Say what is so; if it is not, the tour is over."""
        if not holds:
            raise TourFailed(zh, en, saw)
        self.checks += 1
        self._print("✓", zh, en, "green")

    def need(self, answer: Answer, status: int, code: str | None = None) -> Any:
        """Return the body of an answer that has this status and, for a refusal, this code."""
        got = answer.body.get("code") if isinstance(answer.body, dict) and code is not None else None
        if answer.status != status or got != code:
            wanted = f"{status} {code or ''}".strip()
            raise TourFailed(f"应答应为 {wanted}", f"the answer should be {wanted}", (answer.status, answer.body))
        return answer.body

    def show_rows(self, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Show a small table; columns of figures have names that begin with ``+``."""
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        table.add_column(width=INDENT - 2)
        for column in columns:
            justify: Literal["left", "right"] = "right" if column.startswith("+") else "left"
            table.add_column(column.removeprefix("+"), justify=justify, overflow="fold")
        for row in rows:
            table.add_row("", *(Text(str(cell)) for cell in row))
        self.console.print(table)

    def show_failure(self, failure: TourFailed) -> None:
        """Say what should have been, and what was."""
        self._print("✗", failure.zh, failure.en, "bold red")
        self.console.print(Padding(Text(str(failure.saw)[:SAW_CHARACTERS_MAX], "red"), (0, 0, 0, INDENT)))

    def _print(self, mark: str, zh: str, en: str, style: str) -> None:
        line = Table.grid()
        line.add_column(width=INDENT)
        line.add_column(overflow="fold")
        line.add_row(Text(f"  {mark}", style), Text.assemble(zh, "\n", (en, "dim")))
        self.console.print(line)
