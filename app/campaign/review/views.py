"""Flagged words as reviewers read them."""

from __future__ import annotations

import msgspec

from app.campaign.review.schemas import FlagView
from app.campaign.terms.flags import Flag


def show_flags(flags: list[Flag]) -> list[FlagView]:
    """Show words of the deny-list, each at its place."""
    return [FlagView(pointer=flag.pointer, **msgspec.structs.asdict(flag.word)) for flag in flags]
