"""The codec: what opens, what does not, and that a code says nothing."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.credit_code.cipher import DecimalCipher
from app.credit_code.short_form import (
    CODES_AT_ONCE_MAX,
    EARLY_SECONDS_MAX,
    LATE_SECONDS_MAX,
    PLAIN_DIGITS,
    SALTS,
    SLOT_SECONDS,
    SLOTS,
    TWEAK,
    ExpiredCode,
    OpenedCode,
    compute_salt,
    compute_slot,
    compute_slot_start,
    encode_code,
    is_of_generation,
    open_code,
)
from app.kit.security.keys import CODE_KEY_OVERLAP_SECONDS, CodeKey, KeyRing, make_keys, rotate_keys

KEY = bytes(range(32))
OTHER_KEY = bytes(range(32, 64))
NOW = datetime(2026, 3, 14, 8, 30, 0, tzinfo=UTC)  # the first instant of a slot
SLOT = compute_slot(NOW)
SECOND = timedelta(seconds=1)


def a_code(
    *, account: int = 123_456_789, slot: int = SLOT, generation: int = 7, salt: int = 42, key: bytes = KEY
) -> str:
    return encode_code(key=key, account_number=account, slot=slot, generation=generation, salt=salt)


def test_the_format_is_pinned() -> None:
    # Phones of an older release and codes on paper must go on opening: this text may never change.
    assert a_code() == "9637558349008393985762"


@given(
    account=st.integers(0, 999_999_999),
    slot=st.integers(0, 3_000_000_000 // SLOT_SECONDS),
    generation=st.integers(0, 100_000),
    salt=st.integers(0, 99),
    second=st.floats(0, SLOT_SECONDS - 0.001),
)
def test_what_is_encoded_opens_within_its_slot(
    account: int, slot: int, generation: int, salt: int, second: float
) -> None:
    text = a_code(account=account, slot=slot, generation=generation, salt=salt)
    opened = open_code(text, [KEY], compute_slot_start(slot) + timedelta(seconds=second))
    assert opened == OpenedCode(account, compute_slot_start(slot), generation % 100, text[2:])
    assert isinstance(opened, OpenedCode)
    assert is_of_generation(opened, generation)
    assert not is_of_generation(opened, generation + 1)


@pytest.mark.parametrize("skew", range(-120, 121, 5))
def test_clock_skew(skew: int) -> None:
    opened = open_code(a_code(), [KEY], NOW + skew * SECOND)
    is_accepted = -EARLY_SECONDS_MAX <= skew <= SLOT_SECONDS + LATE_SECONDS_MAX
    assert isinstance(opened, OpenedCode) if is_accepted else isinstance(opened, ExpiredCode)


@pytest.mark.parametrize(
    ("seconds", "is_accepted"), [(-5.001, False), (-5, True), (0, True), (30, True), (45, True), (45.001, False)]
)
def test_the_edges_of_the_window(seconds: float, is_accepted: bool) -> None:
    opened = open_code(a_code(), [KEY], NOW + timedelta(seconds=seconds))
    assert isinstance(opened, OpenedCode) is is_accepted
    assert is_accepted or isinstance(opened, ExpiredCode)


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_the_slot_number_wraps_after_a_million(offset: int) -> None:
    wrap = (SLOT // SLOTS + 1) * SLOTS
    start = compute_slot_start(wrap + offset)
    for seconds in (-5, 0, 29, 45):
        opened = open_code(a_code(slot=wrap + offset), [KEY], start + seconds * SECOND)
        assert isinstance(opened, OpenedCode)
        assert opened.slot_start == start


@pytest.mark.parametrize("slots_away", [-SLOTS // 2, -2, 2, SLOTS // 2 - 1, SLOTS // 2, 3 * SLOTS // 2])
def test_a_code_of_another_time_is_expired(slots_away: int) -> None:
    assert isinstance(open_code(a_code(slot=SLOT + slots_away), [KEY], NOW), ExpiredCode)


def test_a_generation_is_compared_by_its_last_two_digits() -> None:
    opened = open_code(a_code(generation=199), [KEY], NOW)
    assert isinstance(opened, OpenedCode)
    assert [is_of_generation(opened, number) for number in (98, 99, 100, 199, 200)] == [False, True, False, True, False]


ARABIC_INDIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


@pytest.mark.parametrize(
    "text",
    [
        "", "96", a_code()[:-1], a_code() + "0", " " + a_code()[1:], a_code()[:-1] + "\n", a_code()[:-1] + "\x00",
        "97" + a_code()[2:], "10" + a_code()[2:], a_code().translate(ARABIC_INDIC),
        a_code()[:-1] + "٣", a_code()[:-1] + "²", "+" + a_code()[1:], a_code()[:11] + "_" + a_code()[12:],
        "-" * 22, "😀" * 22, "9" * 10_000, a_code() + " " * 100, "96" + "x" * 20, "\ud800" * 22,
    ],
)  # fmt: skip
def test_a_text_that_is_no_code_is_invalid(text: str) -> None:
    assert open_code(text, [KEY], NOW) is None


@pytest.mark.parametrize(
    "shown",
    [
        "{}\r", "{}\r\n", "{}\n", "{}\t", "{} ", " {}", "\ufeff{}", "\u202d{}\u202c", "{}\u3000", "\x1d{}",
        "{}" + " " * 78,
    ],
)  # fmt: skip
def test_what_a_scanner_adds_is_not_part_of_a_code(shown: str) -> None:
    opened = open_code(shown.format(a_code()), [KEY], NOW)
    assert opened == open_code(a_code(), [KEY], NOW)
    assert isinstance(opened, OpenedCode)


@pytest.mark.parametrize("joint", [" ", "-", "\u3000", "\u2009", " - "])
def test_a_code_may_be_typed_in_groups_and_in_full_width(joint: str) -> None:
    grouped = joint.join(a_code()[place : place + 4] for place in range(0, 22, 4))
    for typed in (grouped, grouped.translate(FULL_WIDTH)):
        opened = open_code(typed, [KEY], NOW)
        assert isinstance(opened, OpenedCode)
        assert opened.code_id == a_code()[2:]


@given(st.text(max_size=40))
def test_any_text_gets_a_verdict(text: str) -> None:
    assert not isinstance(open_code(text, [KEY], NOW), OpenedCode)


@pytest.mark.parametrize("last", range(10))
def test_the_last_plain_digit_is_zero(last: int) -> None:
    cipher = DecimalCipher(KEY, digits=PLAIN_DIGITS, tweak=TWEAK)
    plain = cipher.decrypt(int(a_code()[2:]))
    assert plain % 10 == 0
    opened = open_code(f"96{cipher.encrypt(plain + last):020d}", [KEY], NOW)
    assert isinstance(opened, OpenedCode) if last == 0 else opened is None


def test_100_000_mutated_codes_are_refused() -> None:
    dice = random.Random(2026)
    codes = [a_code(account=number * 9_973, salt=number % 100) for number in range(1_000)]
    accepted = 0
    for number in range(100_000):
        digits = list(codes[number % 1_000])
        for place in dice.sample(range(22), 1 + number % 3):
            digits[place] = str((int(digits[place]) + dice.randrange(1, 10)) % 10)
        accepted += isinstance(open_code("".join(digits), [KEY], NOW), OpenedCode)
    # A random text passes zero and slot about twice in ten million; account and generation are still to be met.
    assert accepted == 0


def test_a_key_that_is_not_ours_opens_nothing() -> None:
    dice = random.Random(7)
    opened = [open_code(a_code(account=dice.randrange(10**9)), [OTHER_KEY], NOW) for _ in range(2_000)]
    assert not any(isinstance(one, OpenedCode) for one in opened)


def test_the_key_before_is_tried_after_the_current_one() -> None:
    dice = random.Random(8)
    for _ in range(500):  # under the wrong key one in ten has its zero right, and must not stop the search
        text = a_code(account=dice.randrange(10**9))
        assert isinstance(open_code(text, [OTHER_KEY, KEY], NOW), OpenedCode)


def ring_of(*keys: CodeKey) -> KeyRing:
    ring = make_keys("development")
    ring.code = list(keys)
    return ring


def issued_and_opened(ring_then: KeyRing, ring_now: KeyRing, issued: float, shown: float, slot: int) -> bool:
    text = a_code(key=ring_then.code_keys(issued)[0].key, slot=slot)
    keys = [key.key for key in ring_now.code_keys(shown)]
    return isinstance(open_code(text, keys, datetime.fromtimestamp(shown, UTC)), OpenedCode)


@pytest.mark.parametrize("times", [1, 2, 3])
def test_no_code_dies_of_a_rotation(times: int) -> None:
    """Codes issued at any second around one or several quick rotations open to the end of their third slot."""
    begin = NOW.timestamp()
    rings = [(begin - 1_000, ring_of(CodeKey(1, KEY, 0)))]
    for number in range(times):
        at = begin + 40 * number
        rings.append((at, rotate_keys(rings[-1][1], at)))

    def ring_at(at: float) -> KeyRing:
        return [ring for since, ring in rings if since <= at][-1]

    for issued in range(int(begin) - 100, int(begin) + 400, 7):
        for slot in range(issued // 30, issued // 30 + CODES_AT_ONCE_MAX):
            for shown in (max(issued, slot * 30 - EARLY_SECONDS_MAX), slot * 30 + SLOT_SECONDS + LATE_SECONDS_MAX):
                assert issued_and_opened(ring_at(issued), ring_at(shown), issued, shown, slot), (issued, shown)


def test_a_replaced_key_opens_nothing_after_its_overlap() -> None:
    ring = ring_of(CodeKey(1, KEY, 0), CodeKey(2, OTHER_KEY, 1_000))
    assert [key.kid for key in ring.code_keys(999)] == [1]
    assert [key.kid for key in ring.code_keys(1_000)] == [2, 1]
    assert [key.kid for key in ring.code_keys(1_000 + CODE_KEY_OVERLAP_SECONDS - 1)] == [2, 1]
    assert [key.kid for key in ring.code_keys(1_000 + CODE_KEY_OVERLAP_SECONDS)] == [2]
    assert [key.kid for key in rotate_keys(ring, 2_000).code] == [2, 3]


def test_the_overlap_covers_every_code_that_is_out() -> None:
    assert CODE_KEY_OVERLAP_SECONDS > CODES_AT_ONCE_MAX * SLOT_SECONDS + LATE_SECONDS_MAX


@pytest.mark.parametrize("workers", [1, 2, 3, 7, 64])
def test_workers_share_the_salts_and_walk_through_their_own(workers: int) -> None:
    walks = [
        [compute_salt(step, worker, workers) for step in range(begin, begin + len(range(worker, SALTS, workers)))]
        for worker, begin in zip(range(workers), itertools.cycle((0, 5, 99)), strict=False)
    ]
    assert sorted(itertools.chain(*walks)) == list(range(SALTS))  # each of them once
