"""Statements about the register of sources: one function, one statement."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from app.intake import tables
from app.intake.source.entry import Registration, Source
from app.kit.db.database import execute, fetch_all, fetch_one
from app.kit.db.rows import fetch_row, fetch_rows, run, select

COLUMNS = ", ".join(Source.__struct_fields__)
REGISTRATION = ", ".join(Registration.__struct_fields__)


async def insert_source(source: Source) -> bool:
    """Register a source; False when the code is taken."""
    columns = msgspec.structs.asdict(source) | {"mapping": _write_mapping(source)}
    return bool(
        await execute(
            f"INSERT INTO source ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
            *columns.values(),
        )
    )


async def update_source(source: Source) -> bool:
    """Change a source whose revision is still the one given, and raise its revision; False when it is not."""
    table = tables.Source
    changed = table.update({
        table.title_zh: source.title_zh, table.title_en: source.title_en,
        table.institution_id: source.institution_id, table.mapping: _write_mapping(source),
        table.indicators: source.indicators, table.honours: source.honours,
        table.revision: table.revision + 1,
    })  # fmt: skip
    return bool(await run(changed.where((table.code == source.code) & (table.revision == source.revision))))


async def find_source(code: str) -> Source | None:
    """Find a source by its code."""
    return await fetch_row(Source, select(tables.Source, Source).where(tables.Source.code == code))


async def find_registration(code: str) -> Registration | None:
    """Find whose a source is and what it may report."""
    return await fetch_row(Registration, select(tables.Source, Registration).where(tables.Source.code == code))


async def find_registration_for_update(code: str) -> Registration | None:
    """Find whose a source is, and let one transaction at a time change what belongs to it."""
    return await fetch_one(Registration, f"SELECT {REGISTRATION} FROM source WHERE code = $1 FOR NO KEY UPDATE", code)


async def find_registrations(codes: Sequence[str]) -> list[Registration]:
    """Find those of some sources that are registered."""
    return await fetch_all(Registration, f"SELECT {REGISTRATION} FROM source WHERE code = ANY($1)", codes)


async def list_sources(after: str | None, limit: int) -> list[Source]:
    """Return one more than a page of sources, by code."""
    sources = select(tables.Source, Source)
    if after is not None:
        sources = sources.where(tables.Source.code > after)
    return await fetch_rows(Source, sources.order_by(tables.Source.code), limit=limit + 1)


def _write_mapping(source: Source) -> str:
    return msgspec.json.encode(source.mapping).decode()
