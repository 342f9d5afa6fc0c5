"""The one supervisor of everything that runs for as long as its process: nothing that lives long dies in silence.

Work is a function that does one round, or goes on until something is lost. Whatever it raises is logged, by class and
place and without values, and it begins again after a pause that doubles up to a limit. A task that has ended all the
same is named by ``find_ended``, and then the process is not ready (``kit.web.status``).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

LOG = logging.getLogger("huixin.background")
BACKOFF_SECONDS_MIN = 0.05
BACKOFF_SECONDS_MAX = 1.0
BACKOFF_FACTOR = 2
CANCEL_SECONDS = 1.0  # between two cancellations of a task that should end
STOP_SECONDS_MAX = 30  # a thread is waited for so long: starting a database may take its time

_tasks: set[asyncio.Task[None]] = set()  # everything that should be running in this process


@asynccontextmanager
async def in_background(name: str, work: Callable[[], Awaitable[object]]) -> AsyncIterator[None]:
    """Do rounds of ``work`` beside the block, one after the other, whatever they raise."""
    task = asyncio.create_task(keep_doing(name, work), name=name)
    _tasks.add(task)
    try:
        yield
    finally:
        _tasks.discard(task)
        await _end(task)


async def _end(task: asyncio.Task[None]) -> None:
    """Cancel a task until it ends: a wait that is over in the same moment may swallow a cancellation."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=CANCEL_SECONDS)


async def keep_doing(
    name: str, work: Callable[[], Awaitable[object]], *, stopping: asyncio.Event | None = None
) -> None:
    """Do rounds of ``work`` until ``stopping`` is set; the round at hand ends first."""
    stopping = stopping or asyncio.Event()
    pause = BACKOFF_SECONDS_MIN
    while not stopping.is_set() and not is_cancelled():  # a wait may have swallowed the cancellation
        begun = asyncio.get_running_loop().time()
        try:
            await work()
        except asyncio.CancelledError as error:
            if is_cancelled():
                raise
            failure: BaseException | None = error  # the driver's own: a connection that broke cancels who waits for it
        except Exception as error:  # noqa: BLE001 - that is what this is for
            failure = error
        else:
            failure = None
        if failure is None:
            pause = BACKOFF_SECONDS_MIN
            continue
        LOG.warning("%s failed and goes on: %s", name, type(failure).__name__, exc_info=failure)
        if asyncio.get_running_loop().time() - begun > BACKOFF_SECONDS_MAX:
            pause = BACKOFF_SECONDS_MIN  # it had been well for long
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), pause)
        pause = compute_pause(pause)


def compute_pause(pause: float) -> float:
    """Return the pause after the next failure in a row."""
    return min(pause * BACKOFF_FACTOR, BACKOFF_SECONDS_MAX)


def find_ended() -> list[str]:
    """Return the names of tasks that should be running and are not."""
    return sorted(task.get_name() for task in _tasks if task.done())


@contextmanager
def in_thread(name: str, work: Callable[[threading.Event], object]) -> Iterator[None]:
    """Do rounds of ``work`` in a thread beside the block, whatever they raise; each is given the event that ends it."""
    stopping = threading.Event()
    thread = threading.Thread(target=_keep_doing_in_thread, args=(name, work, stopping), name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(STOP_SECONDS_MAX)


def _keep_doing_in_thread(name: str, work: Callable[[threading.Event], object], stopping: threading.Event) -> None:
    pause = BACKOFF_SECONDS_MIN
    while not stopping.is_set():
        try:
            work(stopping)
        except Exception as error:
            LOG.warning("%s failed and goes on: %s", name, type(error).__name__, exc_info=error)
            stopping.wait(pause)
            pause = compute_pause(pause)
        else:
            pause = BACKOFF_SECONDS_MIN


def is_cancelled() -> bool:
    """Whether somebody wants this task to end; else a CancelledError is only how something below it failed."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
