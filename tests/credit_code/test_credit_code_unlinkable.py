"""Without the key, two codes of one citizen look like codes of two citizens."""

from __future__ import annotations

import math
import random
from collections import Counter
from itertools import pairwise, product

from app.credit_code.short_form import encode_code

KEY = bytes(range(32))
CODES_OF_EACH = 2_000
FIRST_SLOT = 59_000_000
DIGITS = "0123456789"


def codes_of(account: int, *, dice: random.Random) -> list[str]:
    return [
        encode_code(key=KEY, account_number=account, slot=FIRST_SLOT + number, generation=0, salt=dice.randrange(100))[
            2:
        ]
        for number in range(CODES_OF_EACH)
    ]


def weights(codes: list[str]) -> list[dict[str, float]]:
    """Learn how likely each digit is at each place (naive Bayes)."""
    columns = [Counter(column) for column in zip(*codes, strict=True)]
    return [{digit: math.log((seen[digit] + 1) / (len(codes) + 10)) for digit in DIGITS} for seen in columns]


def likelihood(code: str, learnt: list[dict[str, float]]) -> float:
    return sum(table[digit] for digit, table in zip(code, learnt, strict=True))


def test_a_classifier_cannot_distinguish_two_citizens() -> None:
    dice = random.Random(20)
    one, other = codes_of(100_000_001, dice=dice), codes_of(100_000_002, dice=dice)
    half = CODES_OF_EACH // 2
    learnt_one, learnt_other = weights(one[:half]), weights(other[:half])
    guesses = [likelihood(code, learnt_one) > likelihood(code, learnt_other) for code in one[half:]]
    guesses += [likelihood(code, learnt_one) <= likelihood(code, learnt_other) for code in other[half:]]
    assert abs(sum(guesses) / len(guesses) - 0.5) <= 0.03


def test_the_classifier_would_find_a_leak() -> None:
    """With the account number in clear it is right every time: the test above can fail."""
    one, other = [f"100000001{n:011d}" for n in range(1_000)], [f"100000002{n:011d}" for n in range(1_000)]
    learnt_one, learnt_other = weights(one), weights(other)
    assert all(likelihood(code, learnt_one) > likelihood(code, learnt_other) for code in one)


def test_following_codes_of_one_citizen_are_independent() -> None:
    """Chi-square over every pair of a place in one code and a place in the next; 99 degrees of freedom each."""
    codes = codes_of(100_000_001, dice=random.Random(21))
    worst = max(
        _chi_square([(before[left], after[right]) for before, after in pairwise(codes)])
        for left, right in product(range(20), repeat=2)
    )
    assert worst < 180  # one in a million for one pair, and there are 400


def test_every_digit_is_as_likely_at_every_place() -> None:
    codes = codes_of(100_000_001, dice=random.Random(22))
    for column in zip(*codes, strict=True):
        seen, expected = Counter(column), len(codes) / 10
        assert sum((seen[digit] - expected) ** 2 / expected for digit in DIGITS) < 40  # 9 degrees of freedom, 1 in 10^5


def _chi_square(pairs: list[tuple[str, str]]) -> float:
    seen, expected = Counter(pairs), len(pairs) / 100
    return sum((seen[pair] - expected) ** 2 / expected for pair in product(DIGITS, DIGITS))
