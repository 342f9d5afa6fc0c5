"""Work aside of the event loop: an object that lives in a process of its own, or in a thread when that is not worth it.

A process has an interpreter of its own, so that heavy Python there holds up nothing here. It ends with its parent.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

from app.kit.process.surroundings import collect_rarely, die_with_parent

_LIVING: list[Any] = []  # the one object of this process, when it was started to hold it


class Aside:
    """An object elsewhere: ``await aside.call("method", …)``; calls are done one after another."""

    def __init__(self, executor: Executor, find: Callable[[], Any] | None) -> None:
        self._executor = executor
        self._here = None if find is None else find()

    async def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of the object; arguments and answer are copied when it is in another process."""
        loop = asyncio.get_running_loop()
        if self._here is not None:
            return await loop.run_in_executor(self._executor, getattr(self._here, method), *arguments)
        return await loop.run_in_executor(self._executor, _call, method, *arguments)


@asynccontextmanager
async def aside(make: Callable[..., Any], *arguments: Any, apart: bool) -> AsyncIterator[Aside]:
    """Keep ``make(*arguments)`` in a process of its own while the block runs (``apart``), or in a thread."""
    if apart:
        executor: Executor = ProcessPoolExecutor(
            1, mp_context=multiprocessing.get_context("spawn"), initializer=_begin, initargs=(make, *arguments)
        )
    else:
        executor = ThreadPoolExecutor(1)
    try:
        yield Aside(executor, None if apart else lambda: make(*arguments))
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


def _begin(make: Callable[..., Any], *arguments: Any) -> None:
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to both; the parent says when to stop
    _LIVING.append(make(*arguments))
    collect_rarely()


def _call(method: str, *arguments: Any) -> Any:
    return getattr(_LIVING[0], method)(*arguments)
