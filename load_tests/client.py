"""A lean HTTP/1.1 client: it shares the machine with what it measures, so it must cost little.

Closed loop: each of n connections sends the next request when its answer is in. Open loop: requests leave at a fixed
rate whatever the answers do, and latency counts from the moment a request was due.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import TYPE_CHECKING, cast

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a run gave: answers per second, and latencies in milliseconds."""

    rate: float
    p50_ms: float
    p99_ms: float
    statuses: dict[int, int]


class Connection(asyncio.Protocol):
    """One keep-alive connection with one request under way at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._waiter: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        """Wake the sender when an answer is whole."""
        self._buffer += data
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        at = head.lower().find(b"content-length:")
        length = int(head[at + 15 : (head.find(b"\r\n", at) + 1 or len(head) + 1) - 1]) if at >= 0 else 0
        if len(rest) >= length and self._waiter is not None:
            self._buffer = b""
            waiter, self._waiter = self._waiter, None
            waiter.set_result(int(head[9:12]))

    def connection_lost(self, _: Exception | None) -> None:
        """Wake a waiting sender."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(ConnectionResetError())

    async def send(self, request: bytes) -> int:
        """Send one request and return the status of its answer."""
        assert self._transport is not None
        self._waiter = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._waiter

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()


def make_request(method: str, path: str, headers: dict[str, str], body: object = None) -> bytes:
    """Return the bytes of a request."""
    content = b"" if body is None else msgspec.json.encode(body)
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + content


async def run_closed(port: int, requests: Iterator[bytes], *, clients: int, seconds: float) -> Result:
    """Keep ``clients`` connections busy for a while."""
    connections = await _connect(port, clients)
    latencies: list[float] = []
    statuses: Counter[int] = Counter()
    begin = time.perf_counter()
    end = begin + seconds

    async def work(connection: Connection) -> None:
        for request in requests:
            sent = time.perf_counter()
            if sent >= end:
                return
            statuses[await connection.send(request)] += 1
            latencies.append(time.perf_counter() - sent)

    await asyncio.gather(*(work(connection) for connection in connections))
    elapsed = time.perf_counter() - begin
    for connection in connections:
        connection.close()
    return _sum_up(latencies, statuses, elapsed)


async def run_open(port: int, requests: Iterator[bytes], *, rate: float, clients: int, seconds: float) -> Result:
    """Send ``rate`` requests a second on as many connections as are free, at most ``clients``."""
    free = asyncio.Queue[Connection]()
    for connection in await _connect(port, clients):
        free.put_nowait(connection)
    latencies: list[float] = []
    statuses: Counter[int] = Counter()
    tasks: set[asyncio.Task[None]] = set()

    async def one(request: bytes, due: float) -> None:
        connection = await free.get()
        statuses[await connection.send(request)] += 1
        latencies.append(time.perf_counter() - due)
        free.put_nowait(connection)

    begin = time.perf_counter()
    for number in range(int(rate * seconds)):
        due = begin + number / rate
        ahead = due - time.perf_counter()
        if ahead > 0:
            await asyncio.sleep(ahead)
        task = asyncio.ensure_future(one(next(requests), due))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    elapsed = time.perf_counter() - begin
    while not free.empty():
        free.get_nowait().close()
    return _sum_up(latencies, statuses, elapsed)


async def _connect(port: int, clients: int) -> list[Connection]:
    loop = asyncio.get_running_loop()
    pairs = [await loop.create_connection(Connection, "127.0.0.1", port) for _ in range(clients)]
    return [protocol for _, protocol in pairs]


def _sum_up(latencies: list[float], statuses: Counter[int], elapsed: float) -> Result:
    ordered = sorted(latencies) or [0.0]
    return Result(
        rate=len(latencies) / elapsed,
        p50_ms=ordered[len(ordered) // 2] * 1000,
        p99_ms=ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)] * 1000,
        statuses=dict(statuses),
    )
