"""Examples run through the engine itself."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from app.score.draft.examples import ExampleOutcome, compute_person
from app.score.engine.actions import score_given

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from app.score.draft.examples import Example


async def run_examples(examples: Sequence[Example], rule_book_id: int) -> list[ExampleOutcome]:
    """Score every example under a rule book, each on its own day, and return the outcomes in order."""
    by_day: defaultdict[date, list[int]] = defaultdict(list)
    for number, example in enumerate(examples):
        by_day[example.day].append(number)
    outcomes: dict[int, ExampleOutcome] = {}
    for day, numbers in by_day.items():
        people = [compute_person(examples[number]) for number in numbers]
        scores = await score_given(people, rule_book_id=rule_book_id, day=day)
        for number, score in zip(numbers, scores, strict=True):
            outcomes[number] = ExampleOutcome(example=examples[number], score=score)
    return [outcomes[number] for number in range(len(examples))]
