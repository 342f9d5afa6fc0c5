"""Levels, and what the engine's answer means: contributions, adjustments and the reasons of a change. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Literal
from uuid import UUID

import msgspec

from app.score.book.document import Level, RuleBook
from app.values.reason import Reason

REASONS_MAX = 5

AdjustmentCode = Literal["annual_cap", "dimension_cap", "scale", "ceiling"]
LIMITS: tuple[AdjustmentCode, ...] = ("annual_cap", "dimension_cap", "scale", "ceiling")  # in the order they apply
POINTS_BITS, SUBJECT_BITS = 32, 28
ReasonCode = Literal["appeared", "left", "changed", "limited", "rule_book"]
VERBS: Mapping[str, tuple[str, str]] = {
    "appeared": ("新增", "new"), "left": ("不再计分", "no longer counts"), "changed": ("变动", "changed"),
}  # fmt: skip


class Contribution(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What some records give together under one indicator, before caps; good faith rests on no record.

    ``until`` is the last day on which these points are certain; None when no end is in sight.
    """

    record_ids: tuple[UUID, ...]
    indicator: str
    dimension: str
    points: int
    until: date | None
    is_repeat: bool


class Adjustment(msgspec.Struct, frozen=True, kw_only=True):
    """What a limit takes from the sum or, as a floor, gives back.

    ``subject`` is an indicator, a dimension, nothing for the scale, or the ceiling itself as text.
    """

    code: AdjustmentCode
    subject: str
    year: int | None
    points: int


class DimensionPoints(msgspec.Struct, frozen=True):
    """What a dimension gives after its caps."""

    code: str
    points: int


# What a version that did not pack its scores has stored.
JSON_PARTS = msgspec.json.Decoder(dict[str, int])
JSON_DIMENSIONS = msgspec.json.Decoder(tuple[DimensionPoints, ...])


class ChangeReason(Reason, frozen=True, kw_only=True):
    """One reason why a score moved: what appeared, left or changed, and by how many points."""

    code: ReasonCode
    subject: str
    points: int


class ScoreChange(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a score's history; ``from_value`` None is the first score. Reasons strongest first."""

    citizen_id: UUID
    from_value: int | None
    to_value: int
    from_level: str | None
    to_level: str
    reasons: tuple[ChangeReason, ...]


def compute_level(value: int, levels: Sequence[Level]) -> Level:
    """Return the level a score lies in."""
    return max((level for level in levels if level.at_least <= value), key=_edge, default=levels[0])


def compute_next_level(value: int, levels: Sequence[Level]) -> Level | None:
    """Return the level above a score, None at the top."""
    return min((level for level in levels[1:] if level.at_least > value), key=_edge, default=None)


def unpack_parts(packed: str, terms: Mapping[int, str], book: RuleBook) -> dict[str, int]:
    """Return a stored score's points by indicator and by limit (``annual_cap:POS_BLOOD``).

    ``packed`` is the text of an array of numbers, each a step, a subject and points: ``step << 60 | subject << 32 |
    points``, added up as signed numbers. Step 0 is what a term gives, its subject the term's number in ``terms``; the
    others are those of ``LIMITS``. Scores of an earlier version are JSON.
    """
    if packed.startswith('{"'):
        return JSON_PARTS.decode(packed)
    parts: dict[str, int] = {}
    for key, points in _iter_packed(packed):
        name = terms.get(key) or _name_limit(key, terms, book)
        parts[name] = parts.get(name, 0) + points
    return parts


def unpack_dimensions(packed: str, book: RuleBook) -> tuple[DimensionPoints, ...]:
    """Return what the dimensions of a stored score give, without those that give nothing; packed by their places."""
    if packed.startswith("["):
        return JSON_DIMENSIONS.decode(packed)
    return tuple(DimensionPoints(book.dimensions[place - 1].code, points) for place, points in _iter_packed(packed))


def _iter_packed(packed: str) -> Iterator[tuple[int, int]]:
    """Yield of each number what lies above the points, and the points."""
    return (_split(int(text), POINTS_BITS) for text in packed[1:-1].split(",") if text)


def _split(number: int, bits: int) -> tuple[int, int]:
    """Return what lies above the last bits, and those as a signed number."""
    half = 1 << bits - 1
    low = (number + half) % (2 * half) - half
    return number - low >> bits, low


def _name_limit(key: int, terms: Mapping[int, str], book: RuleBook) -> str:
    """Return the name of what a limit took or gave; a key of step 0 here is a term that does not exist."""
    step, subject = _split(key, SUBJECT_BITS)
    if step == 0:
        raise KeyError(subject)
    limit = LIMITS[step - 1]
    if limit == "annual_cap":
        return f"{limit}:{terms[subject]}"
    if limit == "dimension_cap":
        return f"{limit}:{book.dimensions[subject - 1].code}"
    return f"{limit}:" if limit == "scale" else f"{limit}:{subject}"


def compute_reasons(old: Mapping[str, int], new: Mapping[str, int], *books: RuleBook) -> tuple[ChangeReason, ...]:
    """Return why parts differ, strongest first, at most ``REASONS_MAX``, in the words of the first book with each."""
    moved = {key: new.get(key, 0) - old.get(key, 0) for key in {**old, **new} if new.get(key) != old.get(key)}
    strongest = sorted(moved, key=lambda key: (-abs(moved[key]), key))[:REASONS_MAX]
    return tuple(_make_reason(key, moved[key], is_old=key in old, is_new=key in new, books=books) for key in strongest)


def compute_book_reasons(
    old: Mapping[str, int], new: Mapping[str, int], old_book: RuleBook, book: RuleBook
) -> tuple[ChangeReason, ...]:
    """Return why a score moved with a switch; first of all the new rules, if there are, with what their base gives."""
    reasons = compute_reasons(old, new, book, old_book)  # what only the old rules have, in their words
    if (old_book.code, old_book.version) == (book.code, book.version):
        return reasons
    points = book.scale.base - old_book.scale.base
    zh, en = f"启用新规则：{book.title_zh}第{book.version}版", f"new rules: {book.title_en}, version {book.version}"
    if points:
        zh, en = f"{zh}，基础分 {points:+d}分", f"{en}, base {points:+d}"
    first = ChangeReason(code="rule_book", subject=f"{book.code}:{book.version}", points=points, zh=zh, en=en)
    return (first, *reasons[: REASONS_MAX - 1])


def _make_reason(key: str, points: int, *, is_old: bool, is_new: bool, books: Sequence[RuleBook]) -> ChangeReason:
    limit, _, subject = key.rpartition(":")
    if limit:
        zh, en = describe_limit(limit, subject, *books)
        return ChangeReason(
            code="limited", subject=key, points=points, zh=f"{zh} {points:+d}分", en=f"{en} {points:+d}"
        )
    indicator = next((one for book in books for one in book.indicators if one.code == key), None)
    zh, en = (indicator.title_zh, indicator.title_en) if indicator else (key, key)
    code: ReasonCode = "changed" if is_old and is_new else "appeared" if is_new else "left"
    verb_zh, verb_en = VERBS[code]
    return ChangeReason(
        code=code, subject=key, points=points, zh=f"{verb_zh}：{zh} {points:+d}分", en=f"{verb_en}: {en} {points:+d}"
    )


def describe_limit(limit: str, subject: str, *books: RuleBook) -> tuple[str, str]:
    """Name a limit in both languages; what is limited has the title of the first book that has it."""
    titles: dict[str, tuple[str, str]] = {}
    for book in reversed(books):
        titles |= {part.code: (part.title_zh, part.title_en) for part in book.dimensions}
        titles |= {part.code: (part.title_zh, part.title_en) for part in book.indicators}
    zh, en = titles.get(subject, (subject, subject))
    return {
        "annual_cap": (f"{zh}：年度上限", f"{en}: annual cap"),
        "dimension_cap": (f"{zh}：维度上下限", f"{en}: limits of the dimension"),
        "scale": ("分值范围", "limits of the scale"),
        "ceiling": (f"最高限分{subject}分", f"ceiling of {subject}"),
    }[limit]


def _edge(level: Level) -> int:
    return level.at_least


CONTRIBUTIONS = msgspec.json.Decoder(tuple[Contribution, ...])
ADJUSTMENTS = msgspec.json.Decoder(tuple[Adjustment, ...])
REASONS = msgspec.json.Decoder(tuple[ChangeReason, ...])
