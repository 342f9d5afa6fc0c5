"""What must hold at any time, in production too."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec


class Check(msgspec.Struct, frozen=True):
    """Something that must hold, and how to look: ``find_problem`` says what is wrong, or None."""

    name: str
    find_problem: Callable[[], Awaitable[str | None]]
