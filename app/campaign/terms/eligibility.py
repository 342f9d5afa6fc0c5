"""Who may have a benefit: a tree of clauses over one citizen's facts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated

import msgspec

from app.campaign.terms.texts import Code
from app.citizen.paper import ADULT_AGE
from app.score.book.document import Level

THRESHOLD_MAX = 2_000  # above every published scale; the points ledger has no ceiling
AGE_MAX = 120

Threshold = Annotated[int, msgspec.Meta(ge=0, le=THRESHOLD_MAX)]
Age = Annotated[int, msgspec.Meta(ge=ADULT_AGE, le=AGE_MAX)]


class Term(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename="camel",
    omit_defaults=True,
    tag_field="type",
):
    """A clause or a grant, told apart on the wire by ``type``."""


class AllOf(Term, frozen=True, kw_only=True, tag="all"):
    """Every clause holds."""

    of: tuple[Eligibility, ...]


class AnyOf(Term, frozen=True, kw_only=True, tag="any"):
    """At least one clause holds."""

    of: tuple[Eligibility, ...]


class ScoreAtLeast(Term, frozen=True, kw_only=True, tag="scoreAtLeast"):
    """The score is ``value`` or more."""

    value: Threshold


class LevelAtLeast(Term, frozen=True, kw_only=True, tag="levelAtLeast"):
    """The level is this one of the rule book in force, or a higher one."""

    level: Code


class HasHonour(Term, frozen=True, kw_only=True, tag="hasHonour"):
    """An honour is held on the day, of a grade or a stronger one when that is asked."""

    honour: Code
    grade_at_least: Code | None = None


class AgeBetween(Term, frozen=True, kw_only=True, tag="ageBetween"):
    """The age in full years on the day lies in an inclusive range, open where an end is left out."""

    min: Age | None = None
    max: Age | None = None


class Everyone(Term, frozen=True, kw_only=True, tag="everyone"):
    """Nothing is asked."""


Leaf = ScoreAtLeast | LevelAtLeast | HasHonour | AgeBetween | Everyone
Eligibility = AllOf | AnyOf | ScoreAtLeast | LevelAtLeast | HasHonour | AgeBetween | Everyone


class HeldHonour(msgspec.Struct, frozen=True):
    """An honour a citizen holds; ``rank`` is the grade's 1-based place, weakest first, and 1 without grades."""

    code: str
    grade: str | None
    rank: int
    until: date


_HONOURS = msgspec.json.Decoder(tuple[HeldHonour, ...])


def read_honours(text: str | None) -> tuple[HeldHonour, ...]:
    """Read the honours stored beside a score, JSON text; most people hold none, and then nothing is decoded."""
    return () if text is None or text == "[]" else _HONOURS.decode(text)


class Facts(msgspec.Struct, frozen=True):
    """All that eligibility may look at: a citizen, and the ``levels`` of the rule book in force by their codes."""

    score: int
    level: str
    honours: tuple[HeldHonour, ...]
    birth_on: date
    levels: Mapping[str, Level]
