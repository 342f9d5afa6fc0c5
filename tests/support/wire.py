"""HTTP byte by byte, for what no client would send; and many of them at once, who send half of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import NamedTuple

ANSWER_SECONDS_MAX = 60.0
GET = b"GET /health/live HTTP/1.1\r\nHost: huixin.test\r\n\r\n"
HALF_HEADERS = b"GET /health/live HTTP/1.1\r\nHost: huix"
HALF_BODY = (
    b"POST /v1/auth/wechat HTTP/1.1\r\nHost: huixin.test\r\nContent-Type: application/json\r\n"
    b'Content-Length: 100\r\n\r\n{"code":"'
)


class Heard(NamedTuple):
    """An answer: its status (None where the connection ended without one), headers in lower case, body."""

    status: int | None
    headers: dict[str, str]
    body: bytes


class Line:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def say(self, sent: bytes) -> None:
        self.writer.write(sent)
        await self.writer.drain()

    async def hear(self, *, is_head: bool = False) -> Heard:
        """Read one answer, or the end."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *lines = head.strip().split("\r\n")
                headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
                size = 0 if is_head else int(headers.get("content-length", "0"))
                return Heard(int(first.split()[1]), headers, await self.reader.readexactly(size))
        except (OSError, asyncio.IncompleteReadError):
            return Heard(None, {}, b"")

    async def ask(self, sent: bytes) -> Heard:
        try:
            await self.say(sent)
        except OSError:
            return Heard(None, {}, b"")
        return await self.hear()

    async def seconds_until_it_ends(self) -> float:
        """Wait until the other side hangs up."""
        begun = time.monotonic()
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                while await self.reader.read(65536):
                    pass
        except OSError:
            pass
        return time.monotonic() - begun

    def close(self) -> None:
        self.writer.close()


async def connect(port: int, address: str | None = None) -> Line:
    """Open a connection, from an address of this machine's own network where one is given."""
    local = (address, 0) if address else None
    return Line(*await asyncio.open_connection("127.0.0.1", port, local_addr=local))


async def ask_once(port: int, sent: bytes = GET, address: str | None = None) -> Heard:
    """Ask on a connection of its own."""
    line = await connect(port, address)
    try:
        return await line.ask(sent)
    finally:
        line.close()


async def hang_up(lines: Sequence[Line]) -> None:
    """Close connections, and wait until they are closed."""
    for line in lines:
        line.close()
    await asyncio.gather(*(line.writer.wait_closed() for line in lines), return_exceptions=True)


async def flood(port: int, count: int, sent: bytes, address: str) -> list[Line]:
    """Open many connections and leave each with the same half of a request."""

    async def one() -> Line | None:
        try:
            line = await connect(port, address)
            await line.say(sent)
        except OSError:
            return None
        return line

    return [line for line in await asyncio.gather(*(one() for _ in range(count))) if line is not None]
