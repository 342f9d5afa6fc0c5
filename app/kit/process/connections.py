"""The connections of one worker: how many there may be, who is let go when there are more, how they end at a stop.

The server underneath holds a place for every connection, whatever it does with it, and accepts nobody when all are
taken. A client that sends half a request holds a place at no cost to itself; so the connections that wait longest, of
the address that has most, make room (decision 60). A request that is being answered is never cut.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import socket
import stat
import struct
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from app.kit.process.listening import TCP_INFO_BYTES, count_waiting, leave_to_others

LOG = logging.getLogger("huixin.connections")
# Of one worker. Behind proxies of our own every connection has a proxy's address: there only the sum is limited.
CONNECTIONS_MAX = 2048
CONNECTIONS_LEFT_MAX = 1536  # what a look leaves, so that there is room until the next one
CONNECTIONS_PER_ADDRESS_MAX = 512
FILES_RESERVED = 512  # of what a process may open: database, Valkey, outside services, figures, the other queues
LOOK_SECONDS = 0.25
YOUNG_SECONDS = 0.25  # a connection this young, or answered this short ago, is left alone
# At a stop the next answer on a connection says that it is the last one; after so many seconds without a request nobody
# is left who has one on the way (decision 61).
QUIET_SECONDS = 1.0
QUIET_LOOKS = 20  # and so many looks, which a machine that is too busy to answer does not make in that time
LOOK_AGAIN_SECONDS = 0.02
QUEUE_SECONDS_MAX = 10.0
SEE_OUT_SECONDS_MAX = 20.0
OPEN_FILES = Path("/dev/fd")
SENT_AT = 44  # in struct tcp_info: milliseconds since we last sent something, or since the connection began

Peer = tuple[str, str]


class Waiting(msgspec.Struct, frozen=True):
    """An open connection: whose, and how long it has been waiting for the next request, or the rest of one."""

    peer: Peer
    seconds: float
    is_answered: bool  # a request on it is being answered: it is not closed
    socket: socket.socket


class Traffic:
    """The requests of this worker by their connections: those being answered, and those that have not arrived whole."""

    def __init__(self) -> None:
        self.asked: set[Peer | None] = set()
        self.arriving: set[Peer | None] = set()
        self.asked_at = 0.0
        self.is_stopping = False


TRAFFIC = Traffic()


def allow_files() -> int:
    """Let this process and its children open as many files as the system allows; return how many connections fit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS_MAX + FILES_RESERVED
    allowed = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return max(allowed - FILES_RESERVED, FILES_RESERVED)


def choose_cap(sizes: Sequence[int], *, per_address_max: int, total_max: int) -> int:
    """Return how many connections each address may keep, so that together they are ``total_max``; one at least."""
    left, room = sorted(sizes), total_max
    while sum(min(size, per_address_max) for size in left) > room:
        if left[0] * len(left) >= room:
            return max(room // len(left), 1)
        room -= left.pop(0)
    return per_address_max


def choose_surplus(open_now: Sequence[Waiting], *, per_address_max: int, total_max: int) -> list[Waiting]:
    """Return what is closed: of each address what is above its share, then of all; longest idle first (decision 60)."""
    by_address: defaultdict[str, list[Waiting]] = defaultdict(list)
    for each in open_now:
        by_address[each.peer[0]].append(each)
    cap = choose_cap(
        [len(those) for those in by_address.values()], per_address_max=per_address_max, total_max=total_max
    )
    surplus, others = [], []
    for those in by_address.values():
        closable = [each for each in those if not each.is_answered and each.seconds >= YOUNG_SECONDS]
        closable.sort(key=_seconds_of, reverse=True)
        above = max(0, len(those) - cap)
        surplus += closable[:above]
        others += closable[above:]
    others.sort(key=_seconds_of, reverse=True)
    return surplus + others[: max(0, len(open_now) - len(surplus) - total_max)]


def _seconds_of(waiting: Waiting) -> float:
    return waiting.seconds


@contextlib.contextmanager
def open_connections(port: int) -> Iterator[list[Waiting]]:
    """Yield the connections to our port; each has a file of its own here, so that none is mistaken for another."""
    found: list[Waiting] = []
    with contextlib.ExitStack() as stack:
        for path in OPEN_FILES.iterdir():
            one = _find_connection(int(path.name), port)
            if one is not None:
                stack.callback(one.socket.close)
                found.append(one)
        yield found


def _find_connection(number: int, port: int) -> Waiting | None:
    try:
        if not stat.S_ISSOCK(os.stat(number).st_mode):
            return None
        copy = os.dup(number)
    except OSError:
        return None  # closed meanwhile
    one = socket.socket(fileno=copy)
    try:
        if one.family in {socket.AF_INET, socket.AF_INET6} and one.getsockname()[1] == port:
            address, peer_port = one.getpeername()[:2]
            peer = (address, str(peer_port))
            is_answered = peer in TRAFFIC.asked and peer not in TRAFFIC.arriving
            return Waiting(peer, _seconds_since_sent(one), is_answered, one)
    except OSError:
        pass  # it listens, or the other side has gone
    one.close()
    return None


def _seconds_since_sent(one: socket.socket) -> float:
    info = one.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_BYTES)
    return float(struct.unpack_from("I", info, SENT_AT)[0]) / 1000


class Door:
    """Watches over one worker's connections, and sees them out at a stop."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        listening: socket.socket,
        finish: Callable[[], None],
        *,
        places: int,
        is_behind_proxies: bool,
    ) -> None:
        """Take the worker's listening socket, what to call when all is answered, and how many connections fit."""
        self._loop = loop
        self._listening = listening
        self._port = int(listening.getsockname()[1])
        self._finish = finish
        self._total_max = CONNECTIONS_LEFT_MAX * places // CONNECTIONS_MAX
        self._per_address_max = self._total_max if is_behind_proxies else CONNECTIONS_PER_ADDRESS_MAX
        self._closing: asyncio.Task[None] | None = None
        self._asked_at, self._quiet_looks = 0.0, 0

    def watch(self) -> None:
        """Look now and again from now on; no error ends it."""
        try:
            if sum(1 for _ in OPEN_FILES.iterdir()) > min(self._per_address_max, self._total_max):
                self._make_room()
        except Exception:
            LOG.exception("looking at the connections failed")
        finally:
            self._loop.call_later(LOOK_SECONDS, self.watch)

    def close(self) -> None:
        """Begin to see everybody out; asked again, go on with it."""
        if self._closing is None:
            self._closing = self._loop.create_task(self._see_out())

    def _make_room(self) -> None:
        with open_connections(self._port) as open_now:
            surplus = choose_surplus(open_now, per_address_max=self._per_address_max, total_max=self._total_max)
            _hang_up(surplus)
            if surplus:
                LOG.warning("too many connections; %s let go", len(surplus))

    async def _see_out(self) -> None:
        """Accept who waits, then nobody; answer what is asked; hang up when nobody has asked for a while."""
        TRAFFIC.is_stopping = True  # every answer says so from now on
        try:
            await _until(lambda: count_waiting(self._listening) == 0, QUEUE_SECONDS_MAX)
            leave_to_others(self._listening)
            await _until(self._is_quiet, SEE_OUT_SECONDS_MAX)
            with open_connections(self._port) as open_now:
                _hang_up([each for each in open_now if each.peer not in TRAFFIC.asked])
        finally:
            self._finish()

    def _is_quiet(self) -> bool:
        is_asked = bool(TRAFFIC.asked - TRAFFIC.arriving) or TRAFFIC.asked_at != self._asked_at
        self._quiet_looks = 0 if is_asked else self._quiet_looks + 1
        self._asked_at = TRAFFIC.asked_at
        if is_asked:
            return False
        if self._quiet_looks >= QUIET_LOOKS and time.perf_counter() - TRAFFIC.asked_at >= QUIET_SECONDS:
            return True
        with open_connections(self._port) as open_now:
            return not open_now


def _hang_up(connections: Sequence[Waiting]) -> None:
    """End connections that wait: the server reads an end there and closes them."""
    for each in connections:
        with contextlib.suppress(OSError):
            each.socket.shutdown(socket.SHUT_RD)


async def _until(is_so: Callable[[], bool], seconds_max: float) -> None:
    """Look until it is so, or for so long: neither the kernel nor the server says when it happens."""
    deadline = time.monotonic() + seconds_max
    while not is_so() and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
