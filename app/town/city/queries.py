"""SQL that looks at what a city is made of: one function, one statement."""

from __future__ import annotations

import msgspec

from app.kit.db.database import fetch_all, fetch_one

LATE_DAYS = 31


class Counted(msgspec.Struct, frozen=True):
    """How many there are of something."""

    code: str
    count: int


class CountedRecords(msgspec.Struct, frozen=True):
    """How many records there are of an indicator or honour: in all, ended, not in force, and long after the event."""

    code: str
    dimension: str | None
    count: int
    ended: int
    changed: int
    late: int


class Spread(msgspec.Struct, frozen=True):
    """How many records a citizen has: the median, the 90th and the 99th percentile, and the most."""

    middle: int
    tenth: int
    hundredth: int
    most: int


async def count_citizens() -> list[Counted]:
    """Return how many accounts are in every state."""
    return await fetch_all(Counted, "SELECT state AS code, count(*) FROM citizen GROUP BY 1 ORDER BY 2 DESC")


async def count_districts() -> list[Counted]:
    """Return how many members come from every district."""
    return await fetch_all(
        Counted,
        "SELECT district AS code, count(*) FROM citizen WHERE district IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1",
    )


async def count_ages() -> list[Counted]:
    """Return how many members are of every decade of life."""
    return await fetch_all(
        Counted,
        """
        SELECT (extract(year FROM age(birth_on))::integer / 10 * 10)::text AS code, count(*)
          FROM citizen WHERE birth_on IS NOT NULL GROUP BY 1 ORDER BY 1
        """,
    )


async def count_levels() -> list[Counted]:
    """Return how many citizens have every level."""
    return await fetch_all(Counted, "SELECT level AS code, count(*) FROM score_snapshot GROUP BY 1 ORDER BY 1")


async def count_months() -> list[Counted]:
    """Return how many events of good conduct fell into every month of the last year."""
    return await fetch_all(
        Counted,
        """
        SELECT to_char(event_on, 'MM') AS code, count(*) FROM record
         WHERE indicator LIKE 'POS%' AND event_on > current_date - 365 GROUP BY 1 ORDER BY 1
        """,
    )


async def count_records() -> list[CountedRecords]:
    """Return how many records there are of every indicator and honour; the dimension as the active rules have it."""
    return await fetch_all(
        CountedRecords,
        """
        SELECT r.code, t.dimension, r.count, r.ended, r.changed, r.late
          FROM (SELECT coalesce(indicator, honour) AS code, count(*),
                       count(*) FILTER (WHERE ends_on <= current_date) AS ended,
                       count(*) FILTER (WHERE state <> 'active') AS changed,
                       count(*) FILTER (WHERE entered_at::date - event_on > $1
                                          AND coalesce(indicator, '') NOT LIKE 'BASE%') AS late
                  FROM record GROUP BY 1) r
          LEFT JOIN (SELECT DISTINCT i.indicator, d.code AS dimension, d.position
                       FROM rule_book b
                       JOIN rule_term i ON i.rule_book_id = b.id
                       JOIN rule_dimension d ON d.rule_book_id = b.id AND d.code = i.dimension
                      WHERE b.state = 'active') t ON t.indicator = r.code
         ORDER BY t.position NULLS LAST, r.count DESC, r.code
        """,
        LATE_DAYS,
    )


async def find_spread() -> Spread | None:
    """Return how unevenly records are spread over citizens; None when there are no records."""
    return await fetch_one(
        Spread,
        """
        SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY n)::integer AS middle,
               percentile_disc(0.9) WITHIN GROUP (ORDER BY n)::integer AS tenth,
               percentile_disc(0.99) WITHIN GROUP (ORDER BY n)::integer AS hundredth, max(n)::integer AS most
          FROM (SELECT count(*) AS n FROM record GROUP BY citizen_id) each
        HAVING count(*) > 0
        """,
    )
