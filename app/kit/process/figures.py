"""The service's figures, on a port of the operator's own: the supervisor answers, so that no worker is asked.

Every worker keeps its counts in a file of its own; those of workers that died are added up into one, or a service that
has lived long would read thousands of files at every look.
"""

from __future__ import annotations

import logging
import select
import socket
import time
from pathlib import Path

import psutil

from app.kit.process.counts import FOLDED, Counts, list_files, owner_of, path_of, read_lines, write_file

LOG = logging.getLogger("huixin.figures")
PATH = "/metrics"
REQUEST_SECONDS_MAX = 1.0  # the supervisor has other things to do
REQUEST_BYTES_MAX = 8 * 1024
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"  # Prometheus's text format


class FigureServer:
    """Answers ``GET /metrics`` between two looks at the workers, one caller at a time."""

    def __init__(self, folder: Path, host: str, port: int, *, is_needed: bool) -> None:
        """Listen; where the port is taken end the process, or go on without when the figures are not needed."""
        self.folder = folder
        self._listening: socket.socket | None = None
        try:
            self._listening = socket.create_server((host, port))
        except OSError as error:
            if is_needed:
                raise SystemExit(f"cannot listen on {host}:{port} for the figures: {error.strerror}") from None
            LOG.warning("no figures: cannot listen on port %s", port)

    def serve(self, seconds: float) -> None:
        """Wait so long for a caller, and answer one that comes."""
        if self._listening is None:
            time.sleep(seconds)
        elif select.select([self._listening], [], [], seconds)[0]:
            try:
                self._answer(*self._listening.accept())
            except OSError:
                pass  # who asked has gone, or asked for too long
            except Exception:
                LOG.exception("the figures cannot be shown")

    def fold(self) -> None:
        """Add up what workers left that are no more; no error here stops the service."""
        try:
            fold_dead(self.folder)
        except Exception:
            LOG.exception("figures of dead workers stay in files of their own")

    def _answer(self, caller: socket.socket, _: object) -> None:
        with caller:
            caller.settimeout(REQUEST_SECONDS_MAX)
            method, _, rest = _receive_head(caller).partition(" ")
            path = rest.partition(" ")[0].partition("?")[0]
            status, body = "404 Not Found", b""
            if path == PATH:
                status, body = ("200 OK", show_figures(self.folder)) if method == "GET" else ("405 Not Allowed", b"")
            head = f"HTTP/1.1 {status}\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: {len(body)}\r\n"
            caller.sendall(f"{head}X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n".encode() + body)


def show_figures(folder: Path) -> bytes:
    """Return the figures of all workers, living and dead, at most half a second old."""
    return Counts(read_lines(list_files(folder))).show().encode()


def fold_dead(folder: Path) -> None:
    """Add the files of processes that are no more to one, and remove them."""
    dead = [path for path in list_files(folder) if not _is_needed(owner_of(path))]
    if dead:
        folded = path_of(folder, FOLDED)
        counts = Counts(read_lines([folded, *dead] if folded.exists() else dead))
        write_file(folder, FOLDED, counts.encode())
        for path in dead:
            path.unlink()


def _is_needed(owner: int) -> bool:
    return owner == FOLDED or psutil.pid_exists(owner)


def _receive_head(caller: socket.socket) -> str:
    """Return the first line of a request; a client that does not send it whole in time is hung up on."""
    deadline = time.monotonic() + REQUEST_SECONDS_MAX
    head = b""
    while b"\r\n\r\n" not in head:
        caller.settimeout(max(deadline - time.monotonic(), 0.001))
        block = caller.recv(REQUEST_BYTES_MAX)
        head += block
        if not block or len(head) > REQUEST_BYTES_MAX:
            raise OSError
    return head.partition(b"\r\n")[0].decode("latin-1")
