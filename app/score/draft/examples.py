"""Examples a rule book carries: people who are described, and the score they must have. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Annotated
from uuid import UUID

import msgspec

from app.record.catalogue import ACT_ID_CHARACTERS_MAX, FIRST_DAY, LAST_DAY, QUANTITY_MAX
from app.record.fault import find_kind, judge_claim
from app.score.book.document import Code, Part, RuleBook, Title, Words
from app.score.engine.given import Explanation, GivenPerson, GivenRecord, RecordState
from app.values.fault import Fault
from app.values.reason import Reason

EXAMPLES_MAX = 50
EXAMPLE_RECORDS_MAX = 100
EXAMPLE_CONSENTS_MAX = 20

ActId = Annotated[str, msgspec.Meta(min_length=1, max_length=ACT_ID_CHARACTERS_MAX)]


class ExampleRecord(Part, frozen=True, kw_only=True):
    """A record of the example's person; ``state`` other than active: suspended, repaired, corrected or superseded."""

    indicator: Code
    event_on: date
    ends_on: date | None = None
    grade: Code | None = None
    quantity: Annotated[int, msgspec.Meta(ge=0, le=QUANTITY_MAX)] | None = None
    act_id: ActId | None = None
    state: RecordState = "active"


class Expected(Part, frozen=True, kw_only=True):
    """The score the person must have; both null: none, because there is none under eighteen."""

    value: int | None
    level: Code | None


class Example(Part, frozen=True, kw_only=True):
    """A person on a day: born when, with which separate consents and records, and what they must score.

    ``working`` is the sum as one would do it by hand.
    """

    title_zh: Title
    title_en: Title
    day: date
    birth_on: date
    consents: Annotated[tuple[Code, ...], msgspec.Meta(max_length=EXAMPLE_CONSENTS_MAX)] = ()
    records: Annotated[tuple[ExampleRecord, ...], msgspec.Meta(max_length=EXAMPLE_RECORDS_MAX)] = ()
    expected: Expected
    working: Words | None = None


class ExampleOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the engine gave for an example, None for a minor; contributions name records by their place in the list."""

    example: Example
    score: Explanation | None

    @property
    def found(self) -> Expected:
        """Value and level of the score, both None where there is none."""
        return Expected(value=None, level=None) if self.score is None else Expected(
            value=self.score.value, level=self.score.level
        )  # fmt: skip

    @property
    def has_passed(self) -> bool:
        """Whether value and level are the expected ones."""
        return self.found == self.example.expected


def parse_examples(text: str) -> tuple[Example, ...]:
    """Read stored examples."""
    return msgspec.json.decode(text, type=tuple[Example, ...])


def compute_person(example: Example) -> GivenPerson:
    """Return the person the engine is given; a record's id is its place, so that the answer can be read."""
    facts = [msgspec.structs.asdict(record) for record in example.records]
    records = tuple(GivenRecord(id=UUID(int=place), **fact) for place, fact in enumerate(facts))
    return GivenPerson(birth_on=example.birth_on, consents=example.consents, records=records)


def judge_examples(examples: Sequence[Example], book: RuleBook) -> Iterator[Fault]:
    """Yield what is wrong with examples: records nobody could have, levels and consents the book does not have."""
    levels = {level.code for level in book.levels}
    purposes = {indicator.code.lower() for indicator in book.indicators if indicator.consent == "separate"}
    for number, example in enumerate(examples):
        at = f"/examples/{number}"
        for place, record in enumerate(example.records):
            yield from _judge_record(record, example, f"{at}/records/{place}")
        if example.expected.level not in {None, *levels}:
            zh, en = "规则中没有这个等级", "the rule book has no such level"
            yield Fault.at(f"{at}/expected/level", "level_unknown", zh, en)
        if (example.expected.value is None) != (example.expected.level is None):
            zh, en = "分值与等级须同时给出，或同时为空", "value and level go together"
            yield Fault.at(f"{at}/expected", "expected_half", zh, en)
        if not (FIRST_DAY <= example.birth_on <= LAST_DAY and FIRST_DAY <= example.day <= LAST_DAY):
            zh, en = "日期超出范围", "a date is out of range"
            yield Fault.at(f"{at}/day", "date_out_of_range", zh, en)
        if not purposes >= set(example.consents):
            zh, en = "规则中没有须此单独同意的指标", "no indicator of the rule book needs this consent"
            yield Fault.at(f"{at}/consents", "consent_unknown", zh, en)


def _judge_record(record: ExampleRecord, example: Example, at: str) -> Iterator[Fault]:
    """Judge a record like one of a source, except that it needs no document and may lie in the future."""
    kind = find_kind(record.indicator, None)
    fault = kind if isinstance(kind, Reason) else judge_claim(
        kind, event_on=record.event_on, ends_on=record.ends_on, grade=record.grade, quantity=record.quantity,
        document="example 1", today=max(example.day, record.event_on),
    )  # fmt: skip
    if fault is not None:
        yield Fault.of(fault, at)
