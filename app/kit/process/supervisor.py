"""Runs the API's workers: starts those that die again, steers around those that stand, drains them at a stop."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from granian import _signals
from granian._granian import SocketHolder, WorkerSignal
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.server.mp import MPServer, WorkerProcess

from app.kit.process.connections import Door, allow_files
from app.kit.process.figures import FigureServer
from app.kit.process.listening import BACKLOG, Spreading, open_listening, take_no_more
from app.kit.process.logs import logging_config
from app.kit.process.place import WORKER_PLACE
from app.kit.process.surroundings import die_with_parent

LOG = logging.getLogger("huixin.supervisor")
# From the end of an answer, or the beginning of a connection, until the next request's headers are whole: the server
# has one clock for who sends nothing and who sends slowly.
HEADERS_SECONDS_MAX = 20
HEADER_BYTES_MAX = 16 * 1024
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
DRAIN_SECONDS_MAX = 40
# Who is just shaking hands when the service stops is in a queue by then.
HANDSHAKE_SECONDS = 0.3
WATCH_SECONDS = 0.1
# A worker that dies is started again at once; a service whose workers do nothing but die gives up.
RESPAWNS_MAX = 60
RESPAWN_PERIOD_SECONDS = 60


class WorkerServer(MPServer):
    """Granian's server with patience: it keeps the workers' sockets open and replaces workers however often they die.

    Granian opens a socket in each worker, so that what waits in the queue of a killed one is lost, and exits when the
    same worker dies twice within six seconds. When it stops, it hangs up on idle connections at once, also on those
    whose next request has arrived and was not yet read: so it is stopped only when a worker has seen everybody out.
    """

    def __init__(self, *arguments: Any, figures: FigureServer, is_behind_proxies: bool, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._figures = figures
        self._is_behind_proxies = is_behind_proxies

    def _init_shared_socket(self) -> None:
        self._listening = open_listening(self.bind_addr, self.bind_port, self.workers)
        self._spreading = Spreading(self._listening)
        self._holders = [SocketHolder(each.fileno(), False, self.backlog) for each in self._listening]  # type: ignore[call-arg]

    def _drop_shared_socket(self) -> None:
        take_no_more(self._listening)
        time.sleep(HANDSHAKE_SECONDS)
        # They stay open until the workers have accepted who is in the queues.

    def _stop_workers(self) -> None:
        super()._stop_workers()  # type: ignore[no-untyped-call]
        for each in self._listening:
            each.close()

    def _spawn_worker(self, idx: int, target: Any, callback_loader: Any) -> WorkerProcess:  # type: ignore[override]
        place = idx % len(self._listening)
        self._sso: Any = self._listening[place]
        self._shd: Any = self._holders[place]
        os.environ[WORKER_PLACE] = str(idx)  # inherited by the process that is forked next
        return super()._spawn_worker(idx, target, partial(self._load, callback_loader, self._listening[place]))

    def _load(self, load: Callable[[], Any], listening: socket.socket) -> Any:
        """Load the application in a new worker, whose signals go to its door and only then to Granian.

        Until there is a loop the supervisor's own handler, which was forked with it, notes them. The loop's own way to
        take signals would lose those that come while it does not run, between the start and the serving.
        """

        def set_loop_signals(loop: asyncio.AbstractEventLoop) -> WorkerSignal:
            stop = WorkerSignal()
            door = Door(loop, listening, stop.set, places=self.backpressure, is_behind_proxies=self._is_behind_proxies)
            for number in STOP_SIGNALS:
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(door.close))
            if self.interrupt_signal:
                door.close()
            door.watch()
            return stop

        _signals.set_loop_signals = set_loop_signals
        return load()

    def signal_handler_interrupt(self, *_: object) -> None:
        """Only note it: the loop below looks often, and an Event must not be set inside its own wait."""
        self.interrupt_signal = True

    def signal_handler_reload(self, *_: object) -> None:
        """Note that fresh workers are wanted."""
        self.reload_signal = True

    def _serve_loop(self, spawn_target: Any, target_loader: Any) -> None:
        """Keep the workers up until a signal stops us; whatever goes wrong here, they are stopped with it."""
        try:
            self._keep_workers_up(spawn_target, target_loader)
        except Exception:
            LOG.exception("the supervisor failed; stopping")
        self.interrupt_children.clear()  # they have their signal already

    def _keep_workers_up(self, spawn_target: Any, target_loader: Any) -> None:
        respawned: deque[float] = deque()
        while not self.interrupt_signal:
            self._figures.serve(WATCH_SECONDS)
            self._spreading.look()
            if self.reload_signal:
                self._reload(spawn_target, target_loader)  # type: ignore[no-untyped-call]
            dead = [place for place, worker in enumerate(self.wrks) if not worker.is_alive()]  # type: ignore[no-untyped-call]
            if dead and not self.interrupt_signal:
                now = time.monotonic()
                respawned.extend(now for _ in dead)
                while respawned[0] < now - RESPAWN_PERIOD_SECONDS:
                    respawned.popleft()
                if len(respawned) > RESPAWNS_MAX:
                    LOG.error("workers keep dying; giving up")
                    return
                self._respawn_workers(dead, spawn_target, target_loader)
                self._figures.fold()
                self.interrupt_children.clear()


def run_workers(
    load_app: Callable[[], Any],
    *,
    workers: int,
    host: str,
    port: int,
    log_level: str,
    figures: FigureServer,
    is_behind_proxies: bool,
) -> None:
    """Serve until SIGTERM or SIGINT; requests in flight finish and the app's lifespan ends before this returns."""

    def load() -> Any:
        die_with_parent()
        return load_app()

    server = WorkerServer(
        "app",
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        workers=workers,
        loop=Loops.uvloop,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEADERS_SECONDS_MAX * 1000, max_buffer_size=HEADER_BYTES_MAX),
        websockets=False,
        backlog=BACKLOG,
        backpressure=allow_files(),
        workers_kill_timeout=DRAIN_SECONDS_MAX,
        log_dictconfig=logging_config(log_level.upper()),
        figures=figures,
        is_behind_proxies=is_behind_proxies,
    )
    try:
        server.serve(target_loader=load, wrap_loader=False)
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):  # stopping goes on undisturbed
            signal.signal(number, signal.SIG_IGN)
