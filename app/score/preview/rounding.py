"""How much of a preview may be released beside all earlier ones: numbers that differences do not undo. Pure.

Three things together. Every number is rounded to ten, up or down by chance, and the chance is drawn from *who* is
counted: the same people always give the same number, so asking again averages nothing away, and of one person more or
less the difference says next to nothing. A preview in which fewer than ``CELL_MIN`` people lie otherwise than in one
released lately has the numbers of that one: two drafts that differ for a single person look the same. And
previews are few a day, because what three or more of them say together is bounded by nothing else.

``buckets`` is how two previews are compared without keeping everybody: people are spread over buckets by their id, and
of each bucket there is one sum over who lies where. Two previews differ in at least as many people as buckets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from uuid import UUID

import msgspec

from app.score.preview.cells import Group, Row, Table

ROUNDED_TO = 10
BUCKETS = 1024
PREVIEWS_COMPARED_DAYS = 30
PREVIEWS_PER_BOOK_A_DAY = 5
PREVIEWS_PER_OFFICIAL_A_DAY = 20
HASH_BYTES = 8
MODULUS = 2 ** (8 * HASH_BYTES)


def compute_person_key(citizen_id: UUID, secret: bytes) -> int:
    """Return the number that stands for one person; the numbers of several people are added up."""
    return _hash(citizen_id.bytes, secret)


def add_to_buckets(buckets: bytes, people: Iterable[tuple[UUID, str]], secret: bytes) -> bytes:
    """Add people and where each of them lies; ``buckets`` is empty at first."""
    sums = [int.from_bytes(bucket, "big") for bucket in _split(buckets)]
    for citizen_id, place in people:
        bucket = _hash(citizen_id.bytes, secret) % BUCKETS
        sums[bucket] = (sums[bucket] + _hash(citizen_id.bytes + place.encode(), secret)) % MODULUS
    return b"".join(each.to_bytes(HASH_BYTES, "big") for each in sums)


def count_different(one: bytes, other: bytes) -> int:
    """Return in how many buckets two previews differ; they differ in at least as many people."""
    return sum(mine != theirs for mine, theirs in zip(_split(one), _split(other), strict=True))


def _split(buckets: bytes) -> list[bytes]:
    filled = buckets or bytes(BUCKETS * HASH_BYTES)
    return [filled[at : at + HASH_BYTES] for at in range(0, len(filled), HASH_BYTES)]


def round_count(count: int, people_key: int, secret: bytes) -> int:
    """Return a number rounded to ``ROUNDED_TO``, up as often as it lies near the upper end, by who is counted."""
    lower, rest = count - count % ROUNDED_TO, count % ROUNDED_TO
    drawn = _hash((people_key % MODULUS).to_bytes(HASH_BYTES, "big"), secret) % ROUNDED_TO
    return lower + ROUNDED_TO if drawn < rest else lower


def round_table(table: Table, keys: Mapping[str, Mapping[str, int]], secret: bytes) -> Table:
    """Return a table with every number rounded; ``keys`` are those of the people of each row and column."""

    def rounded(count: int, rows: Iterable[str], columns: Sequence[Group]) -> int:
        key = sum(keys.get(row, {}).get(column, 0) for row in rows for group in columns for column in group)
        return round_count(count, key, secret)

    columns = table.columns
    return msgspec.structs.replace(
        table,
        totals=tuple(rounded(n, keys, [group]) for n, group in zip(table.totals, columns, strict=True)),
        rows=tuple(
            Row(
                keys=row.keys,
                citizens=rounded(row.citizens, row.keys, columns),
                cells=None
                if row.cells is None
                else tuple(rounded(n, row.keys, [group]) for n, group in zip(row.cells, columns, strict=True)),
            )
            for row in table.rows
        ),
    )


def _hash(said: bytes, secret: bytes) -> int:
    return int.from_bytes(blake2b(said, digest_size=HASH_BYTES, key=secret).digest(), "big")
