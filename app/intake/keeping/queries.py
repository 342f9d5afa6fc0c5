"""SQL for what notices name: one function, one statement."""

from __future__ import annotations

from collections.abc import Sequence

from app.intake.keeping.negative import SourceTitle
from app.kit.db.database import fetch_all


async def list_source_titles(codes: Sequence[str]) -> list[SourceTitle]:
    """Return the titles of those of some sources that are registered."""
    return await fetch_all(SourceTitle, "SELECT code, title_zh, title_en FROM source WHERE code = ANY($1)", codes)
