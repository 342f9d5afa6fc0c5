"""Clock, pages, idempotency keys: small tools with sharp edges."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.clock import first_id_of, now, uuid7, uuid7_texts
from app.kit.errors import IdempotencyKeyInvalid, StaleCursor
from app.kit.request.idempotency import KEY_CHARACTERS_MAX, KEY_CHARACTERS_MIN, check_key, digest_request
from app.kit.web.paging import decode_cursor, encode_cursor, make_page, whole_page
from tests.support.recording import instant_of

INSTANTS = st.datetimes(datetime(1970, 1, 2), datetime(9000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001

SORTABLE = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@given(INSTANTS)
def test_an_id_carries_its_instant(at: datetime) -> None:
    one = uuid7(at)
    assert (one.version, one.variant) == (7, "specified in RFC 4122")
    assert abs(instant_of(one) - at) < timedelta(milliseconds=1)


@given(INSTANTS)
def test_no_id_of_an_instant_is_before_its_first_and_every_earlier_one_is(at: datetime) -> None:
    assert uuid7(at - timedelta(milliseconds=1)) < first_id_of(at) < uuid7(at)


@given(INSTANTS, st.integers(1, 10**9))
def test_ids_sort_by_time(at: datetime, later_milliseconds: int) -> None:
    assert uuid7(at) < uuid7(at + timedelta(milliseconds=later_milliseconds))


def test_ids_of_one_millisecond_differ() -> None:
    at = now()
    assert len({uuid7(at) for _ in range(10_000)}) == 10_000


def test_many_ids_at_once_are_ids_like_any_other() -> None:
    before = now()
    many = [UUID(text) for text in uuid7_texts(10_000)]
    assert len(set(many)) == 10_000
    assert {(one.version, one.variant) for one in many} == {(7, "specified in RFC 4122")}
    assert {one.bytes[8] >> 4 for one in many} == {0x8, 0x9, 0xA, 0xB}
    assert before - timedelta(milliseconds=1) <= instant_of(many[0]) <= now()
    assert uuid7_texts(0) == []


@given(st.tuples(SORTABLE, st.uuids()))
def test_a_cursor_comes_back_as_it_went(key: tuple[datetime, object]) -> None:
    cursor = encode_cursor(key)
    assert cursor.isascii()
    assert "=" not in cursor
    assert decode_cursor(cursor, tuple[datetime, str]) == (key[0], str(key[1]))


@pytest.mark.parametrize("cursor", ["", "x", "!!!!", "e30", "bnVsbA", "WzFd", "张", "a" * 500, "\x00"])
def test_a_cursor_this_list_did_not_issue_is_refused(cursor: str) -> None:
    with pytest.raises(StaleCursor):
        decode_cursor(cursor, tuple[datetime, str])


@given(st.text(max_size=60))
def test_no_cursor_breaks_a_list(cursor: str) -> None:
    try:
        decode_cursor(cursor, tuple[int, str])
    except StaleCursor:
        return
    assert cursor


def test_no_cursor_is_the_beginning() -> None:
    assert decode_cursor(None, tuple[int, str]) is None


@pytest.mark.parametrize(
    ("rows", "limit", "shown", "has_more"),
    [([], 2, [], False), ([1], 2, [1], False), ([1, 2], 2, [1, 2], False), ([1, 2, 3], 2, [1, 2], True)],
)
def test_a_page_ends_where_the_next_begins(rows: list[int], limit: int, shown: list[int], *, has_more: bool) -> None:
    page = make_page(rows, limit, show=lambda row: row, key=lambda row: row)
    assert page.data == shown
    assert page.page.has_more == has_more
    assert decode_cursor(page.page.next_cursor, int) == (shown[-1] if has_more else None)


def test_a_whole_list_is_one_page() -> None:
    page = whole_page([1, 2, 3])
    assert (page.data, page.page.next_cursor, page.page.has_more) == ([1, 2, 3], None, False)


@pytest.mark.parametrize("key", ["k" * KEY_CHARACTERS_MIN, "k" * KEY_CHARACTERS_MAX, "!~" * 8, "0197c36e-1234-7000"])
def test_a_key_at_the_edge_is_taken(key: str) -> None:
    assert check_key(key) == key


@pytest.mark.parametrize(
    "key",
    [
        None, "", "k" * (KEY_CHARACTERS_MIN - 1), "k" * (KEY_CHARACTERS_MAX + 1), "with a space in it",
        "钥匙钥匙钥匙钥匙钥匙钥匙钥匙钥匙", "k" * 16 + "\n", "\x00" * 16, "\x7f" * 16,
    ],
)  # fmt: skip
def test_a_key_beyond_the_edge_is_refused(key: str | None) -> None:
    with pytest.raises(IdempotencyKeyInvalid):
        check_key(key)


def test_a_digest_tells_requests_apart_and_not_their_spelling() -> None:
    first = digest_request("POST", "/v1/a", {"a": 1, "b": [1, 2]})
    assert first == digest_request("POST", "/v1/a", {"b": [1, 2], "a": 1})
    others = {
        digest_request("PUT", "/v1/a", {"a": 1, "b": [1, 2]}),
        digest_request("POST", "/v1/b", {"a": 1, "b": [1, 2]}),
        digest_request("POST", "/v1/a", {"a": 1, "b": [2, 1]}),
        digest_request("POST", "/v1/a", {"a": "1", "b": [1, 2]}),
    }
    assert len(others | {first}) == 5
