"""A rule book as a document: the nouns, the same for a rating and for a points ledger. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from app.values.patterns import BOOK_CODE, CODE, ONE_LINE

POINTS_MAX = 10_000
MONTHS_MAX = 1200
TITLE_CHARACTERS_MAX = 200
WORDS_CHARACTERS_MAX = 2_000
DIMENSIONS_MAX = 20
LEVELS_MAX = 20
INDICATORS_MAX = 200
ENGINE_RULES_MAX = 50
VALUES_MAX = 50
VERSION_MAX = 2**31 - 1

Kind = Literal["flat", "graded", "ladder", "state", "clean", "ceiling"]
Severity = Literal["minor", "general", "serious"]
Months = Annotated[int, msgspec.Meta(gt=0, le=MONTHS_MAX)]
Points = Annotated[int, msgspec.Meta(ge=-POINTS_MAX, le=POINTS_MAX)]
Code = Annotated[str, msgspec.Meta(max_length=64, pattern=CODE)]
BookCode = Annotated[str, msgspec.Meta(max_length=32, pattern=BOOK_CODE)]
Title = Annotated[str, msgspec.Meta(max_length=TITLE_CHARACTERS_MAX, pattern=ONE_LINE)]
Words = Annotated[str, msgspec.Meta(max_length=WORDS_CHARACTERS_MAX, pattern=ONE_LINE)]


class Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A part of the document; the wire shape and the stored shape are one."""


class Scale(Part, frozen=True, kw_only=True):
    """Where a score starts, and between which edges it stays; null: no edge on that side."""

    base: Points
    min: Points | None
    max: Points | None


class Dimension(Part, frozen=True, kw_only=True):
    """A group of indicators whose points together stay between floor and cap; null: no edge on that side.

    An active record of a dimension that ``breaks_good_faith`` ends the presumption of good faith.
    """

    code: Code
    title_zh: Title
    title_en: Title
    floor: Points | None
    cap: Points | None
    breaks_good_faith: bool = False


class Level(Part, frozen=True, kw_only=True):
    """A band of scores, from its inclusive lower edge to the next level's; the first takes everything below too."""

    code: Code
    title_zh: Title
    title_en: Title
    at_least: Points


class EngineRule(Part, frozen=True, kw_only=True):
    """One rule of the engine, in words, with the number it is cited by."""

    clause: Code
    zh: Words
    en: Words


class Value(Part, frozen=True, kw_only=True):
    """What an indicator gives: for a ``grade``, from a quantity ``at_least`` on, or just so.

    ``ceiling`` is the most the whole score can be meanwhile; validity and severity override the indicator's.
    """

    points: Points
    grade: Code | None = None
    at_least: Annotated[int, msgspec.Meta(ge=0)] | None = None
    ceiling: Points | None = None
    validity_months: Months | None = None
    severity: Severity | None = None


class RuleIndicator(Part, frozen=True, kw_only=True):
    """How one indicator counts.

    ``flat`` points per record · ``graded`` by the record's grade · ``ladder`` by the rung a year's quantities reach ·
    ``state`` while it lasts · ``clean`` months of good faith · ``ceiling`` points and a maximum while it lasts.
    What lasts counts until the day before it ends, however long that is, and then no longer: ``validity_months`` ends
    acts, never an open state.
    ``doubles``: a repeat counts twice. ``adds_up``: several records of this state each count. ``consent``: when
    ``separate``, only with the citizen's own consent, whose purpose is the code in lower case.
    """

    code: Code
    clause: Code
    dimension: Code
    topic: Code
    title_zh: Title
    title_en: Title
    kind: Kind
    values: Annotated[tuple[Value, ...], msgspec.Meta(min_length=1, max_length=VALUES_MAX)]
    annual_cap: Points | None = None
    validity_months: Months | None = None
    severity: Severity | None = None
    needs_document: bool = False
    doubles: bool = False
    adds_up: bool = False
    exclusive_group: Code | None = None
    supersedes: Annotated[tuple[Code, ...], msgspec.Meta(max_length=INDICATORS_MAX)] = ()
    consent: Literal["no", "join", "separate"] = "no"


class RuleBook(Part, frozen=True, kw_only=True):
    """One immutable version of all rules."""

    code: BookCode
    version: Annotated[int, msgspec.Meta(gt=0, le=VERSION_MAX)]
    title_zh: Title
    title_en: Title
    scale: Scale
    dimensions: Annotated[tuple[Dimension, ...], msgspec.Meta(min_length=1, max_length=DIMENSIONS_MAX)]
    levels: Annotated[tuple[Level, ...], msgspec.Meta(min_length=1, max_length=LEVELS_MAX)]
    engine_rules: Annotated[tuple[EngineRule, ...], msgspec.Meta(min_length=1, max_length=ENGINE_RULES_MAX)]
    indicators: Annotated[tuple[RuleIndicator, ...], msgspec.Meta(min_length=1, max_length=INDICATORS_MAX)]

    def indicator(self, code: str) -> RuleIndicator:
        """Return how an indicator of this book counts."""
        return next(indicator for indicator in self.indicators if indicator.code == code)

    def dimension(self, code: str) -> Dimension:
        """Return a dimension of this book."""
        return next(dimension for dimension in self.dimensions if dimension.code == code)

    def level(self, code: str) -> Level:
        """Return a level of this book."""
        return next(level for level in self.levels if level.code == code)
