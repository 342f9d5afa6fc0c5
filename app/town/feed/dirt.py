"""What can be wrong with a row of a department's file, and what an import must make of it. Pure.

Every kind has one fault: the reason its rows stay behind with is decided before they are written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from itertools import accumulate
from random import Random

import msgspec

from app.record.catalogue import CATALOGUE
from app.town.feed.rows import (
    DOCUMENT,
    ENDS_ON,
    EVENT_ON,
    GRADE,
    HONOUR,
    ID_NUMBER,
    INDICATOR,
    NAME,
    QUANTITY,
    Order,
    Person,
)
from app.town.people.names import SURNAMES, make_id_number

FULL_WIDTH = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")
MINOR_DAYS = (13 * 365, 17 * 365)


class Row(msgspec.Struct, frozen=True):
    """A good row about to be spoilt: its cells, and whom it is about."""

    dice: Random
    order: Order
    cells: list[str]
    person: Person


Spoil = Callable[[Row], None]


def _spoil_checksum(row: Row) -> None:
    last = "0123456789X"
    row.cells[ID_NUMBER] = (
        row.cells[ID_NUMBER][:-1] + last[(last.index(row.cells[ID_NUMBER][-1]) + row.dice.randint(1, 10)) % 11]
    )


def _spoil_future(row: Row) -> None:
    row.cells[EVENT_ON] = str(date.fromordinal(row.order.today.toordinal() + row.dice.randint(1, 400)))
    row.cells[ENDS_ON] = ""


def _spoil_unreal_day(row: Row) -> None:
    row.cells[EVENT_ON] = row.dice.choice(("2026-02-30", "2026-13-01", "昨天", "2026/4/31", "20260230"))


def _spoil_code(row: Row) -> None:
    row.cells[INDICATOR if row.order.kind == "records" else HONOUR] = row.dice.choice(
        ("POS_SMILES", "NEG_GOSSIP", "STAR_OF_ALL")
    )


def _spoil_topic(row: Row) -> None:
    row.cells[INDICATOR], row.cells[HONOUR] = row.dice.choice(tuple(CATALOGUE.denied_topics)), ""


def _spoil_quantity(row: Row) -> None:
    row.cells[INDICATOR], row.cells[HONOUR], row.cells[GRADE], row.cells[ENDS_ON] = "POS_VOL_HOURS", "", "", ""
    row.cells[QUANTITY] = f"-{row.dice.randint(1, 20)}"


def _spoil_age(row: Row) -> None:
    row.cells[EVENT_ON], row.cells[ENDS_ON] = str(date.fromordinal(row.person.adult - row.dice.randint(1, 2000))), ""


def _spoil_name(row: Row) -> None:
    name = row.person.name
    place = SURNAMES.find(name[0])
    row.cells[NAME] = SURNAMES[(place + 7) % len(SURNAMES)] + (name[1:] or "明")


def _spoil_formula(row: Row) -> None:
    formulas = ('=HYPERLINK("http://x.test")', "=SUM(A1:A9)", "+cmd|' /C calc'!A0", "@SUM(1+1)", "-2+3+cmd|'x'!A1")
    row.cells[row.dice.choice((NAME, DOCUMENT))] = row.dice.choice(formulas)


def _spoil_number(row: Row) -> None:
    row.cells[ID_NUMBER] = ""


def _spoil_minor(row: Row) -> None:
    born = date.fromordinal(row.order.today.toordinal() - row.dice.randint(*MINOR_DAYS))
    row.cells[ID_NUMBER] = make_id_number(row.person.number[:6], born, int(row.person.number[14:17])).number


def _spoil_grade(row: Row) -> None:
    row.cells[INDICATOR], row.cells[HONOUR] = ("", "VOL_STAR") if row.order.kind == "honours" else ("POS_MEDIATE", "")
    row.cells[GRADE], row.cells[QUANTITY], row.cells[ENDS_ON] = "9", "", ""


# What can be wrong with a row: the reason for which it is quarantined, and how to spoil it.
SPOILED: Mapping[str, tuple[str, Spoil]] = {
    "checksum": ("id_number_invalid", _spoil_checksum),
    "future": ("event_in_future", _spoil_future),
    "unreal_day": ("date_unreadable", _spoil_unreal_day),
    "unknown": ("indicator_unknown", _spoil_code),
    "denied": ("topic_denied", _spoil_topic),
    "negative": ("quantity_out_of_range", _spoil_quantity),
    "minor": ("minor", _spoil_minor),
    "before_adulthood": ("before_adulthood", _spoil_age),
    "name_of_another": ("name_mismatch", _spoil_name),
    "formula": ("formula_in_cell", _spoil_formula),
    "no_id_number": ("value_missing", _spoil_number),
    "grade": ("grade_unknown", _spoil_grade),
}
# These do not spoil cells, but the written line, or repeat an earlier row.
TRUNCATED, BYTES, REUSED, AGAIN = "truncated", "wrong_bytes", "event_id_reused", "honour_again"
MEMBER, STRANGER, REPEAT = "member", "stranger", "repeat"


def list_dirt(order: Order) -> list[str]:
    """Return the kinds of dirt a file has."""
    only = [AGAIN] if order.kind == "honours" else []
    return [*SPOILED, TRUNCATED, BYTES, REUSED, *only]


def find_reason(order: Order, kind: str) -> str:
    """Return the code a row of a kind of dirt stays behind with."""
    if kind == "unknown" and order.kind == "honours":
        return "honour_unknown"
    if kind in SPOILED:
        return SPOILED[kind][0]
    return {
        TRUNCATED: "row_truncated" if order.form == "csv" else "malformed",
        BYTES: "encoding_wrong",
        REUSED: "event_id_reused",
        AGAIN: "honour_not_renewable",
    }[kind]


def compute_weights(order: Order) -> tuple[list[str], list[float]]:
    """Return the kinds of rows and their weights added up: dirt of every kind, repeats, members and strangers."""
    dirt = list_dirt(order)
    plain = 1 - order.dirt - order.duplicates
    kinds = {
        MEMBER: plain * order.members_share,
        STRANGER: plain * (1 - order.members_share),
        REPEAT: order.duplicates,
        **dict.fromkeys(dirt, order.dirt / len(dirt)),
    }
    return list(kinds), list(accumulate(kinds.values()))


def vary(dice: Random, cells: list[str], person: Person) -> None:
    """Write a good row as spreadsheets and people do; it means the same."""
    day = date.fromisoformat(cells[EVENT_ON])
    place, text = dice.choice((
        (EVENT_ON, f"{day.year}/{day.month}/{day.day}"),
        (EVENT_ON, f"{day.year}年{day.month}月{day.day}日"),
        (EVENT_ON, f"{day:%Y%m%d}"),
        (EVENT_ON, f"{day} 00:00:00"),
        (ID_NUMBER, person.number.translate(FULL_WIDTH)),
        (ID_NUMBER, f"'{person.number}"),
        (NAME, f" {person.name}\u3000"),
    ))  # fmt: skip
    cells[place] = text
