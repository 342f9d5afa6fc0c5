"""Examples run through the engine itself."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from app.score.draft.examples import ExampleOutcome, compute_outcome, compute_person
from app.score.engine.actions import score_told

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from app.score.draft.examples import Example


async def run_examples(examples: Sequence[Example], rule_book_id: int) -> list[ExampleOutcome]:
    """Score every example under a rule book, each on its own day, and return what came of it, in order."""
    by_day: defaultdict[date, list[int]] = defaultdict(list)
    for number, example in enumerate(examples):
        by_day[example.day].append(number)
    outcomes: dict[int, ExampleOutcome] = {}
    for day, numbers in by_day.items():
        people = [compute_person(examples[number]) for number in numbers]
        scores = await score_told(people, rule_book_id=rule_book_id, day=day)
        for number, score in zip(numbers, scores, strict=True):
            outcomes[number] = compute_outcome(examples[number], score)
    return [outcomes[number] for number in range(len(examples))]
