"""Which bodies are looked through before they are understood."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from app.kit.request.bodies import INTEGER_MAX, _find_unstorable, may_be_odd

LONG = str(INTEGER_MAX + 1)
MAY_BE_ODD = [
    *(f"{before}{number}{after}" for before, after in (("", ""), ("[", "]"), ('{"a":', "}"), ("[1,", "]"), ("[ ", " ]"),
      ("[\n", "\n]"), ("[\t", "]"), ("\r\n", ""), ('["a",', "]"), ('["",', "]"), ('{"9":', ',"a":"9"}'), ("[[],", "]"))
      for number in (LONG, f"-{LONG}", "9" * 20, "1" + "0" * 40, "9" * 300)),
    *(f'{{"a":"{text}"}}' for text in ("\\u0000", "x\\u0000", "\\\\\\u0000", "9" * 22 + "\\u0000")),
    '{"\\u0000":1}', f'{{"code":"{"9" * 22}","a":{LONG}}}', f'["{"9" * 22}",{LONG}]', f'[{LONG},"{"9" * 22}"]',
]  # fmt: skip
PLAIN = [
    "{}", '{"a":1}', f'{{"code":"96{"1" * 20}","amountFen":{10**17}}}', f'["{"9" * 22}","{"0" * 22}"]', '["\\u0001"]',
    f"[{'9' * 18},{'9' * 18}]", f'{{"{"9" * 19}":"{"9" * 37}"}}',
]  # fmt: skip


@pytest.mark.parametrize("text", MAY_BE_ODD)
def test_no_number_that_is_too_long_and_no_nul_is_overlooked(text: str) -> None:
    assert may_be_odd(text.encode())


@pytest.mark.parametrize("text", PLAIN)
def test_what_a_till_sends_is_not_looked_through(text: str) -> None:
    """A credit code is a text of 22 digits."""
    assert not may_be_odd(text.encode())


def test_random_trees_are_looked_through_where_they_must_be() -> None:
    """Whatever the looking finds in a tree, the search had sent it there."""
    for seed in range(300):
        dice = random.Random(seed)
        tree = make_tree(dice, 4)
        for separators in ((",", ":"), (", ", ": ")):
            body = json.dumps(tree, separators=separators, ensure_ascii=dice.random() < 0.8).encode()
            assert may_be_odd(body) or not list(_find_unstorable(tree)), body


def make_tree(dice: random.Random, depth: int) -> Any:
    """Return a JSON value with long texts of digits, long numbers and NULs in it, now and then."""
    if depth and dice.random() < 0.7:
        parts = [make_tree(dice, depth - 1) for _ in range(dice.randrange(4))]
        return parts if dice.random() < 0.5 else {str(make_tree(dice, 0)): part for part in parts}
    digits = "".join(dice.choice("0123456789") for _ in range(dice.choice([1, 18, 19, 20, 22, 38, 40])))
    return dice.choice(
        [digits, int(digits), -int(digits), f"a{digits}", f'"{digits}', digits + dice.choice("\0b"), None]
    )
