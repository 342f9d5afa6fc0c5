"""SQL of the demo city: people by COPY, and what is there already."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec

from app.kit.db.database import copy_encoded, execute, fetch_all, fetch_value
from app.town.people.facts import EVENT_COLUMNS, RECORD_COLUMNS
from app.town.people.rows import CITIZEN_COLUMNS, CONSENT_COLUMNS, ConsentText


class AccountNumber(msgspec.Struct, frozen=True):
    """An account number somebody has."""

    account_number: int


class TakenOpenid(msgspec.Struct, frozen=True):
    """The blind index of an openid somebody has."""

    openid_index: bytes


class ScoredCitizen(msgspec.Struct, frozen=True):
    """A citizen's score; honours are JSON text."""

    openid_index: bytes
    value: int
    level: str
    honours: str


async def insert_citizens(rows: bytes) -> None:
    """Store citizens, in the order of ``CITIZEN_COLUMNS``; like all rows here in PostgreSQL's binary format."""
    await copy_encoded("citizen", CITIZEN_COLUMNS, rows)


async def insert_consents(rows: bytes) -> None:
    """Store consents, in the order of ``CONSENT_COLUMNS``."""
    await copy_encoded("consent", CONSENT_COLUMNS, rows)


async def insert_source_events(rows: bytes) -> None:
    """Store which event became which record, in the order of ``EVENT_COLUMNS``."""
    await copy_encoded("record_source_event", EVENT_COLUMNS, rows)


async def insert_records(rows: bytes) -> None:
    """Store records, in the order of ``RECORD_COLUMNS``."""
    await copy_encoded("record", RECORD_COLUMNS, rows)


async def list_consent_texts() -> list[ConsentText]:
    """Return the version in force of every consent text."""
    return await fetch_all(
        ConsentText,
        """
        SELECT DISTINCT ON (purpose) purpose, version, is_required
          FROM consent_text WHERE published_at <= now() ORDER BY purpose, version DESC
        """,
    )


async def list_account_numbers_taken(numbers: Sequence[int]) -> list[AccountNumber]:
    """Return those of some account numbers that somebody has."""
    return await fetch_all(
        AccountNumber, "SELECT account_number FROM citizen WHERE account_number = ANY($1)", list(numbers)
    )


async def list_openids_taken(openid_indexes: Sequence[bytes]) -> list[TakenOpenid]:
    """Return those of some openids that somebody has."""
    return await fetch_all(TakenOpenid, "SELECT openid_index FROM citizen WHERE openid_index = ANY($1)", openid_indexes)


async def list_scored(openid_indexes: Sequence[bytes]) -> list[ScoredCitizen]:
    """Return the scores of the citizens with these openids."""
    return await fetch_all(
        ScoredCitizen,
        """
        SELECT c.openid_index, s.value, s.level, s.honours
          FROM citizen c JOIN score_snapshot s ON s.citizen_id = c.id WHERE c.openid_index = ANY($1)
        """,
        openid_indexes,
    )


async def mark_whole() -> None:
    """Let whole tables be read from end to end for the rest of the transaction; what serves requests never does."""
    await execute("SELECT set_config('enable_seqscan', 'on', true)")


async def update_statistics() -> None:
    """Give the planner fresh statistics at once; autovacuum would take its time."""
    await execute("ANALYZE citizen, consent, record, record_source_event")


async def find_is_unscored(day: date) -> bool:
    """Whether an adult member has no score."""
    return bool(
        await fetch_value(
            """
            SELECT EXISTS (SELECT FROM citizen c
                            WHERE c.state IN ('active', 'frozen') AND c.birth_on < $1::date - interval '18 years'
                              AND NOT EXISTS (SELECT FROM score_snapshot s WHERE s.citizen_id = c.id))
            """,
            day,
        )
    )
