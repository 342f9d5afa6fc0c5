"""Nobody shuts others out: not by half a request, not by many, not by a worker that hangs; a stop loses no answer."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.process.connections import (
    CONNECTIONS_LEFT_MAX,
    CONNECTIONS_MAX,
    CONNECTIONS_PER_ADDRESS_MAX,
    YOUNG_SECONDS,
    Waiting,
    choose_cap,
    choose_surplus,
)
from app.kit.process.listening import (
    HANGING_LOOKS,
    SO_ATTACH_REUSEPORT_CBPF,
    UNREAD_SECONDS_MAX,
    Spreading,
    attach,
    choose_among,
    count_waiting,
    open_listening,
)
from app.kit.process.supervisor import DRAIN_SECONDS_MAX, HEADER_BYTES_MAX, HEADERS_SECONDS_MAX
from app.kit.request.bodies import BODY_BYTES_PER_SECOND_MIN, BODY_SECONDS_MAX, PAUSE_SECONDS_MAX
from tests.support.live import WORKERS, LiveServer, live_server
from tests.support.waiting import block_until, wait_until, wait_until_past
from tests.support.wire import GET, HALF_BODY, HALF_HEADERS, ask_once, connect, flood, hang_up

ATTACKERS = 2_100
LATE_SECONDS_MAX = 15.0  # how late a limit may take hold on a machine that is busy
GOOD_SECONDS_MAX = 5.0
pytestmark = pytest.mark.xdist_group("supervisor")


@contextmanager
def serving() -> Iterator[tuple[LiveServer, int]]:
    """Serve with two workers, until they answer."""
    with live_server() as server:
        port = int(server.base_url.rpartition(":")[2])
        block_until(  # only who serves has all of the server's threads
            lambda: [psutil.Process(pid).num_threads() > 3 for pid in server.worker_pids()] == [True] * WORKERS
        )
        yield server, port


SIZES = st.lists(st.integers(1, 400), min_size=1, max_size=60)


@given(SIZES, st.integers(1, 200), st.integers(1, 1000))
def test_a_cap_fills_the_room_and_never_more(sizes: list[int], per_address_max: int, total_max: int) -> None:
    cap = choose_cap(sizes, per_address_max=per_address_max, total_max=total_max)
    assert 1 <= cap <= per_address_max

    def total(cap: int) -> int:
        return sum(min(size, cap) for size in sizes)

    assert cap == 1 or total(cap) <= total_max
    assert cap == per_address_max or total(cap + 1) > total_max


def make_waiting(address: str, seconds: float, *, is_answered: bool = False) -> Waiting:
    return Waiting((address, "1"), seconds, is_answered, socket.socket())


def let_go(open_now: list[Waiting], per_address_max: int, total_max: int) -> list[int]:
    surplus = choose_surplus(open_now, per_address_max=per_address_max, total_max=total_max)
    places = [next(place for place, each in enumerate(open_now) if each is one) for one in surplus]
    for each in open_now:
        each.socket.close()
    return sorted(places)


YOUNG = YOUNG_SECONDS / 2


@pytest.mark.parametrize(
    ("connections", "per_address_max", "total_max", "expected"),
    [
        ([("a", 1.0), ("a", 2.0)], 2, 9, []),
        ([("a", 1.0), ("a", 3.0), ("a", 2.0)], 2, 9, [1]),  # above its share: who waits longest
        ([("a", 9.0), ("b", 1.0), ("b", 2.0), ("b", 3.0)], 9, 3, [3]),  # too many in all: of whom has most
        ([("a", 1.0), ("b", 3.0), ("c", 2.0)], 9, 2, [1]),  # one each: who waits longest of all
        ([("a", YOUNG), ("a", YOUNG), ("a", 1.0)], 1, 9, [2]),  # what has only begun may be about to ask
        ([("a", YOUNG_SECONDS), ("a", YOUNG)], 1, 9, [0]),
    ],
)
def test_who_makes_room(
    connections: list[tuple[str, float]], per_address_max: int, total_max: int, expected: list[int]
) -> None:
    assert let_go([make_waiting(*one) for one in connections], per_address_max, total_max) == expected


def test_who_is_being_answered_stays() -> None:
    open_now = [make_waiting("a", 9.0, is_answered=True) for _ in range(9)] + [make_waiting("a", 1.0)]
    assert let_go(open_now, 2, 2) == [9]


async def ask_well(port: int, seconds: float) -> tuple[Counter[int | None], float]:
    """Ask as everybody else does for a while; return the statuses and the longest wait."""
    statuses: Counter[int | None] = Counter()
    longest, end = 0.0, time.monotonic() + seconds
    while time.monotonic() < end:
        begun = time.monotonic()
        try:
            async with asyncio.timeout(GOOD_SECONDS_MAX):
                statuses[(await ask_once(port, address="127.0.0.9")).status] += 1
        except TimeoutError:
            statuses[None] += 1
        longest = max(longest, time.monotonic() - begun)
    return statuses, longest


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(("sent", "addresses"), [(HALF_BODY, 1), (HALF_HEADERS, 1), (b"", 1), (HALF_BODY, 50)])
async def test_half_sent_requests_shut_nobody_out(sent: bytes, addresses: int) -> None:
    with serving() as (_, port):
        floods = [flood(port, ATTACKERS // addresses, sent, f"127.0.1.{number + 1}") for number in range(addresses)]
        lines = [line for those in await asyncio.gather(*floods) for line in those]
        statuses, longest = await ask_well(port, 4.0)
        assert set(statuses) == {200}, statuses
        assert longest < GOOD_SECONDS_MAX
        await hang_up(lines)


@pytest.mark.usefixtures("app")
async def test_one_address_keeps_its_share_of_connections_and_no_more() -> None:
    with serving() as (_, port):
        lines = await flood(port, ATTACKERS, b"", "127.0.1.1")
        others = await flood(port, 40, b"", "127.0.1.2")
        shares = 2 * CONNECTIONS_PER_ADDRESS_MAX
        await wait_until(lambda: sum(not line.reader.at_eof() for line in lines) <= shares)
        assert sum(not line.reader.at_eof() for line in lines) > shares // 2, "what it may have it keeps"
        assert not any(line.reader.at_eof() for line in others)
        await hang_up(lines + others)


async def until_refused(port: int, sent: bytes) -> tuple[int | None, float]:
    line = await connect(port)
    begun = time.monotonic()
    heard = await line.ask(sent)
    seconds = time.monotonic() - begun
    await line.seconds_until_it_ends()
    line.close()
    return heard.status, seconds


async def idle_after_an_answer(port: int) -> float:
    line = await connect(port)
    assert (await line.ask(GET)).status == 200
    return await line.seconds_until_it_ends()


async def dribble_headers(port: int) -> float:
    """Send a header a second: time counts until they are whole, not between two bytes."""
    line = await connect(port)
    await line.say(HALF_HEADERS)
    ending = asyncio.create_task(line.seconds_until_it_ends())
    while not ending.done():
        try:
            await line.say(b"a")
        except OSError:
            break
        await asyncio.wait([ending], timeout=1)
    return await ending


async def dribble_body(port: int) -> tuple[int | None, float]:
    """Send a byte a second: it never pauses long, and is too slow all the same."""
    line = await connect(port)
    begun = time.monotonic()
    await line.say(HALF_BODY)
    hearing = asyncio.create_task(line.hear())
    while not hearing.done():
        try:
            await line.say(b"a")
        except OSError:
            break
        await asyncio.wait([hearing], timeout=1)
    return (await hearing).status, time.monotonic() - begun


async def pause_in_a_body(port: int) -> int | None:
    """Pause just short of the limit, then send the rest."""
    line = await connect(port)
    await line.say(HALF_BODY)
    await wait_until_past(asyncio.get_running_loop().time() + PAUSE_SECONDS_MAX - 2)
    heard = await line.ask(b'x"}'.ljust(91))
    line.close()
    return heard.status


@pytest.mark.usefixtures("app")
async def test_every_wait_has_its_limit() -> None:
    assert PAUSE_SECONDS_MAX <= BODY_SECONDS_MAX
    assert BODY_BYTES_PER_SECOND_MIN > 100
    with serving() as (_, port):
        silent = await connect(port)
        ends = asyncio.gather(silent.seconds_until_it_ends(), dribble_headers(port), idle_after_an_answer(port))
        paused = asyncio.create_task(pause_in_a_body(port))
        refused = await asyncio.gather(until_refused(port, HALF_BODY), dribble_body(port))
        assert await paused not in {408, None}
        for seconds in await ends:
            assert HEADERS_SECONDS_MAX - 1 < seconds < HEADERS_SECONDS_MAX + LATE_SECONDS_MAX
    for status, seconds in refused:
        assert status == 408
        assert BODY_SECONDS_MAX - 1 < seconds < BODY_SECONDS_MAX + LATE_SECONDS_MAX


@pytest.mark.usefixtures("app")
async def test_headers_have_a_size() -> None:
    with serving() as (_, port):
        for size, status in ((HEADER_BYTES_MAX - 100, 200), (HEADER_BYTES_MAX + 1, 431)):
            padded = GET.replace(b"\r\n\r\n", b"\r\nX-Padding: %s\r\n\r\n")
            padded %= b"a" * (size - len(padded) + 2)
            assert len(padded) == size
            assert (await ask_once(port, padded)).status == status


def test_who_takes_no_answer_is_let_go() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (listening,) = open_listening("127.0.0.1", port, 1)
    with listening, socket.create_connection(("127.0.0.1", port)), listening.accept()[0] as accepted:
        timeout_ms = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
    assert timeout_ms == UNREAD_SECONDS_MAX * 1000


def test_connections_are_sent_to_the_workers_chosen() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    listening = open_listening("127.0.0.1", port, 4)
    attach(listening[0], SO_ATTACH_REUSEPORT_CBPF, choose_among([1, 3]))
    calling = [socket.create_connection(("127.0.0.1", port)) for _ in range(64)]
    counts = [count_waiting(each) for each in listening]
    assert counts[0] == counts[2] == 0
    assert min(counts[1], counts[3]) > 0
    assert sum(counts) == 64
    for each in calling + listening:
        each.close()


def test_queues_that_all_stand_are_left_as_they_are() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    listening = open_listening("127.0.0.1", port, 2)
    spreading = Spreading(listening)
    calling = [socket.create_connection(("127.0.0.1", port)) for _ in range(64)]
    for _ in range(HANGING_LOOKS + 1):
        spreading.look()
    for each in listening:
        while count_waiting(each):
            each.accept()[0].close()
        spreading.look()  # one hangs, then none
    calling += [socket.create_connection(("127.0.0.1", port)) for _ in range(64)]
    assert min(count_waiting(each) for each in listening) > 0
    for each in calling + listening:
        each.close()


@pytest.mark.usefixtures("app")
async def test_a_worker_that_stands_stops_nobody_but_whom_it_has() -> None:
    with serving() as (server, port):
        standing = server.worker_pids()[0]
        os.kill(standing, signal.SIGSTOP)
        try:
            deadline = time.monotonic() + LATE_SECONDS_MAX
            answered = 0
            while answered < 100:  # in a row: the first ones may still wait in its queue
                assert time.monotonic() < deadline
                try:
                    async with asyncio.timeout(1):
                        answered = answered + 1 if (await ask_once(port)).status == 200 else 0
                except TimeoutError:
                    answered = 0
        finally:
            os.kill(standing, signal.SIGCONT)


class Load:
    """Clients that keep their connections and clients that do not, and what became of what they sent."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.over = asyncio.Event()
        self.answered: Counter[int] = Counter()
        self.lost = 0
        self.refused = 0

    async def run(self, *, keeping: int, fresh: int) -> None:
        await asyncio.gather(*(self._go_on(stays=number < keeping) for number in range(keeping + fresh)))

    async def _go_on(self, *, stays: bool) -> None:
        """Ask until it is over, or nobody is there any more."""
        while not self.over.is_set():
            try:
                line = await connect(self._port)
            except OSError:
                self.refused += 1
                return
            is_open = True
            while is_open and not self.over.is_set():
                heard = await line.ask(GET)
                if heard.status is None:
                    self.lost += 1
                    break
                self.answered[heard.status] += 1
                is_open = stays and heard.headers.get("connection") != "close"
                with contextlib.suppress(TimeoutError):  # a pause, each of its own length
                    await asyncio.wait_for(self.over.wait(), random.random() / 50)
            line.close()


@pytest.mark.usefixtures("app")
async def test_half_sent_headers_hold_up_no_stop() -> None:
    with serving() as (server, port):
        lines = await flood(port, 20, HALF_HEADERS, "127.0.1.1")
        begun = time.monotonic()
        server.process.terminate()
        await wait_until(lambda: server.process.poll() is not None)
        assert time.monotonic() - begun < HEADERS_SECONDS_MAX / 2
        await hang_up(lines)


@pytest.mark.usefixtures("app")
async def test_a_stop_answers_whatever_was_sent() -> None:
    with serving() as (server, port):
        load = Load(port)
        running = asyncio.create_task(load.run(keeping=60, fresh=20))
        await wait_until(lambda: load.answered.total() >= 500)
        server.process.terminate()
        await running
        await wait_until(lambda: server.process.poll() == 0)
    assert (load.lost, set(load.answered), load.refused) == (0, {200}, 80)


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("how", ["worker", "all"])
async def test_workers_that_are_replaced_answer_whatever_was_sent(how: str) -> None:
    with serving() as (server, port):
        before = server.worker_pids()
        load = Load(port)
        running = asyncio.create_task(load.run(keeping=60, fresh=20))
        await wait_until(lambda: load.answered.total() >= 500)
        if how == "worker":
            os.kill(before[0], signal.SIGTERM)
        else:
            os.kill(server.process.pid, signal.SIGHUP)
        leaving = before[:1] if how == "worker" else before
        await wait_until(lambda: not any(psutil.pid_exists(pid) for pid in leaving))
        await wait_until(lambda: len(server.worker_pids()) == len(before))
        asked = load.answered.total()
        await wait_until(lambda: load.answered.total() >= asked + 500)
        load.over.set()
        await running
    assert (load.lost, set(load.answered), load.refused) == (0, {200}, 0)


def test_limits_leave_room_for_each_other() -> None:
    sizes = (CONNECTIONS_PER_ADDRESS_MAX, CONNECTIONS_LEFT_MAX, CONNECTIONS_MAX)
    assert all(smaller < larger for smaller, larger in pairwise(sizes))


@pytest.mark.usefixtures("app")
async def test_a_worker_that_is_stopped_before_it_serves_stops() -> None:
    with serving() as (server, _):
        before = set(server.worker_pids())
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        await wait_until(lambda: len(set(server.worker_pids()) - before) == WORKERS)
        begun = time.monotonic()
        server.process.terminate()  # they have only just been forked
        await wait_until(lambda: server.process.poll() is not None)
        assert time.monotonic() - begun < DRAIN_SECONDS_MAX
