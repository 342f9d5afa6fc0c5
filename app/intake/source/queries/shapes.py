"""SQL for what the ids of sources look like: one function, one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from app.intake.source.shape import IdShape, ShapedField
from app.kit.db.database import execute, fetch_all


class ShapeRow(msgspec.Struct, frozen=True):
    """The shape of one kind of ids of a source."""

    source: str
    field: ShapedField
    digits: int | None
    rows: int
    begins_with_zero: bool

    @property
    def shape(self) -> IdShape:
        """Return the shape alone."""
        return IdShape(self.digits, self.rows, self.begins_with_zero)


async def list_shapes(sources: Sequence[str]) -> list[ShapeRow]:
    """Return what is known of the ids of some sources."""
    return await fetch_all(
        ShapeRow,
        "SELECT source, field, digits, rows, begins_with_zero FROM source_id_shape WHERE source = ANY($1)",
        sources,
    )


async def insert_shapes(shapes: Mapping[tuple[str, ShapedField], IdShape]) -> None:
    """Add to what is known of the ids of sources; one whose ids differ once has no shape any more."""
    ordered = sorted(shapes.items())
    await execute(
        """
        INSERT INTO source_id_shape AS known (source, field, digits, rows, begins_with_zero)
        SELECT * FROM unnest($1::text[], $2::text[], $3::smallint[], $4::bigint[], $5::boolean[])
        ON CONFLICT (source, field) DO UPDATE
           SET digits = CASE WHEN known.digits = excluded.digits THEN known.digits END,
               rows = known.rows + excluded.rows,
               begins_with_zero = known.begins_with_zero OR excluded.begins_with_zero
         WHERE known.digits IS NOT NULL
        """,
        [source for (source, _), _ in ordered],
        [field for (_, field), _ in ordered],
        [shape.digits for _, shape in ordered],
        [shape.rows for _, shape in ordered],
        [shape.begins_with_zero for _, shape in ordered],
    )
