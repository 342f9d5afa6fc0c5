"""Writes a department's file, and beside it what an import of it must find."""

from __future__ import annotations

from collections import Counter, deque
from random import Random
from typing import TYPE_CHECKING

import msgspec

from app.town.feed.dirt import (
    AGAIN,
    BYTES,
    MEMBER,
    REPEAT,
    REUSED,
    SPOILED,
    STRANGER,
    TRUNCATED,
    Row,
    compute_weights,
    find_reason,
    vary,
)
from app.town.feed.rows import (
    COLUMNS,
    EVENT,
    EVENT_ON,
    GIVEN_ONCE_SHARE,
    ID_NUMBER,
    NAME,
    TITLES,
    Order,
    Person,
    Template,
    draw_templates,
    find_person_honoured_once,
    list_people,
    make_template,
    write_row,
)
from app.town.people.names import BLOCK, BLOCKS_MAX, find_paper
from app.town.people.residents import compute_adult

if TYPE_CHECKING:
    from pathlib import Path

FeedOrder = Order
BATCH = 20_000
BLOCKS_A_BATCH = 6  # of people; drawing them takes as long as writing half of the rows
STRANGER_BLOCKS_MAX = 500
RECENT_MAX = 5_000  # rows that repeats are taken from
QUIRK_CHANCE = 0.1
CELLS_TRUNCATED = 5
WRONG_BYTES = b"\xff\xfe\xff"  # in neither encoding


class FeedCounts(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How many rows of each kind a file has, and what an import of it, the first of its city, must count."""

    order: Order
    kinds: dict[str, int]
    received: int
    accepted: int
    duplicate: int
    not_a_member: int
    quarantined: dict[str, int]

    def iter_counts(self) -> list[tuple[str, int]]:
        """Return what is printed: the rows of each kind, and what an import must count."""
        counts = ("received", "accepted", "duplicate", "not_a_member")
        return [
            *self.kinds.items(),
            *((f"-> {name}", getattr(self, name)) for name in counts),
            *((f"-> quarantined {reason}", count) for reason, count in self.quarantined.items()),
        ]


def write_feed(order: Order, out: Path) -> FeedCounts:
    """Write a file of rows and, with ``.json`` added to its name, what is in it; the same order, the same file."""
    feed = _Feed(order)
    with out.open("wb") as file:
        file.write(feed.write_header())
        for first in range(1, order.rows + 1, BATCH):
            file.write(b"".join(feed.write_rows(first, min(BATCH, order.rows + 1 - first))))
    counts = feed.count()
    out.with_name(out.name + ".json").write_bytes(msgspec.json.format(msgspec.json.encode(counts)) + b"\n")
    return counts


class _Feed:
    """A file in the making."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.dice = Random(f"feed {order}")
        self.tag = f"{order.kind[0]}{order.seed}-{self.dice.getrandbits(32):08x}"
        self.templates = draw_templates(self.dice, order)
        self.kinds, self.weights = compute_weights(order)
        self.counts: Counter[str] = Counter()
        self.recent: deque[list[str]] = deque(maxlen=RECENT_MAX)
        self.awards: list[tuple[Person, Template]] = []
        self.awarded = 0

    def count(self) -> FeedCounts:
        order, counts = self.order, self.counts
        reasons: Counter[str] = Counter()
        for kind in self.kinds:
            if kind not in {MEMBER, STRANGER, REPEAT} and counts[kind]:
                reasons[find_reason(order, kind)] += counts[kind]
        return FeedCounts(
            order=order,
            kinds={kind: counts[kind] for kind in self.kinds},
            received=order.rows,
            accepted=counts[MEMBER],
            duplicate=counts[REPEAT],
            not_a_member=counts[STRANGER],
            quarantined=dict(reasons),
        )

    def write_header(self) -> bytes:
        return b"" if self.order.form == "jsonl" else self._encode(",".join(TITLES))

    def write_rows(self, first: int, count: int) -> list[bytes]:
        members, strangers = self._draw_people()
        dice = self.dice
        facts = dice.choices(self.templates, k=count)
        people = dice.choices(members, k=count)
        rows: list[bytes] = []
        for number, kind in enumerate(dice.choices(self.kinds, cum_weights=self.weights, k=count)):
            event_id = f"{self.tag}-{first + number:08d}"
            person, fact = people[number], facts[number]
            if fact.day < person.adult:
                person = next(one for one in people if one.adult <= fact.day)
            if kind == MEMBER:
                rows.append(self._write_member(event_id, person, fact))
            elif kind == STRANGER:
                stranger = dice.choice(strangers)
                if fact.day < stranger.adult:
                    stranger = next(one for one in strangers if one.adult <= fact.day)
                rows.append(self._write(STRANGER, write_row(self.order, event_id, stranger, fact)))
            else:
                rows.append(self._write_other(kind, event_id, person, fact))
        return rows

    def _draw_people(self) -> tuple[list[Person], list[Person]]:
        order, whole = self.order, (self.order.citizens + BLOCK - 1) // BLOCK
        blocks = self.dice.sample(range(whole), min(BLOCKS_A_BATCH, whole))
        members = [one for block in blocks for one in list_people(order.seed, block, order.citizens)]
        block = whole + self.dice.randrange(min(STRANGER_BLOCKS_MAX, BLOCKS_MAX - whole))
        return members, list_people(order.seed, block, BLOCKS_MAX * BLOCK)

    def _write_member(self, event_id: str, person: Person, fact: Template) -> bytes:
        if self.order.kind == "honours" and self.dice.random() < GIVEN_ONCE_SHARE:
            award = find_person_honoured_once(self.order, self.awarded)
            if award is not None:
                self.awarded += 1
                person, fact = self._find_award(*award, fact.day)
                self.awards.append((person, fact))
        cells = write_row(self.order, event_id, person, fact)
        self.recent.append(cells)
        if self.dice.random() < QUIRK_CHANCE:
            cells = cells.copy()
            vary(self.dice, cells, person)
        return self._write(MEMBER, cells)

    def _find_award(self, number: int, code: str, grade: str, day: int) -> tuple[Person, Template]:
        paper = find_paper(self.order.seed, number)
        person = Person(paper.number, paper.name, compute_adult(paper.born))
        return person, make_template(code, max(day, person.adult), grade=grade)

    def _write_other(self, kind: str, event_id: str, person: Person, fact: Template) -> bytes:
        """Write a row that is sent twice or stays behind; a plain one where there is no earlier row to repeat."""
        order, dice = self.order, self.dice
        if (kind in {REPEAT, REUSED} and not self.recent) or (kind == AGAIN and not self.awards):
            return self._write_member(event_id, person, fact)
        if kind == REPEAT:
            return self._write(REPEAT, dice.choice(self.recent))
        if kind == AGAIN:
            return self._write(AGAIN, write_row(order, event_id, *dice.choice(self.awards)))
        if kind == REUSED:
            sent = dice.choice(self.recent)
            while fact.event_on == sent[EVENT_ON] or fact.day < person.adult:
                fact = dice.choice(self.templates)
            return self._write(REUSED, write_row(order, sent[EVENT], person, fact))
        cells = write_row(order, event_id, person, fact)
        if kind in SPOILED:
            SPOILED[kind][1](Row(dice, order, cells, person))
        return self._write(kind, cells)

    def _write(self, kind: str, cells: list[str]) -> bytes:
        self.counts[kind] += 1
        if self.order.form == "csv":
            text = ",".join(cells[:CELLS_TRUNCATED] if kind == TRUNCATED else cells)
        else:
            text = _write_object(cells)
            text = text[: len(text) // 2] if kind == TRUNCATED else text
        row = self._encode(text)
        if kind == BYTES:
            name = cells[NAME].encode(self.order.encoding)
            row = row.replace(name, name[:1] + WRONG_BYTES, 1)
        return row

    def _encode(self, text: str) -> bytes:
        return (text + ("\r\n" if self.order.form == "csv" else "\n")).encode(self.order.encoding)


def _write_object(cells: list[str]) -> str:
    """Return a row as JSON: only cells that hold something, and the ID number, which every row must have."""
    filled = {name: cell for name, cell in zip(COLUMNS, cells, strict=True) if cell or name == COLUMNS[ID_NUMBER]}
    return msgspec.json.encode(filled).decode()
