"""The sockets a service listens on: one per worker, held by the supervisor, so that a queue outlives its worker.

Linux alone spreads connections over sockets of one port, says how long a queue is and lets small filters decide; on
other systems there is one socket for all workers, and what needs the kernel does nothing.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import socket
import struct
import sys
from collections.abc import Sequence

LOG = logging.getLogger("huixin.listening")
IS_LINUX = sys.platform == "linux"
BACKLOG = 2048
# A client that reads nothing of its answer for so long is cut off; connections inherit it from the listening socket.
UNREAD_SECONDS_MAX = 20
SO_ATTACH_FILTER = 26
SO_ATTACH_REUSEPORT_CBPF = 51
SO_DETACH_REUSEPORT_BPF = 68
# Classic BPF, as in linux/filter.h: (code, jump if true, jump if false, value).
Instruction = tuple[int, int, int, int]
LOAD_BYTE, LOAD_WORD, MODULO, IS_EQUAL, HAS_BITS, RETURN = 0x30, 0x20, 0x94, 0x15, 0x45, 0x06
RANDOM_WORD = 0xFFFFF000 + 56
TCP_FLAGS_AT = 13
SYN = 0x02
WHOLE_PACKET = 0xFFFFFFFF
NO_SYN: list[Instruction] = [
    (LOAD_BYTE, 0, 0, TCP_FLAGS_AT),
    (HAS_BITS, 0, 1, SYN),
    (RETURN, 0, 0, 0),
    (RETURN, 0, 0, WHOLE_PACKET),
]
# In the kernel's struct tcp_info of a listening socket this is the length of its queue.
TCP_INFO_BYTES = 104
QUEUE_AT = 24
# Looks in a row at which a worker has left somebody waiting, until new connections go to the others.
HANGING_LOOKS = 5


def open_listening(host: str, port: int, workers: int) -> list[socket.socket]:
    """Listen; ends the process with a sentence when the address is taken."""
    try:
        socket.create_server((host, port)).close()  # the sockets below would share the port even with a stranger
    except OSError as error:
        raise SystemExit(f"cannot listen on {host}:{port}: {error.strerror}") from None
    made = [
        socket.create_server((host, port), backlog=BACKLOG, reuse_port=IS_LINUX)
        for _ in range(workers if IS_LINUX else 1)
    ]
    if IS_LINUX:
        for each in made:
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_SECONDS_MAX * 1000)
    return made


def take_no_more(listening: Sequence[socket.socket]) -> None:
    """Let no new connection begin; those that wait or are being made are still there to be accepted.

    Closing a socket, or shutting it down, would reset everybody in its queue.
    """
    if IS_LINUX:
        for each in listening:
            attach(each, SO_ATTACH_FILTER, NO_SYN)


def leave_to_others(listening: socket.socket) -> None:
    """Have this process accept nothing more from a socket that others go on with.

    The server has no word for it. But it accepts by the number of the socket, so under this number it now finds a
    socket that nobody connects to.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=1) as nobody:
        nobody.setblocking(False)
        os.dup2(nobody.fileno(), listening.fileno(), inheritable=False)


def count_waiting(listening: socket.socket) -> int:
    """Return how many connections wait to be accepted; 0 where the system does not say."""
    if not IS_LINUX:
        return 0
    info = listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_BYTES)
    return int(struct.unpack_from("I", info, QUEUE_AT)[0])


class Spreading:
    """Sends new connections to workers that take them.

    The kernel spreads them over all workers, also over one that is dead, hangs or is full. A worker whose queue does
    not get shorter gets no more until it is empty; when none gets shorter, everybody waits as before (decision 8).
    """

    def __init__(self, listening: Sequence[socket.socket]) -> None:
        self._listening = listening
        self._looks = [0] * len(listening)
        self._avoided: set[int] = set()

    def look(self) -> None:
        """Look at every queue, and steer if one has stopped or moves again; to be called at a steady pace."""
        if len(self._listening) == 1:
            return
        for place, each in enumerate(self._listening):
            self._looks[place] = self._looks[place] + 1 if count_waiting(each) else 0
        avoided = {
            place
            for place, looks in enumerate(self._looks)
            if looks >= HANGING_LOOKS or (looks and place in self._avoided)
        }
        if avoided != self._avoided:
            self._avoided = avoided
            self._steer([place for place in range(len(self._listening)) if place not in avoided])

    def _steer(self, places: list[int]) -> None:
        LOG.warning("new connections go to %s of %s workers", len(places) or "all", len(self._listening))
        if places and len(places) < len(self._listening):
            attach(self._listening[0], SO_ATTACH_REUSEPORT_CBPF, choose_among(places))
        else:
            with contextlib.suppress(OSError):  # there may be none to take away
                self._listening[0].setsockopt(socket.SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, 0)


def choose_among(places: Sequence[int]) -> list[Instruction]:
    """Return the filter that picks one of these sockets at random; they are numbered as they began to listen."""
    chosen: list[Instruction] = [(LOAD_WORD, 0, 0, RANDOM_WORD), (MODULO, 0, 0, len(places))]
    for number, place in enumerate(places):
        chosen += [(IS_EQUAL, 0, 1, number), (RETURN, 0, 0, place)]
    return [*chosen, (RETURN, 0, 0, places[0])]


def attach(to: socket.socket, option: int, instructions: Sequence[Instruction]) -> None:
    """Give a socket a filter; a system without filters goes on without."""
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in instructions))
    try:
        to.setsockopt(socket.SOL_SOCKET, option, struct.pack("HP", len(instructions), ctypes.addressof(code)))
    except OSError:
        LOG.exception("this system takes no filters on sockets")
