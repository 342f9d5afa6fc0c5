"""Personal fields decrypt in their own place only; indexes find without being readable; masks show a family name."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.security.crypto import FieldUnreadable, blind_index, decrypt_field, encrypt_field
from app.kit.security.keys import KEYS, ensure_keys
from app.membership.actions.joining import compute_tombstone_hash

ROW, OTHER_ROW = UUID(int=1), UUID(int=2)
COLUMN = "citizen.name"


@pytest.fixture(autouse=True, scope="module")
def _keys() -> None:
    ensure_keys()


@given(st.text(max_size=200))
def test_what_is_encrypted_decrypts(text: str) -> None:
    text = text.encode("utf-8", "ignore").decode()
    assert decrypt_field(encrypt_field(text, column=COLUMN, row_id=ROW), column=COLUMN, row_id=ROW) == text


@pytest.mark.parametrize(("column", "row"), [(COLUMN, OTHER_ROW), ("citizen.phone", ROW), ("citizen.name|", ROW)])
def test_a_cipher_decrypts_nowhere_else(column: str, row: UUID) -> None:
    cipher = encrypt_field("张三", column=COLUMN, row_id=ROW)
    with pytest.raises(FieldUnreadable):
        decrypt_field(cipher, column=column, row_id=row)


def test_every_changed_bit_is_noticed() -> None:
    cipher = encrypt_field("张三", column=COLUMN, row_id=ROW)
    for position in range(len(cipher)):
        for bit in range(8):
            forged = bytearray(cipher)
            forged[position] ^= 1 << bit
            with pytest.raises(FieldUnreadable):
                decrypt_field(bytes(forged), column=COLUMN, row_id=ROW)


def test_every_cut_is_noticed() -> None:
    cipher = encrypt_field("张三", column=COLUMN, row_id=ROW)
    for length in range(len(cipher)):
        with pytest.raises(FieldUnreadable):
            decrypt_field(cipher[:length], column=COLUMN, row_id=ROW)


def test_equal_texts_have_different_ciphers() -> None:
    assert len({encrypt_field("张三", column=COLUMN, row_id=ROW) for _ in range(100)}) == 100


def test_the_complaint_says_the_column_and_nothing_of_the_value() -> None:
    with pytest.raises(FieldUnreadable) as complaint:
        decrypt_field(b"\x01\x01" + "张三的秘密资料".encode(), column=COLUMN, row_id=ROW)
    assert str(complaint.value) == COLUMN


def test_an_index_is_equal_for_equal_values_of_one_purpose_only() -> None:
    assert blind_index("a", "b", purpose="person") == blind_index("a", "b", purpose="person")
    others = {
        blind_index("a", "b", purpose="person"),
        blind_index("a", "b", purpose="phone"),
        blind_index("ab", purpose="person"),
        blind_index("b", "a", purpose="person"),
        blind_index("a", purpose="person"),
        compute_tombstone_hash("a"),
        compute_tombstone_hash("b"),
    }
    assert len(others) == 7
    assert all(len(one) == 32 for one in others)


def test_indexes_and_tombstones_are_keyed() -> None:
    before = blind_index("a", purpose="person"), compute_tombstone_hash("a")
    ring = KEYS.ring
    try:
        KEYS._ring = type(ring)(
            **{**{name: getattr(ring, name) for name in ring.__struct_fields__}, "blind_index": b"x"}
        )
        assert blind_index("a", purpose="person") != before[0]
        assert compute_tombstone_hash("a") == before[1]
    finally:
        KEYS._ring = ring
