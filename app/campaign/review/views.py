"""Flagged words as reviewers read them."""

from __future__ import annotations

from app.campaign.review.schemas import FlagView
from app.campaign.terms.flags import Flag
from app.kit.web.show import show


def show_flags(flags: list[Flag]) -> list[FlagView]:
    """Show words of the deny-list, each at its place."""
    return [show(FlagView, flag.word, pointer=flag.pointer) for flag in flags]
