"""What a failure means, by family: only what is certain to have changed nothing is said to have."""

from __future__ import annotations

import asyncio
import inspect

import asyncpg
import pytest

from app.kit.db.database import ACQUIRE_SECONDS_MAX, execute, fetch_value, pool, transaction
from app.kit.db.failure import DatabaseUnreached, Family, OutcomeLost, asking, family_of, is_passing
from app.settings import read_settings

CASES: list[tuple[BaseException, Family]] = [
    (asyncpg.UniqueViolationError(), "refused"), (asyncpg.CheckViolationError(), "refused"),
    (asyncpg.DataError(), "refused"), (asyncpg.NumericValueOutOfRangeError(), "refused"),
    (DatabaseUnreached(), "again"), (asyncpg.DeadlockDetectedError(), "again"),
    (asyncpg.SerializationError(), "again"), (asyncpg.LockNotAvailableError(), "again"),
    (asyncpg.QueryCanceledError(), "again"), (asyncpg.TooManyConnectionsError(), "again"),
    (asyncpg.DiskFullError(), "again"), (asyncpg.CannotConnectNowError(), "again"),
    (asyncpg.ReadOnlySQLTransactionError(), "again"),
    (asyncpg.StatementCompletionUnknownError(), "unknown"), (asyncpg.ConnectionDoesNotExistError(), "unknown"),
    (asyncpg.ConnectionFailureError(), "unknown"), (asyncpg.AdminShutdownError(), "unknown"),
    (asyncpg.CrashShutdownError(), "unknown"), (asyncpg.PostgresIOError(), "unknown"),
    (asyncpg.InternalServerError(), "unknown"), (asyncpg.DataCorruptedError(), "unknown"),
    (asyncpg.PostgresError(), "unknown"), (asyncpg.UnknownPostgresError(), "unknown"),
    (asyncpg.InternalClientError("cannot switch to state 14"), "unknown"), (asyncpg.ProtocolError(), "unknown"),
    (asyncpg.InterfaceError("connection is closed"), "unknown"), (ConnectionResetError(), "unknown"),
    (TimeoutError(), "unknown"), (OutcomeLost(), "unknown"),
    (asyncpg.UndefinedColumnError(), "bug"), (asyncpg.PostgresSyntaxError(), "bug"),
    (asyncpg.InsufficientPrivilegeError(), "bug"), (ValueError(), "bug"), (KeyError(), "bug"),
    (AssertionError(), "bug"), (RuntimeError(), "bug"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("error", "family"), CASES, ids=lambda one: one if isinstance(one, str) else type(one).__name__
)
def test_families(error: BaseException, family: Family) -> None:
    assert family_of(error) == family
    assert is_passing(error) == (family in ("again", "unknown"))


def test_whatever_the_driver_has_is_no_bug_of_ours() -> None:
    """A new version may bring new exceptions: all but refusals by the server's state are unknown or certain."""
    kinds = [one for one in vars(asyncpg.exceptions).values() if inspect.isclass(one) and issubclass(one, Exception)]
    assert len(kinds) > 100
    for kind in kinds:
        if issubclass(kind, asyncpg.PostgresError) or issubclass(kind, Warning):
            continue
        assert family_of(kind("x")) == "unknown", kind


@pytest.mark.parametrize("error", [AttributeError, KeyError, asyncio.InvalidStateError, RuntimeError])
async def test_anything_that_comes_out_of_the_driver_is_unknown(
    app: object, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    del app

    async def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(asyncpg.Connection, "_execute", fail)
    with pytest.raises(error) as caught:
        await fetch_value("SELECT 1")
    assert family_of(caught.value) == "unknown"


async def test_a_commit_that_fails_in_an_unheard_of_way_is_unknown(
    app: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    del app

    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError) as caught:
        async with transaction():
            await execute("SELECT 1")
            monkeypatch.setattr(asyncpg.transaction.Transaction, "commit", fail)
    assert family_of(caught.value) == "unknown"


async def test_a_bug_inside_a_transaction_is_a_bug(app: object) -> None:
    del app
    with pytest.raises(KeyError) as caught:
        async with transaction():
            await execute("SELECT 1")
            raise KeyError
    assert family_of(caught.value) == "bug"


async def test_who_gets_no_connection_has_changed_nothing(app: object, monkeypatch: pytest.MonkeyPatch) -> None:
    del app
    monkeypatch.setattr("app.kit.db.database.ACQUIRE_SECONDS_MAX", 0.05)
    held = [await pool().acquire() for _ in range(read_settings().database_pool_size)]
    try:
        with pytest.raises(DatabaseUnreached) as caught:
            await fetch_value("SELECT 1")
        assert family_of(caught.value) == "again"
        with pytest.raises(DatabaseUnreached):
            async with transaction():
                raise AssertionError("nothing is done without a connection")
    finally:
        for connection in held:
            await pool().release(connection)
    assert await fetch_value("SELECT 1") == 1
    assert ACQUIRE_SECONDS_MAX > 0


async def test_a_connection_that_cannot_even_roll_back_is_replaced(
    app: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    del app

    async def fail(*_: object, **__: object) -> None:
        raise asyncpg.InternalClientError("cannot switch to state")

    with monkeypatch.context() as broken:
        broken.setattr(asyncpg.transaction.Transaction, "rollback", fail)
        with pytest.raises(KeyError):
            async with transaction():
                await execute("CREATE TABLE never_there (id int)")
                raise KeyError
    assert await fetch_value("SELECT to_regclass('never_there')") is None
    for _ in range(read_settings().database_pool_size + 1):
        async with transaction():
            await execute("SELECT 1")


async def test_a_connection_that_cannot_be_given_back_does_not_undo_what_was_done(
    app: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    del app
    release = asyncpg.Pool.release

    async def fail(*given: object, **named: object) -> None:
        await release(*given, **named)  # type: ignore[arg-type]
        raise asyncpg.InternalClientError("release() called on a free connection holder")

    monkeypatch.setattr(asyncpg.Pool, "release", fail)
    assert await fetch_value("SELECT 1") == 1


async def test_a_cancellation_that_nobody_asked_for_is_a_failure_and_one_that_somebody_did_is_not() -> None:
    with pytest.raises(OutcomeLost), asking():
        raise asyncio.CancelledError
    begun = asyncio.Event()

    async def wait() -> None:
        with asking():
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.ensure_future(wait())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
