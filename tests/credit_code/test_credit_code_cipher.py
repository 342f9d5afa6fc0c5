"""The cipher is FF1: the NIST vectors, and equality with an independent implementation."""

from __future__ import annotations

import pytest
from ffx import FF1
from hypothesis import given
from hypothesis import strategies as st

from app.credit_code.cipher import DIGITS_MAX, DIGITS_MIN, RADIX, DecimalCipher
from app.credit_code.short_form import PLAIN_DIGITS, TWEAK

# NIST SP 800-38G, "FF1 samples", AES-256.
NIST_KEY = bytes.fromhex("2B7E151628AED2A6ABF7158809CF4F3CEF4359D8D580AA4F7F036D6F04FC6A94")
NIST_SAMPLES = [
    ("sample 7", 10, b"", "0123456789", "6657667009"),
    ("sample 8", 10, bytes.fromhex("39383736353433323130"), "0123456789", "1001623463"),
    ("sample 9", 36, bytes.fromhex("3737373770717273373737"), "0123456789abcdefghi", "xs8a0azh2avyalyzuwd"),
]


@pytest.mark.parametrize(("name", "radix", "tweak", "plain", "cipher"), NIST_SAMPLES)
def test_the_reference_reproduces_the_nist_samples(
    name: str, radix: int, tweak: bytes, plain: str, cipher: str
) -> None:
    reference = FF1(NIST_KEY, radix=radix)
    assert reference.encrypt(plain, tweak=tweak) == cipher, name
    assert reference.decrypt(cipher, tweak=tweak) == plain, name


@pytest.mark.parametrize(("name", "radix", "tweak", "plain", "cipher"), [row for row in NIST_SAMPLES if row[1] == 10])
def test_ours_reproduces_the_decimal_nist_samples(name: str, radix: int, tweak: bytes, plain: str, cipher: str) -> None:
    assert radix == RADIX
    ours = DecimalCipher(NIST_KEY, digits=len(plain), tweak=tweak)
    assert f"{ours.encrypt(int(plain)):010d}" == cipher, name
    assert f"{ours.decrypt(int(cipher)):010d}" == plain, name


@given(key=st.binary(min_size=32, max_size=32), plain=st.integers(0, 10**PLAIN_DIGITS - 1))
def test_ours_equals_the_reference_in_the_shape_of_the_code(key: bytes, plain: int) -> None:
    cipher = FF1(key, radix=10).encrypt(f"{plain:020d}", tweak=TWEAK)
    ours = DecimalCipher(key, digits=PLAIN_DIGITS, tweak=TWEAK)
    assert ours.encrypt(plain) == int(cipher)
    assert ours.decrypt(int(cipher)) == plain


@given(
    half=st.integers(DIGITS_MIN // 2, DIGITS_MAX // 2),
    tweak=st.binary(max_size=40),
    fraction=st.floats(0, 1, exclude_max=True),
)
def test_ours_equals_the_reference_in_every_shape(half: int, tweak: bytes, fraction: float) -> None:
    plain = int(fraction * 10 ** (2 * half)) % 10 ** (2 * half)
    expected = FF1(NIST_KEY, radix=10).encrypt(str(plain).zfill(2 * half), tweak=tweak)
    assert DecimalCipher(NIST_KEY, digits=2 * half, tweak=tweak).encrypt(plain) == int(expected)


@pytest.mark.parametrize("digits", [DIGITS_MIN - 2, DIGITS_MIN + 1, DIGITS_MAX + 2])
def test_a_shape_outside_the_standard_is_a_bug(digits: int) -> None:
    with pytest.raises(AssertionError):
        DecimalCipher(NIST_KEY, digits=digits, tweak=TWEAK)
