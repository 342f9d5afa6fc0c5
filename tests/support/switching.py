"""Rule books in force for a while: scheduled, switched to, and the standard one back afterwards."""

from __future__ import annotations

import secrets
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from app.campaign.catalogue.actions import catalogue
from app.kit.clock import now, uuid7
from app.kit.db.cache import bump, refresh_all
from app.kit.db.database import execute, fetch_value, transaction
from app.kit.jobs.pace import FULL
from app.record.catalogue import CATALOGUE
from app.score.book import queries as book_queries
from app.score.book.check import parse_rule_book
from app.score.book.standard import STANDARD_BOOK, STANDARD_BOOK_FILE
from app.score.city.actions import prepare as prepare_actions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import date
    from uuid import UUID

LEDGER_FILE = STANDARD_BOOK_FILE.with_name("ledger_v1.json")
LEDGER = parse_rule_book(LEDGER_FILE.read_bytes(), CATALOGUE)
LEVELS = {level.code: level for level in STANDARD_BOOK.levels}
LEDGER_LEVELS = {level.code: level for level in LEDGER.levels}


@asynccontextmanager
async def scheduled(effective_on: date, document: dict[str, Any]) -> AsyncIterator[int]:
    """Have a book approved for a day, under a code of its own, and the standard one back in force afterwards."""
    standard = await book_queries.find_active_book_id()
    text = msgspec.json.encode({**document, "code": f"t{secrets.token_hex(6)}"}).decode()
    book_id = await book_queries.insert_rule_book(text, "draft")
    await execute(
        """UPDATE rule_book SET state = 'scheduled', effective_on = $2, makers = ARRAY[$3::uuid], submitted_by = $3,
            decided_by = $4 WHERE id = $1""",
        book_id,
        effective_on,
        await make_bare_official(),
        await make_bare_official(),
    )
    try:
        yield book_id
    finally:
        await prepare_actions.drop_preparation(at=now())
        await finish()
        await execute("UPDATE rule_book SET state = 'retired', retired_at = now() WHERE id = $1", book_id)
        if await fetch_value("SELECT count(*) FROM rule_book WHERE state = 'active'") == 0:
            await _restore(standard)


@asynccontextmanager
async def in_force(day: date, document: dict[str, Any]) -> AsyncIterator[int]:
    """Have a book in force, in this process's memory too, and the standard one afterwards."""
    async with scheduled(day, document) as book_id:
        assert await prepare_actions.prepare_scheduled(at=now(), pace=FULL)
        assert await prepare_actions.switch_due(at=now())
        await refresh_all([catalogue])
        yield book_id
    await refresh_all([catalogue])


async def finish() -> None:
    """End what a test left half done."""
    if (left := await prepare_actions.read_progress()) is not None:
        await prepare_actions.write_history(left, pace=FULL)


async def _restore(book_id: int) -> None:
    async with transaction():
        await execute("UPDATE rule_book SET state = 'active', retired_at = NULL WHERE id = $1", book_id)
        await bump("catalogue")
    await prepare_actions.score_city()


async def make_bare_official() -> UUID:
    official = uuid7()
    await execute(
        """INSERT INTO official (id, username, roles, state, password_hash, totp_cipher, created_at)
        VALUES ($1, $2, '{reviewer}', 'active', '', '', now())""",
        official,
        f"t-{official.hex[-12:]}",
    )
    return official
