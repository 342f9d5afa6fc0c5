"""Valkey killed or hung: it may slow a request down, it never changes what is right."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

from app.kit.outside.rate_limit import SharedLimit
from app.kit.outside.valkey import VALKEY
from app.kit.process.embedded import embedded_valkey
from app.membership.actions.joining import IDENTITY_TRIES_MAX
from tests.support.citizens import identity_body, log_in
from tests.support.mainjob import Player, play
from tests.support.waiting import next_turn, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from httpx2 import AsyncClient

FAULTS = {"killed": signal.SIGKILL, "hung": signal.SIGSTOP}


class Victim:
    """A Valkey of this test's own that can be harmed."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def harm(self, fault: str) -> None:
        """Kill it, or let it hang."""
        os.kill(self.pid, FAULTS[fault])

    async def wake(self) -> None:
        """Let it go on."""
        os.kill(self.pid, signal.SIGCONT)
        await wait_until_alive()


async def wait_until_alive() -> None:
    """Wait until the client sees its Valkey; on a busy machine its 50 ms are short."""

    async def is_alive() -> bool:
        VALKEY._broken_until = 0.0
        return await VALKEY.is_alive()

    await wait_until(is_alive)


@pytest.fixture
async def victim(client: AsyncClient, tmp_path: Path) -> AsyncIterator[Victim]:
    """Give the application another Valkey for one test."""
    del client  # the application has to be started before its client is exchanged
    own = VALKEY._client
    with embedded_valkey(tmp_path) as url:
        pid = int((tmp_path / "valkey" / "valkey.pid").read_text())
        VALKEY.open(url)
        try:
            await wait_until_alive()
            yield Victim(pid)
        finally:
            await VALKEY.close()
            VALKEY._client, VALKEY._broken_until = own, 0.0
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


async def readiness(client: AsyncClient) -> str:
    answer = await client.get("/health/ready")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["valkey"])


@pytest.mark.parametrize("fault", FAULTS)
async def test_the_main_job_goes_on(client: AsyncClient, victim: Victim, fault: str) -> None:
    victim.harm(fault)
    player = Player(client)
    tokens = await play(player)
    assert await readiness(client) == "degraded"
    await player.ask("citizen", "DELETE", "/v1/me", status=204, headers=tokens.headers)
    await player.ask("citizen", "GET", "/v1/me", status=401, headers=tokens.headers)


@pytest.mark.parametrize("fault", FAULTS)
async def test_it_may_die_under_many_at_once(client: AsyncClient, victim: Victim, fault: str) -> None:
    logging_in = [asyncio.create_task(log_in(client)) for _ in range(15)]
    await next_turn()
    victim.harm(fault)
    everybody = await asyncio.gather(*logging_in)
    assert len({tokens.citizen_id for tokens in everybody}) == 15


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_limit_is_tighter_not_gone(client: AsyncClient, victim: Victim, fault: str) -> None:
    tokens = await log_in(client)
    victim.harm(fault)

    async def try_a_wrong_name() -> int:
        answer = await client.post("/v1/me/identity", json=identity_body(name="不符"), headers=tokens.headers)
        return answer.status_code

    seen = [await try_a_wrong_name() for _ in range(IDENTITY_TRIES_MAX)]
    assert seen == sorted(seen)
    assert set(seen) == {422, 429}
    assert seen.count(422) < IDENTITY_TRIES_MAX


async def test_answers_that_come_too_late_are_nobodys(client: AsyncClient, victim: Victim) -> None:
    """What a hung Valkey says once it goes on must not be taken for the answer to a later question."""
    victim.harm("hung")
    late = SharedLimit("late", 1000, 60)
    for _ in range(5):
        VALKEY._broken_until = 0.0
        await late.hit("somebody")
        assert await VALKEY.try_call(lambda valkey: valkey.echo("late")) is None
    assert await readiness(client) == "degraded"
    await victim.wake()
    echoes, headers = set(), set()
    for number in range(20):
        VALKEY._broken_until = 0.0
        echoed = await VALKEY.try_call(lambda valkey, word=f"word {number}": valkey.echo(word))  # type: ignore[misc]
        assert echoed in {f"word {number}", None}
        echoes.add(echoed)
        headers.add((await SharedLimit("fresh", 1000, 60).hit(secrets.token_hex(8)))["RateLimit"].split(";")[1])
    assert echoes != {None}
    assert headers <= {"r=999", "r=499"}  # its own count, or the tightened one of this process
