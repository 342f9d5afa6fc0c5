"""A lane's work that is remembered and can be held, for tests of group commit."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Sequence

IN_TRANSACTION: contextvars.ContextVar[str] = contextvars.ContextVar("IN_TRANSACTION", default="none")


class Recorder:
    """Runs batches, remembers them, and holds each until it is let go."""

    def __init__(self, *, hold: bool = False) -> None:
        self.batches: list[list[str]] = []
        self.contexts: list[str] = []
        self.running = 0
        self.most_at_once = 0
        self.go = asyncio.Event()
        if not hold:
            self.go.set()

    async def run(self, items: list[str]) -> Sequence[str | Exception]:
        self.batches.append(items)
        self.contexts.append(IN_TRANSACTION.get())
        self.running += 1
        self.most_at_once = max(self.most_at_once, self.running)
        await self.go.wait()
        self.running -= 1
        return [ValueError(item) if item.startswith("bad") else item.upper() for item in items]
