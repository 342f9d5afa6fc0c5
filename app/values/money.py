"""Money in fen, whole numbers all. Pure."""

from __future__ import annotations


def compute_share_fen(amount_fen: int, percent: int) -> int:
    """Return a share of an amount, rounded half up to the fen."""
    return (amount_fen * percent + 50) // 100


def describe_yuan(fen: int) -> str:
    """Return an amount as people read it, like ¥12.50."""
    return f"¥{fen // 100}.{fen % 100:02}"
