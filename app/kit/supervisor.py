"""Runs the API's workers: starts those that die again, and drains them when told to stop."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces, Loops
from granian.server.mp import MPServer, WorkerProcess

from app.kit.logs import logging_config
from app.kit.randomness import WORKER_PLACE
from app.kit.surroundings import die_with_parent

LOG = logging.getLogger("huixin.supervisor")
BACKLOG = 2048
DRAIN_SECONDS_MAX = 30
WATCH_SECONDS = 0.1
# A worker that dies is started again at once; a service whose workers do nothing but die gives up.
RESPAWNS_MAX = 60
RESPAWN_PERIOD_SECONDS = 60


class WorkerServer(MPServer):
    """Granian's server with patience: it keeps the workers' sockets open and replaces workers however often they die.

    Granian opens a socket in each worker, so that what waits in the queue of a killed one is lost, and exits when the
    same worker dies twice within six seconds.
    """

    def _init_shared_socket(self) -> None:
        address = (self.bind_addr, self.bind_port)
        try:
            socket.create_server(address).close()  # the sockets below would share the port even with a stranger
        except OSError as error:
            raise SystemExit(f"cannot listen on {self.bind_addr}:{self.bind_port}: {error.strerror}") from None
        share_port = sys.platform == "linux"  # elsewhere the kernel does not spread connections: one socket for all
        self._listening = [
            socket.create_server(address, backlog=self.backlog, reuse_port=share_port)
            for _ in range(self.workers if share_port else 1)
        ]
        self._holders = [SocketHolder(each.fileno(), False, self.backlog) for each in self._listening]  # type: ignore[call-arg]

    def _drop_shared_socket(self) -> None:
        for each in self._listening:
            each.close()

    def _spawn_worker(self, idx: int, target: Any, callback_loader: Any) -> WorkerProcess:  # type: ignore[override]
        place = idx % len(self._listening)
        self._sso: Any = self._listening[place]
        self._shd: Any = self._holders[place]
        os.environ[WORKER_PLACE] = str(idx)  # inherited by the process that is forked next
        return super()._spawn_worker(idx, target, callback_loader)

    def signal_handler_interrupt(self, *_: object) -> None:
        """Only note it: the loop below looks often, and an Event must not be set inside its own wait."""
        self.interrupt_signal = True

    def signal_handler_reload(self, *_: object) -> None:
        """Note that fresh workers are wanted."""
        self.reload_signal = True

    def _serve_loop(self, spawn_target: Any, target_loader: Any) -> None:
        respawned: deque[float] = deque()
        while not self.interrupt_signal:
            time.sleep(WATCH_SECONDS)
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
                self.interrupt_children.clear()
        self.interrupt_children.clear()  # they were told to stop


def run_workers(load_app: Callable[[], Any], *, workers: int, host: str, port: int, log_level: str) -> None:
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
        websockets=False,
        backlog=BACKLOG,
        workers_kill_timeout=DRAIN_SECONDS_MAX,
        log_dictconfig=logging_config(log_level.upper()),
    )
    try:
        server.serve(target_loader=load, wrap_loader=False)
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):  # stopping goes on undisturbed
            signal.signal(number, signal.SIG_IGN)


def exit_on_sigterm() -> None:
    """Let SIGTERM unwind the stack as Ctrl-C does, so that what was started is stopped."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
