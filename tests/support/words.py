"""What a run of the suite wrote into columns that hold words of closed lists."""

from __future__ import annotations

import msgspec

from app.kit.db.database import fetch_all
from app.main import WORDS

PLACES = ("event", "access_log", "audit_entry")


class Written(msgspec.Struct, frozen=True):
    """A word, and the table it stands in."""

    place: str
    word: str


async def list_written() -> dict[str, set[str]]:
    """Return the event types, access-log actions and audit actions that stand in this database."""
    rows = await fetch_all(
        Written,
        """
        SELECT DISTINCT 'event' AS place, type AS word FROM event
        UNION ALL SELECT DISTINCT 'access_log', action FROM access_log
        UNION ALL SELECT DISTINCT 'audit_entry', action FROM audit_entry
        """,
    )
    return {place: {row.word for row in rows if row.place == place} for place in PLACES}


async def check_written() -> None:
    """Fail when a test made the application write a word that is not published."""
    written = await list_written()
    assert written["event"] <= set(WORDS["x-event-types"])
    assert written["access_log"] <= set(WORDS["x-access-actions"])
    assert written["audit_entry"] <= set(WORDS["x-audit-actions"])
