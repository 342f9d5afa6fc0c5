"""SQL for the register of sources: one function, one statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from app.kit.db.database import execute, fetch_all, fetch_one

COLUMNS = "code, title_zh, title_en, institution_id, mapping, indicators, honours, revision, created_at"


class SourceRow(msgspec.Struct, frozen=True, kw_only=True):
    """A source as stored; ``mapping`` is JSON, the lists None where the source may report all there is."""

    code: str
    title_zh: str
    title_en: str
    institution_id: UUID | None
    mapping: str
    indicators: list[str] | None
    honours: list[str] | None
    revision: int
    created_at: datetime


async def insert_source(source: SourceRow) -> bool:
    """Register a source; False when the code is taken."""
    return bool(
        await execute(
            f"INSERT INTO source ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
            *msgspec.structs.astuple(source),
        )
    )


async def update_source(source: SourceRow) -> int | None:
    """Change a source whose revision is still the one given; its new revision, or None when it is not."""
    row = await fetch_one(
        RevisionRow,
        """
        UPDATE source SET title_zh = $2, title_en = $3, institution_id = $4, mapping = $5, indicators = $6,
               honours = $7, revision = revision + 1
         WHERE code = $1 AND revision = $8 RETURNING revision
        """,
        *msgspec.structs.astuple(source)[:-1],
    )
    return None if row is None else row.revision


class RevisionRow(msgspec.Struct, frozen=True):
    """How often a source has changed."""

    revision: int


async def find_source(code: str) -> SourceRow | None:
    """Find a source by its code."""
    return await fetch_one(SourceRow, f"SELECT {COLUMNS} FROM source WHERE code = $1", code)


async def find_sources(codes: Sequence[str]) -> list[SourceRow]:
    """Find those of some sources that are registered."""
    return await fetch_all(SourceRow, f"SELECT {COLUMNS} FROM source WHERE code = ANY($1)", codes)


async def list_sources(after: str | None, limit: int) -> list[SourceRow]:
    """Return one more than a page of sources, by code."""
    return await fetch_all(
        SourceRow,
        f"SELECT {COLUMNS} FROM source WHERE code > $1 ORDER BY code LIMIT $2",
        after or "",
        limit + 1,
    )
