"""The races run against a real server of two workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.live import LiveServer, live_server

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def server(app: object) -> Iterator[LiveServer]:
    """Two workers on the database that ``app`` has migrated."""
    assert app is not None
    with live_server() as running:
        yield running
