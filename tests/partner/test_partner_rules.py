"""Names, keys in force, and the directory in memory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.clock import uuid7
from app.partner.directory import (
    KEY_LIFETIME_MAX,
    KEY_MARK,
    NAME_CHARACTERS_MAX,
    Directory,
    InstitutionEntry,
    KeyEntry,
    State,
    TerminalEntry,
    compute_key_prefix,
    compute_renewed_expiry,
    compute_secret_hash,
    is_lifetime_allowed,
    may_key_speak,
    may_reach_store,
    parse_name,
)

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
A, B = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("惠民药房", "惠民药房"),
        ("  Café 24 (Nord) ", "Café 24 (Nord)"),
        ("Cafe\u0301", "Caf\u00e9"),
        ("一店·收银台#3", "一店·收银台#3"),
        ("A+B", "A+B"),
        ("7", "7"),
        ("店" * NAME_CHARACTERS_MAX, "店" * NAME_CHARACTERS_MAX),
        ("店" * (NAME_CHARACTERS_MAX + 1), None),
        ("", None),
        ("   ", None),
        ("店\x00铺", None),
        ("店\n铺", None),
        ("店\t铺", None),
        ("店\x7f", None),
        ("\u202e店", "店"),
        ("店\u200b铺", "店铺"),
        ("\ufeff店", "店"),
        ("刘\U000323b0记", "刘\U000323b0记"),
        ("店😀", None),
        ("店❤\ufe0f", None),
        ("1\ufe0f\u20e3", None),
        ("🇨🇳", None),
        ("\u0301店", None),
        ("店\ue000", None),
        ("<店>", None),
        ("=1+1", None),
    ],
)
def test_names(text: str, name: str | None) -> None:
    assert parse_name(text) == name


@given(st.text(max_size=80))
def test_a_name_that_is_taken_stays_as_it_is(text: str) -> None:
    name = parse_name(text)
    if name is not None:
        assert parse_name(name) == name
        assert "\x00" not in name


def key(state: State = "active", expires_at: datetime = NOW + MOMENT) -> KeyEntry:
    return KeyEntry(uuid7(), A, b"hash", ("read",), None, state, expires_at)


@pytest.mark.parametrize(
    ("entry", "institution_state", "may"),
    [
        (key(), "active", True),
        (key(expires_at=NOW), "active", False),
        (key(expires_at=NOW - MOMENT), "active", False),
        (key(state="suspended"), "active", False),
        (key(), "suspended", False),
        (key(), None, False),
    ],
)
def test_a_key_speaks_only_in_force(entry: KeyEntry, institution_state: State | None, *, may: bool) -> None:
    institution = InstitutionEntry(A, "店", "merchant", institution_state) if institution_state else None
    assert may_key_speak(entry, institution, NOW) is may


@pytest.mark.parametrize(
    ("store_ids", "may"), [(None, True), (frozenset({A}), True), (frozenset({B}), False), (frozenset(), False)]
)
def test_a_key_reaches_only_its_stores(store_ids: frozenset[UUID] | None, *, may: bool) -> None:
    assert may_reach_store(store_ids, A) is may


@pytest.mark.parametrize(
    ("expires_at", "is_allowed"),
    [
        (NOW, False),
        (NOW + MOMENT, True),
        (NOW + KEY_LIFETIME_MAX, True),
        (NOW + KEY_LIFETIME_MAX + MOMENT, False),
        (datetime.max.replace(tzinfo=UTC), False),
        (datetime.min.replace(tzinfo=UTC), False),
    ],
)
def test_a_lifetime_has_edges(expires_at: datetime, *, is_allowed: bool) -> None:
    assert is_lifetime_allowed(expires_at, NOW) is is_allowed


def test_a_successor_lives_as_long() -> None:
    assert compute_renewed_expiry(NOW - timedelta(days=3), NOW + timedelta(days=7), NOW) == NOW + timedelta(days=10)


def test_a_prefix_tells_the_key_and_not_its_secret() -> None:
    key_id = uuid7()
    assert compute_key_prefix(key_id).startswith(KEY_MARK)
    assert compute_key_prefix(key_id) != compute_key_prefix(uuid7())
    assert len(compute_secret_hash("hxk_live_x")) == 32


def test_the_directory_lists_an_institutions_terminals_in_order() -> None:
    late, early, other = (TerminalEntry(uuid7(), owner, B, "机", True) for owner in (A, A, B))
    directory = Directory([], [], [late, other, early], [])
    assert [terminal.id for terminal in directory.terminals_of(A)] == sorted([late.id, early.id])
    assert directory.terminals_of(UUID(int=9)) == []
    assert directory.terminal(other.id) == other
    assert directory.institution(A) is None
    assert directory.store(A) is None
    assert directory.key_by_hash(b"") is None
