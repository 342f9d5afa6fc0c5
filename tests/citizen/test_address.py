"""Whose tries are counted: the peer's address, or what our own proxies saw."""

from __future__ import annotations

import msgspec
import pytest
from litestar.testing import RequestFactory

from app.kit import address
from app.settings import SETTINGS


@pytest.mark.parametrize(
    ("proxies", "told", "expected"),
    [
        (0, None, "peer"),
        (0, "203.0.113.9", "peer"),
        (1, None, "peer"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "forged, 203.0.113.9", "203.0.113.9"),
        (2, "forged, 203.0.113.9, 10.0.0.1", "203.0.113.9"),
        (2, "10.0.0.1", "peer"),
        (1, " , ", "peer"),
    ],
)
def test_a_caller_cannot_choose_an_address(
    monkeypatch: pytest.MonkeyPatch, proxies: int, told: str | None, expected: str
) -> None:
    monkeypatch.setattr(address, "SETTINGS", msgspec.structs.replace(SETTINGS, proxies_trusted=proxies))
    request = RequestFactory().get("/", headers={"x-forwarded-for": told} if told else {})
    peer = request.client.host if request.client else ""
    assert address.address_of(request) == (peer if expected == "peer" else expected)
