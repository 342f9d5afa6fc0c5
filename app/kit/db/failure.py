"""What a failure says of the database, decided in one place: nothing was changed, try again, or nobody knows.

By family and with a safe default: unless it is certain that nothing was changed, it may have been committed. Drivers
and servers have more ways to fail than any list of ours, so only what is certain is listed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import asyncpg

from app.kit.background import is_cancelled

Family = Literal["refused", "again", "unknown", "bug"]

# The statement was not taken for its values, and the same values would be refused again.
REFUSED = frozenset({"22", "23"})
# The statement makes no sense to this database, or this role may not run it: our mistake, and nothing was changed.
OURS = frozenset({"0A", "21", "2B", "2D", "2F", "34", "3D", "3F", "42", "44", "P0"})
# Rolled back by a server that goes on: a deadlock, a lock or resource that was not to be had.
AGAIN = frozenset({"40", "53", "55"})
# Of classes where most is uncertain: cancelled by a time limit, a server that starts, one that may only read.
AGAIN_STATES = frozenset({"57014", "57P03", "25006"})
UNKNOWN_STATES = frozenset({"40003"})  # "statement completion unknown"
DRIVERS = (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)  # besides what ``asking`` marks
ASKING = "_huixin_asking_the_database"


class DatabaseUnreached(Exception):  # noqa: N818 - it says what is true
    """No connection was to be had in time: nothing was sent, nothing was changed."""


class OutcomeLost(Exception):  # noqa: N818 - it says what is true
    """The task that was asking the database was interrupted: what became of the statement nobody knows."""


def family_of(error: BaseException) -> Family:
    """Return what a failure means.

    ``refused``: the database did not take these values; they fail alone and fail again. ``again``: nothing was changed,
    and another try may succeed. ``unknown``: it may have been committed. ``bug``: our own mistake, nothing was changed
    by what failed.
    """
    if isinstance(error, DatabaseUnreached):
        return "again"
    if isinstance(error, asyncpg.PostgresError):
        return _family_of_state(error.sqlstate or "")
    return "unknown" if isinstance(error, (OutcomeLost, *DRIVERS)) or hasattr(error, ASKING) else "bug"


def is_passing(error: BaseException) -> bool:
    """Whether another try may succeed."""
    return family_of(error) in ("again", "unknown")


@contextmanager
def asking() -> Iterator[None]:
    """Mark whatever comes out of the driver while it is asked: then it is no bug of ours, whatever its type."""
    try:
        yield
    except asyncio.CancelledError:
        if is_cancelled():
            raise
        raise OutcomeLost from None
    except Exception as error:
        setattr(error, ASKING, True)
        raise


def _family_of_state(state: str) -> Family:
    if state in UNKNOWN_STATES:
        return "unknown"
    if state in AGAIN_STATES or state[:2] in AGAIN:
        return "again"
    if state[:2] in REFUSED:
        return "refused"
    return "bug" if state[:2] in OURS else "unknown"
