"""SQL for a rule book read from outside, in a database of its own: one function, one statement."""

from __future__ import annotations

from app.kit.database import execute


async def delete_book(code: str, version: int) -> None:
    """Delete a rule book nobody is scored by, with the rows the engine joins."""
    await execute(
        """
        WITH book AS (SELECT id FROM rule_book WHERE code = $1 AND version = $2),
             term AS (DELETE FROM rule_term USING book WHERE rule_book_id = book.id),
             dimension AS (DELETE FROM rule_dimension USING book WHERE rule_book_id = book.id)
        DELETE FROM rule_book USING book WHERE rule_book.id = book.id
        """,
        code,
        version,
    )
