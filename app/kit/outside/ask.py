"""Calls to outside services: one total time limit, one answer size limit, no redirects, and not a word in the log.

Services such as WeChat take secrets in the address, and httpx2 logs addresses and keeps requests in its exceptions.
So its logger is silenced here for good, and what is raised to callers carries no trace of the request.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import httpx2
import msgspec

from app.kit.errors import OutsideServiceUnavailable

CALL_SECONDS_MAX = 3.0
ANSWER_BYTES_MAX = 64 * 1024
CONNECTIONS_MAX = 50
LOG = logging.getLogger("huixin.outside")
logging.getLogger("httpx2").addFilter(lambda record: record.levelno >= logging.WARNING)
Answer = TypeVar("Answer")


class AnswerUnusable(Exception):  # noqa: N818 - it never leaves this module
    """An answer that is too large, not a success, or not what was asked for."""


class _Holder:
    """The one client of this process; it opens when first used, and again when the loop has changed."""

    client: httpx2.AsyncClient | None = None
    loop: asyncio.AbstractEventLoop | None = None

    def get(self) -> httpx2.AsyncClient:
        loop = asyncio.get_running_loop()
        if self.client is None or self.loop is not loop:
            self.loop = loop
            self.client = httpx2.AsyncClient(
                timeout=None,  # one total limit below covers every phase
                limits=httpx2.Limits(max_connections=CONNECTIONS_MAX),
                headers={"Accept-Encoding": "identity"},
                follow_redirects=False,
                trust_env=False,
            )
        return self.client

    async def close(self) -> None:
        if self.client is not None and self.loop is asyncio.get_running_loop():
            await self.client.aclose()
        self.client = None


_HOLDER = _Holder()


@asynccontextmanager
async def outside_lifespan(_: object = None) -> AsyncIterator[None]:
    """Close the connections to outside services when the app stops."""
    try:
        yield
    finally:
        await _HOLDER.close()


async def ask_outside(
    service: str,
    answer_type: type[Answer],
    method: str,
    url: str,
    *,
    parameters: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> Answer:
    """Call an outside service and decode its JSON, whatever it calls its type; refuse when it does not answer well."""
    try:
        async with asyncio.timeout(CALL_SECONDS_MAX):
            raw = await _call(method, url, params=parameters, headers=headers, content=body)
        return msgspec.json.decode(raw, type=answer_type)
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, TimeoutError, AnswerUnusable, msgspec.DecodeError) as error:
        failure = type(error).__name__
    # Raised out here, so that the refusal does not drag the request with its secrets along as its context.
    LOG.warning("%s gave no usable answer: %s", service, failure)
    raise OutsideServiceUnavailable


async def _call(method: str, url: str, **request: Any) -> bytes:
    received = bytearray()
    async with _HOLDER.get().stream(method, url, **request) as answer:
        if answer.status_code != httpx2.codes.OK or answer.headers.get("content-encoding", "identity") != "identity":
            raise AnswerUnusable
        async for chunk in answer.aiter_raw():
            received += chunk
            if len(received) > ANSWER_BYTES_MAX:
                raise AnswerUnusable
    return bytes(received)
