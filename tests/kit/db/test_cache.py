"""Catalogues in memory: a change is seen within a second, also when the listening connection was killed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from httpx2 import AsyncClient

from app.campaign.catalogue.actions import catalogue as campaigns
from app.kit.db import cache
from app.kit.db.cache import (
    CATALOGUE_REFUSE_SECONDS,
    CATALOGUE_STALE_SECONDS,
    CatalogueStale,
    Versioned,
    bump,
    cache_lifespan,
    find_stale,
    refresh_all,
)
from app.kit.db.database import execute, fetch_all, fetch_value, transaction
from app.partner.actions.caller import directory
from tests.support.partners import make_partner
from tests.support.redeeming import make_benefit, make_shopper, redeem, scan, show_code
from tests.support.waiting import wait_until

SEEN_SECONDS_MAX = 1.0
FRESH_SECONDS_MAX = 20


LISTENING = """FROM pg_stat_activity WHERE query LIKE 'LISTEN "huixin_cache_%' AND datname = current_database()"""


async def count_listening() -> int:
    """Return how many connections listen for changes."""
    return int(await fetch_value(f"SELECT count(*) {LISTENING}"))


async def is_more_listening(than: int) -> bool:
    return await count_listening() > than


class Refreshed:
    """Says when this process has looked for changes."""

    def __init__(self) -> None:
        self.looks = 0

    async def again(self) -> None:
        """Wait until everybody who looks has looked whole times since: three looks of two who do."""
        before = self.looks
        await wait_until(lambda: self.looks >= before + 5)


@pytest.fixture
def refreshed(monkeypatch: pytest.MonkeyPatch) -> Refreshed:
    one = Refreshed()

    async def fetch(*given: Any) -> Any:
        rows = await fetch_all(*given)
        one.looks += 1
        return rows

    monkeypatch.setattr(cache, "fetch_all", fetch)
    return one


class Catalogue:
    """A catalogue of one number, read from the database."""

    def __init__(self) -> None:
        self.loads = 0
        self.versioned = Versioned("catalogue", self.load)

    async def load(self) -> int:
        self.loads += 1
        return int(await fetch_value("SELECT version FROM cache_version WHERE name = 'catalogue'"))


@pytest.fixture
async def catalogue(app: object) -> AsyncIterator[Catalogue]:
    del app
    one, before = Catalogue(), await count_listening()
    async with cache_lifespan([one.versioned]):
        await wait_until(lambda: is_more_listening(before))
        yield one


async def seconds_until_seen(catalogue: Catalogue, version: int) -> float:
    """Return how long until ``version`` was in memory."""
    begun = time.monotonic()
    await wait_until(lambda: catalogue.versioned.current == version, 5)
    return time.monotonic() - begun


async def change() -> int:
    async with transaction():
        await bump("catalogue")
        return int(await fetch_value("SELECT version FROM cache_version WHERE name = 'catalogue'"))


async def test_a_change_is_seen_within_a_second(catalogue: Catalogue) -> None:
    for _ in range(3):
        assert await seconds_until_seen(catalogue, await change()) < SEEN_SECONDS_MAX


async def test_nothing_is_loaded_again_while_nothing_changes(catalogue: Catalogue, refreshed: Refreshed) -> None:
    await refreshed.again()
    loads = catalogue.loads
    await refreshed.again()
    assert catalogue.loads == loads


async def test_a_change_that_is_rolled_back_is_no_change(catalogue: Catalogue, refreshed: Refreshed) -> None:
    before = catalogue.versioned.current
    with pytest.raises(KeyError):
        async with transaction():
            await bump("catalogue")
            raise KeyError
    await refreshed.again()
    assert catalogue.versioned.current == before


async def test_a_killed_listener_comes_back_and_meanwhile_the_poll_sees_changes(catalogue: Catalogue) -> None:
    killed = await execute(f"SELECT pg_terminate_backend(pid) {LISTENING}")
    assert killed >= 1
    assert await seconds_until_seen(catalogue, await change()) < SEEN_SECONDS_MAX
    await wait_until(lambda: is_more_listening(killed - 1))
    assert await seconds_until_seen(catalogue, await change()) < SEEN_SECONDS_MAX


async def test_what_is_not_loaded_may_not_be_used() -> None:
    with pytest.raises(AssertionError, match="loaded at start"):
        _ = Catalogue().versioned.current


# When nothing can be refreshed


def test_how_old_a_catalogue_may_be_at_both_edges(monkeypatch: pytest.MonkeyPatch) -> None:
    async def load() -> str:
        return "content"

    one: Versioned[str] = Versioned("edges", load)
    one._content = "content"
    one.confirm(1000.0)
    assert not one.is_stale(1000.0 + CATALOGUE_STALE_SECONDS)
    assert one.is_stale(1000.0 + CATALOGUE_STALE_SECONDS + 0.001)
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0 + CATALOGUE_REFUSE_SECONDS)
    assert one.trusted == "content"
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0 + CATALOGUE_REFUSE_SECONDS + 0.001)
    with pytest.raises(CatalogueStale):
        _ = one.trusted
    assert one.current == "content", "what nobody is let in by may be old"
    one.confirm(999.0)
    assert one.confirmed_at == 1000.0, "an answer that comes late makes nothing older"


async def test_one_that_cannot_be_loaded_keeps_no_other_from_being_refreshed(app: object) -> None:
    del app
    good = Catalogue()

    async def fail() -> int:
        raise KeyError

    bad: Versioned[int] = Versioned("directory", fail)
    with pytest.raises(KeyError):
        await refresh_all([bad, good.versioned])
    assert good.versioned.current
    assert not good.versioned.is_stale(time.monotonic())
    assert bad.is_stale(time.monotonic())


class Outage:
    """The table of versions cannot be read, in one way or another."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch
        self.tried = asyncio.Event()

    def begin(self, error: BaseException) -> None:
        async def fail(*_: Any) -> list[Any]:
            self.tried.set()
            raise error

        self.monkeypatch.setattr(cache, "fetch_all", fail)

    def end(self) -> None:
        self.monkeypatch.undo()


@pytest.fixture
def outage(client: AsyncClient) -> Any:
    del client
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield Outage(monkeypatch)


async def wait_until_fresh() -> None:
    """Wait until the application's catalogues are refreshed again."""
    await wait_until(lambda: not find_stale(time.monotonic()), FRESH_SECONDS_MAX)


def make_older(seconds: float) -> None:
    """Let the application's catalogues have been confirmed so long ago."""
    for one in (directory, campaigns):
        one._trusted_until = time.monotonic() - seconds + CATALOGUE_REFUSE_SECONDS


async def answers_of(client: AsyncClient, partner: Any, benefit_id: Any, shopper: Any) -> list[tuple[int, str]]:
    """Scan, redeem, and ask for something that needs no catalogue but the key."""
    answers = [
        await scan(client, partner, show_code(shopper)),
        await redeem(client, partner, benefit_id, code=show_code(shopper)),
        await client.get("/v1/partner/terminals", headers=partner.headers),
    ]
    for answer in answers:
        assert answer.status_code != 503 or int(answer.headers["retry-after"]) >= 1
    return [(answer.status_code, answer.json().get("code", "")) for answer in answers]


@pytest.mark.parametrize(
    "error",
    [asyncpg.InternalClientError("cannot switch to state 14"), RuntimeError(), asyncio.CancelledError(), OSError()],
    ids=lambda one: type(one).__name__,
)
async def test_a_process_that_cannot_learn_is_not_ready_then_trusts_nobody_and_then_goes_on(
    client: AsyncClient, outage: Outage, error: BaseException
) -> None:
    partner = await make_partner()
    benefit_id, shopper = await make_benefit(partner), await make_shopper()
    served = [(201, ""), (201, ""), (200, "")]
    outage.begin(error)
    await outage.tried.wait()
    make_older(0)
    assert (await client.get("/health/ready")).status_code == 200
    make_older(CATALOGUE_STALE_SECONDS + 0.1)
    answer = await client.get("/health/ready")
    assert (answer.status_code, [reason["code"] for reason in answer.json()["reasons"]]) == (503, ["catalogue"])
    assert await answers_of(client, partner, benefit_id, shopper) == served, (
        "others may be ready, this one still serves"
    )
    make_older(CATALOGUE_REFUSE_SECONDS + 0.1)
    assert await answers_of(client, partner, benefit_id, shopper) == [(503, "catalogue_stale")] * 3
    outage.end()
    await wait_until_fresh()
    assert (await client.get("/health/ready")).status_code == 200
    assert await answers_of(client, partner, benefit_id, await make_shopper()) == served


async def test_campaigns_alone_may_be_too_old(client: AsyncClient, outage: Outage) -> None:
    """The key is good; what it may redeem is not known."""
    partner = await make_partner()
    benefit_id, shopper = await make_benefit(partner), await make_shopper()
    outage.begin(RuntimeError())
    await outage.tried.wait()
    campaigns._trusted_until = 0.0
    answers = await answers_of(client, partner, benefit_id, shopper)
    assert answers == [(503, "catalogue_stale")] * 2 + [(200, "")]
    assert await fetch_value("SELECT count(*) FROM access_log WHERE citizen_id = $1", shopper.id) == 0
    outage.end()
    await wait_until_fresh()


async def test_a_key_suspended_after_an_unheard_of_failure_is_refused(client: AsyncClient, outage: Outage) -> None:
    partner = await make_partner()
    outage.begin(asyncpg.InternalClientError("cannot switch to state 14; another operation (2) is in progress"))
    await outage.tried.wait()
    outage.end()
    async with transaction():
        await execute("UPDATE api_key SET state = 'suspended' WHERE institution_id = $1", partner.institution_id)
        await bump("directory")

    async def is_refused() -> bool:
        return (await client.get("/v1/partner/terminals", headers=partner.headers)).status_code == 401

    await wait_until(is_refused, FRESH_SECONDS_MAX)
    assert (await client.get(f"/v1/partner/scans/{uuid4()}", headers=partner.headers)).status_code == 401
