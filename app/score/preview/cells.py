"""Counts of people that may be published: no number that is about fewer than ``CELL_MIN``, nor one derived. Pure.

Two means only. *Merging*: small groups become one, whose number is large enough; it names the groups it is made of.
*Hiding*: a row may keep its total but not how it divides; then at least two rows do, and together they divide into
numbers that are large enough. With the totals of rows and columns known, a block of two or more such rows has more than
one solution for each of its cells (there are no bridges in a complete bipartite graph), and the only sums of hidden
cells that subtraction yields are whole rows and whole columns of the block, which are large enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

CELL_MIN = 10

Group = tuple[str, ...]


class Row(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Some keys together: how many citizens, and how they divide over the columns; null: not told."""

    keys: Group
    citizens: int
    cells: tuple[int, ...] | None


class Table(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A table that may be published; the totals of its columns hold for all rows, those that are not told too."""

    columns: tuple[Group, ...]
    totals: tuple[int, ...]
    rows: tuple[Row, ...]


def is_safe(count: int, least: int = CELL_MIN) -> bool:
    """Whether a number says nothing about few people: nobody, or enough of them."""
    return count == 0 or count >= least


def merge_small(counts: Mapping[str, int], least: int = CELL_MIN) -> tuple[Group, ...]:
    """Group keys, in their order, so that every group's number is safe; everything together must be enough.

    The small ones become one group, joined by the smallest others until it is large enough.
    """
    assert is_safe(sum(counts.values()), least), "of so few people nothing is published"
    pool = [key for key, count in counts.items() if not is_safe(count, least)]
    others = sorted((key for key, count in counts.items() if count >= least), key=lambda key: counts[key], reverse=True)
    while not is_safe(sum(counts[key] for key in pool), least):
        pool.append(others.pop())
    merged = tuple(key for key in counts if key in pool)
    if not merged:
        return tuple((key,) for key in counts)
    return tuple(merged if key == merged[0] else (key,) for key in counts if key not in merged[1:])


def compute_table(counts: Mapping[str, Mapping[str, int]], columns: Sequence[Group], least: int = CELL_MIN) -> Table:
    """Return what may be published of counts by row and column; the totals of the column groups must be safe."""
    rows = {key: _divide(row, columns) for key, row in counts.items()}
    groups = merge_small({key: sum(row) for key, row in rows.items()}, least)
    cells = {group: _add(rows[key] for key in group) for group in groups}
    hidden = _find_hidden(cells, least)
    return Table(
        columns=tuple(columns),
        totals=_add(rows.values()) or (0,) * len(columns),
        rows=tuple(
            Row(keys=group, citizens=sum(row), cells=None if group in hidden else row) for group, row in cells.items()
        ),
    )


def _find_hidden(cells: Mapping[Group, tuple[int, ...]], least: int) -> set[Group]:
    """Return which rows must hide how they divide: those with a small number, and others until none can be derived."""
    hidden = {group for group, row in cells.items() if not all(is_safe(cell, least) for cell in row)}
    divided = {group for group, row in cells.items() if sum(row) > 0}  # of an empty row nothing can be hidden
    shown = sorted(divided - hidden, key=lambda group: (sum(cells[group]), group), reverse=True)
    while not all(is_safe(cell, least) for cell in _add(cells[group] for group in hidden)):
        hidden.add(shown.pop())  # never one row alone: its own small number is not safe
    return hidden


def _divide(row: Mapping[str, int], columns: Sequence[Group]) -> tuple[int, ...]:
    return tuple(sum(row.get(key, 0) for key in group) for group in columns)


def _add(rows: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(map(sum, zip(*rows, strict=True)))
