"""One timer for everybody who waits: hardly anybody's ever rings, and one each would cost more than what is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

Came = TypeVar("Came")
LOOK_SECONDS_MIN = 0.02  # from one look to the next, however many become due in between


class Patience:
    """Waits, each until an instant of the loop's clock; what is not there by then is given up at the next look."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._due: dict[asyncio.Timeout, float] = {}
        self._look: asyncio.TimerHandle | None = None
        self._look_at = 0.0

    async def wait(self, coming: Awaitable[Came], due_at: float) -> Came:
        """Return what comes, or raise TimeoutError: ``asyncio.timeout_at`` for what nearly always comes in time."""
        async with asyncio.timeout(None) as limit:
            self._look_by(due_at)
            self._due[limit] = due_at
            try:
                return await coming
            finally:
                self._due.pop(limit, None)

    def _look_by(self, due_at: float) -> None:
        loop = asyncio.get_running_loop()
        if loop is not self._loop:  # whoever waited on another one waits no more
            self._loop, self._due, self._look = loop, {}, None
        if self._look is not None:
            if self._look_at <= due_at:
                return
            self._look.cancel()
        self._look, self._look_at = loop.call_at(due_at, self._give_up), due_at

    def _give_up(self) -> None:
        """Cut short whoever has waited long enough, and look again when the next one will have."""
        self._look = None
        now = asyncio.get_running_loop().time()
        for limit, due_at in self._due.items():
            if due_at <= now and not limit.expired():
                limit.reschedule(now)
        left = [due_at for due_at in self._due.values() if due_at > now]
        if left:
            self._look_by(max(min(left), now + LOOK_SECONDS_MIN))
