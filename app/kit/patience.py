"""One timer for all who wait: nearly all get in time what they wait for, and a timer each would cost more than it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

Came = TypeVar("Came")
LOOK_SECONDS_MIN = 0.02  # from one look to the next, however many become due in between


class Patience:
    """Waits, each until an instant of the loop's clock; what is not there by then is given up at the next look."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._due: dict[asyncio.Task[Any], float] = {}
        self._given_up: set[asyncio.Task[Any]] = set()
        self._look: asyncio.TimerHandle | None = None
        self._look_at = 0.0

    async def wait(self, coming: Awaitable[Came], due_at: float) -> Came:
        """Return what comes, or raise TimeoutError: ``asyncio.timeout_at`` for what nearly always comes in time."""
        task = asyncio.current_task()
        assert task is not None, "who waits is a task"
        cancelled = task.cancelling()
        self._look_by(due_at)
        self._due[task] = due_at
        try:
            return await coming
        except asyncio.CancelledError:
            if task in self._given_up and task.cancelling() == cancelled + 1:  # by us, and by nobody else besides
                raise TimeoutError from None
            raise
        finally:
            self._due.pop(task, None)
            if task in self._given_up:
                self._given_up.discard(task)
                task.uncancel()

    def _look_by(self, due_at: float) -> None:
        loop = asyncio.get_running_loop()
        if loop is not self._loop:  # those who waited on another loop wait no more
            self._loop, self._due, self._given_up, self._look = loop, {}, set(), None
        if self._look is not None:
            if self._look_at <= due_at:
                return
            self._look.cancel()
        self._look, self._look_at = loop.call_at(due_at, self._give_up), due_at

    def _give_up(self) -> None:
        """Cancel every task that has waited long enough, and look again when the next one will have."""
        self._look = None
        now = asyncio.get_running_loop().time()
        for task, due_at in self._due.items():
            if due_at <= now and task not in self._given_up:
                self._given_up.add(task)
                task.cancel()
        left = [due_at for due_at in self._due.values() if due_at > now]
        if left:
            self._look_by(max(min(left), now + LOOK_SECONDS_MIN))
