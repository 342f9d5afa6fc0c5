"""Money: shares are rounded half up, and shown with both digits of the fen."""

from __future__ import annotations

import pytest

from app.values.money import compute_share_fen, describe_yuan


@pytest.mark.parametrize(
    ("amount_fen", "percent", "share_fen"),
    [(100, 40, 40), (1, 50, 1), (1, 49, 0), (3, 50, 2), (99, 1, 1), (49, 1, 0), (0, 100, 0), (10**12, 100, 10**12)],
)
def test_shares(amount_fen: int, percent: int, share_fen: int) -> None:
    assert compute_share_fen(amount_fen, percent) == share_fen


@pytest.mark.parametrize(("fen", "shown"), [(0, "¥0.00"), (5, "¥0.05"), (1250, "¥12.50"), (100_000, "¥1000.00")])
def test_amounts_as_people_read_them(fen: int, shown: str) -> None:
    assert describe_yuan(fen) == shown
