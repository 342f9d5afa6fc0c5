"""When a rule book may come into force, and which number a new one has. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from app.record.catalogue import CATALOGUE
from app.score.book.check import iter_faults
from app.score.book.document import RuleBook
from app.score.draft.examples import Example, judge_examples
from app.values.fault import Fault

EFFECTIVE_DAYS_MAX = 180


def may_take_effect(effective_on: date, today: date) -> bool:
    """Whether a rule book approved today may take effect on a day: at the earliest tomorrow, so it is public first."""
    return today < effective_on <= today + timedelta(days=EFFECTIVE_DAYS_MAX)


def judge_book(book: RuleBook, at: str) -> Iterator[Fault]:
    """Return what is wrong with the document at a place of the request."""
    return (fault.below(at) for fault in iter_faults(book, CATALOGUE))


def judge_number(book: RuleBook, code: str, version: int) -> Iterator[Fault]:
    """Yield where a document has another code or version than it must have."""
    if book.code != code:
        zh, en = f"规则代码不可更改，应为{code}", f"the code cannot change, it is {code}"
        yield Fault.at("/document/code", "code_fixed", zh, en)
    if book.version != version:
        zh, en = f"版本号应为{version}", f"the version must be {version}"
        yield Fault.at("/document/version", "version_wrong", zh, en)


def judge_draft(book: RuleBook, examples: Sequence[Example], code: str, version: int) -> list[Fault]:
    """Return everything that is wrong with a draft; examples are judged only where the book itself has no fault."""
    faults = [*judge_number(book, code, version), *judge_book(book, "/document")]
    return faults or list(judge_examples(examples, book))
