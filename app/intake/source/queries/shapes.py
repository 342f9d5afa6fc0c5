"""Statements about what the ids of sources look like: one function, one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.intake.source.shape import IdShape, ShapedField
from app.kit.db.database import execute, fetch_all


class FieldShape(IdShape, frozen=True):
    """The shape of one kind of ids of a source."""

    source: str
    field: ShapedField


async def list_shapes(sources: Sequence[str]) -> list[FieldShape]:
    """Return the shapes of the ids of some sources."""
    return await fetch_all(
        FieldShape,
        "SELECT source, field, digits, rows, begins_with_zero FROM source_id_shape WHERE source = ANY($1)",
        sources,
    )


async def insert_shapes(shapes: Mapping[tuple[str, ShapedField], IdShape]) -> None:
    """Add to the shapes of the ids of sources; from the first id that differs a source has no shape any more."""
    ordered = sorted(shapes.items())
    await execute(
        """
        INSERT INTO source_id_shape AS stored (source, field, digits, rows, begins_with_zero)
        SELECT * FROM unnest($1::text[], $2::text[], $3::smallint[], $4::bigint[], $5::boolean[])
        ON CONFLICT (source, field) DO UPDATE
           SET digits = CASE WHEN stored.digits = excluded.digits THEN stored.digits END,
               rows = stored.rows + excluded.rows,
               begins_with_zero = stored.begins_with_zero OR excluded.begins_with_zero
         WHERE stored.digits IS NOT NULL
        """,
        [source for (source, _), _ in ordered],
        [field for (_, field), _ in ordered],
        [shape.digits for _, shape in ordered],
        [shape.rows for _, shape in ordered],
        [shape.begins_with_zero for _, shape in ordered],
    )
