"""A body becomes items, each on its own, and the counts of a batch add up."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.intake.batch.actions import read_item
from app.intake.fact.item import ArrivedItem, Flaw, ItemOutcome, compute_counts, parse_batch, parse_event_id

AN_ITEM = ArrivedItem(
    source="civil-affairs", event_id="E-1", indicator="POS_RESCUE", id_number="x", name="张三", event_on="2026-03-01"
)


@pytest.mark.parametrize(
    "body",
    [b"", b" ", b"[", b"{", b'"x"', b"1", b"null", b"[1,]", b"\xff", b'{"a":1}x', b"[" * 100_000, b'[{"a":' * 50_000],
)
def test_a_body_that_is_no_batch(body: bytes) -> None:
    assert parse_batch(body) is None


def test_one_object_is_a_batch_of_one() -> None:
    batch = parse_batch(b' {"eventId": "E-1"} ')
    assert batch is not None
    assert [parse_event_id(raw) for raw in batch] == ["E-1"]
    assert parse_batch(b" [] ") == []


GOOD = msgspec.json.encode(AN_ITEM)


@pytest.mark.parametrize(
    ("poison", "event_id", "code", "pointer"),
    [
        (b"1", None, "wrong_type", ""), (b"null", None, "wrong_type", ""), (b"[]", None, "wrong_type", ""),
        (b"{}", None, "missing", "/source"), (b'"x"', None, "wrong_type", ""), (b"1e999", None, "out_of_range", ""),
        (b'{"eventId": "E-2"}', "E-2", "missing", "/source"), (b'{"eventId": 2}', None, "wrong_type", "/eventId"),
        (GOOD[:-1] + b', "points": 5}', "E-1", "unknown_field", "/points"),
        (GOOD[:-1] + b', "a/b~c": 5}', "E-1", "unknown_field", "/a~1b~0c"),
        (GOOD[:-1] + b', "quantity": "5"}', "E-1", "wrong_type", "/quantity"),
        (GOOD[:-1] + b', "quantity": 1.5}', "E-1", "wrong_type", "/quantity"),
        (GOOD[:-1] + b', "quantity": 1e999}', "E-1", "out_of_range", "/quantity"),
        (GOOD[:-1] + b', "quantity": ' + b"9" * 5_000 + b"}", "E-1", "out_of_range", "/quantity"),
        (GOOD[:-1] + b', "x": ' + b"[" * 900 + b"]" * 900 + b"}", "E-1", "unknown_field", "/x"),
        (b'{"eventId": "' + b"e" * 129 + b'"}', None, "missing", "/source"),
        (b'{"eventId": "\xff"}', None, "malformed", ""),
    ],
)  # fmt: skip
def test_a_poisoned_item_fails_alone(poison: bytes, event_id: str | None, code: str, pointer: str) -> None:
    batch = parse_batch(b"[" + GOOD + b"," + poison + b"," + GOOD + b"]")
    assert batch is not None
    first, bad, last = [read_item(raw) for raw in batch]
    assert first == last == AN_ITEM
    assert isinstance(bad, Flaw)
    assert (bad.code, bad.pointer) == (code, pointer)
    assert parse_event_id(batch[1]) == event_id


@given(st.binary(max_size=200))
def test_any_body_gets_a_verdict(body: bytes) -> None:
    for raw in parse_batch(body) or []:
        assert isinstance(read_item(raw), ArrivedItem | Flaw)


@given(st.lists(st.sampled_from(["accepted", "updated", "duplicate", "proposed", "not_a_member", "refused"])))
def test_the_counts_add_up(outcomes: list[Any]) -> None:
    counts = compute_counts(ItemOutcome(event_id=None, outcome=outcome) for outcome in outcomes)
    assert sum(counts.values()) == len(outcomes)
    assert list(counts) == ["accepted", "updated", "duplicate", "proposed", "not_a_member", "refused"]
