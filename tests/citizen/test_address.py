"""Whose tries are counted: the peer's address, or what our own proxies saw."""

from __future__ import annotations

from functools import partial

import msgspec
import pytest
from litestar.testing import RequestFactory

from app.kit.request import address
from app.settings import read_settings


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (0, None, "peer"),
        (0, "203.0.113.9", "peer"),
        (1, None, "peer"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "forged, 203.0.113.9", "203.0.113.9"),
        (2, "forged, 203.0.113.9, 10.0.0.1", "203.0.113.9"),
        (2, "10.0.0.1", "peer"),
        (1, " , ", "peer"),
        (1, "forged\n203.0.113.9", "203.0.113.9"),  # a proxy may add a line of its own
        (1, "forged, forged\n forged , \n203.0.113.9", "203.0.113.9"),
        (2, "forged\n203.0.113.9\n10.0.0.1", "203.0.113.9"),
        (2, "forged\n203.0.113.9, 10.0.0.1", "203.0.113.9"),
        (2, "forged, 203.0.113.9\n10.0.0.1", "203.0.113.9"),
        (3, "203.0.113.9\n10.0.0.1", "peer"),
        (0, "forged\nforged", "peer"),
    ],
)
def test_a_caller_cannot_choose_an_address(
    monkeypatch: pytest.MonkeyPatch, proxies: int, forwarded: str | None, expected: str
) -> None:
    monkeypatch.setattr(
        address, "read_settings", partial(msgspec.structs.replace, read_settings(), proxies_trusted=proxies)
    )
    request = RequestFactory().get("/")
    lines = forwarded.split("\n") if forwarded else []
    request.scope["headers"] = [(b"x-forwarded-for", line.encode()) for line in lines]
    peer = request.client.host if request.client else ""
    assert address.address_of(request) == (peer if expected == "peer" else expected)
