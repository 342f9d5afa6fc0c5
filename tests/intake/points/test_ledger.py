"""What points are worth to the last remainder, and which bodies are signed."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.intake.fact.item import CleanItem, Flaw
from app.intake.points.ledger import (
    CASES_PER_YEAR_MAX,
    POINT_EVENT_ID_CHARACTERS_MAX,
    PointEvent,
    Rate,
    compute_event_digest,
    compute_gain,
    compute_granted,
    compute_year,
    judge_event,
    judge_rate,
    make_point_records,
)
from app.intake.points.webhook import (
    SECRET_MARK,
    TOLERANCE_SECONDS,
    Signed,
    compute_signature,
    find_fault,
    is_signed_with,
    make_secret,
    parse_secret,
)
from app.record.catalogue import EVENT_ID_CHARACTERS_MAX
from tests.support.citizens import make_id_number

HOUR = Rate(indicator="POS_PATROL", numerator=1, denominator=60, yearly_cap=3000)
CASE = Rate(indicator="POS_CLUE", numerator=1, denominator=5, yearly_cap=50)
TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("total", "granted"),
    [(0, 0), (59, 0), (60, 1), (119, 1), (120, 2), (2999, 49), (3000, 50), (3001, 50), (10**9, 50)],
)
def test_whole_units_up_to_the_cap(total: int, granted: int) -> None:
    assert compute_granted(total, HOUR) == granted


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.integers(1, 1_000_000), max_size=30),
    st.integers(1, 1000),
    st.integers(1, 1000),
    st.integers(1, 10_000_000),
)
def test_many_small_events_come_to_what_one_large_one_would(
    amounts: list[int], numerator: int, denominator: int, yearly_cap: int
) -> None:
    rate = Rate(indicator="POS_PATROL", numerator=numerator, denominator=denominator, yearly_cap=yearly_cap)
    total, gains = 0, []
    for amount in amounts:
        total += amount
        gains.append(compute_gain(total, amount, rate))
    assert min(gains, default=0) >= 0
    assert sum(gains) == min(sum(amounts), yearly_cap) * numerator // denominator


@pytest.mark.parametrize(
    ("rate", "pointer"),
    [
        (HOUR, None),
        (CASE, None),
        (Rate(indicator="POS_RESCUE", numerator=1, denominator=1, yearly_cap=1), "/indicator"),
        (Rate(indicator="NEG_PENALTY", numerator=1, denominator=1, yearly_cap=1), "/indicator"),
        (Rate(indicator="FAITH", numerator=1, denominator=1, yearly_cap=1), "/indicator"),
        (Rate(indicator="POS_CLUE", numerator=1, denominator=1, yearly_cap=CASES_PER_YEAR_MAX), None),
        (Rate(indicator="POS_CLUE", numerator=1, denominator=1, yearly_cap=CASES_PER_YEAR_MAX + 1), "/yearlyCap"),
        (Rate(indicator="POS_CLUE", numerator=1, denominator=5, yearly_cap=4), "/yearlyCap"),
        (Rate(indicator="POS_PATROL", numerator=1000, denominator=1, yearly_cap=10**9), None),
        (Rate(indicator="POS_PATROL", numerator=1001, denominator=1, yearly_cap=10**9), "/yearlyCap"),
    ],
)
def test_what_a_rule_may_say(rate: Rate, pointer: str | None) -> None:
    assert judge_rate(rate) == pointer


def event(**changes: object) -> PointEvent:
    plain: dict[str, object] = {
        "event_id": "e1", "kind": "patrol", "amount": 60, "id_number": make_id_number(), "name": "惠小信",
        "occurred_at": datetime(2026, 11, 20, 4, tzinfo=UTC),
    }  # fmt: skip
    return PointEvent(**(plain | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"id_number": "110101199001011234"}, "id_number_invalid", "/idNumber"),
        ({"name": "7"}, "name_invalid", "/name"),
        ({"occurred_at": datetime(2026, 11, 22, 16, tzinfo=UTC)}, "event_in_future", "/occurredAt"),
        ({"occurred_at": datetime(1, 1, 1, tzinfo=UTC)}, "date_invalid", "/occurredAt"),
        ({"occurred_at": datetime(9999, 12, 31, 23, tzinfo=UTC)}, "date_invalid", "/occurredAt"),
        ({"id_number": make_id_number(born_on=date(2001, 3, 1)), "occurred_at": datetime(2019, 2, 1, tzinfo=UTC)},
         "before_adulthood", "/occurredAt"),
    ],
)  # fmt: skip
def test_an_event_is_judged_as_the_record_it_makes(changes: dict[str, object], code: str, pointer: str) -> None:
    flaw = judge_event(event(**changes), "city-app", "POS_PATROL", TODAY)
    assert isinstance(flaw, Flaw)
    assert (flaw.code, flaw.pointer) == (code, pointer)


@pytest.mark.parametrize(
    ("occurred_at", "year"),
    [(datetime(2025, 12, 31, 15, 59, tzinfo=UTC), 2025), (datetime(2025, 12, 31, 16, tzinfo=UTC), 2026)],
)
def test_a_year_is_shanghais(occurred_at: datetime, year: int) -> None:
    clean = judge_event(event(occurred_at=occurred_at), "city-app", "POS_PATROL", TODAY)
    assert isinstance(clean, CleanItem)
    assert compute_year(clean) == year


def test_hours_are_one_record_and_cases_are_many() -> None:
    hours, cases = (judge_event(event(), "city-app", code, TODAY) for code in ("POS_PATROL", "POS_CLUE"))
    assert isinstance(hours, CleanItem)
    assert isinstance(cases, CleanItem)
    citizen_id = uuid4()
    assert [(one.event_id, one.quantity) for one in make_point_records(hours, citizen_id, 7)] == [("e1", 7)]
    assert [(one.event_id, one.quantity) for one in make_point_records(cases, citizen_id, 1)] == [("e1", None)]
    assert [one.event_id for one in make_point_records(cases, citizen_id, 3)] == ["e1#1", "e1#2", "e1#3"]
    assert {one.citizen_id for one in make_point_records(cases, citizen_id, 3)} == {citizen_id}
    assert make_point_records(cases, citizen_id, 0) == make_point_records(hours, citizen_id, 0) == []
    assert POINT_EVENT_ID_CHARACTERS_MAX + len(f"#{CASES_PER_YEAR_MAX}") == EVENT_ID_CHARACTERS_MAX


def test_a_repeat_is_recognised_by_what_it_says() -> None:
    citizen_id, sent = uuid4(), event()
    digest = compute_event_digest(citizen_id, sent)
    same_instant = sent.occurred_at.astimezone(tz=None)
    assert compute_event_digest(citizen_id, event(occurred_at=same_instant)) == digest
    for other in (event(amount=61), event(kind="clue"), event(occurred_at=sent.occurred_at + timedelta(seconds=1))):
        assert compute_event_digest(citizen_id, other) != digest
    assert compute_event_digest(uuid4(), sent) != digest


SECRET = make_secret(bytes(range(32)))
KEY = bytes(range(32))
AT = datetime(2026, 11, 22, tzinfo=UTC)
STAMP = int(AT.timestamp())


def signed(**changes: str | bytes | None) -> Signed:
    body = b'{"amount":1}'
    plain: dict[str, str | bytes | None] = {
        "id": "msg_1", "timestamp": str(STAMP), "body": body,
        "signature": compute_signature(KEY, "msg_1", str(STAMP), body),
    }  # fmt: skip
    return Signed(**(plain | changes))  # type: ignore[arg-type]


def test_the_signature_is_the_published_one() -> None:
    """Computed by hand as the specification says, and its own example of a secret is read."""
    assert SECRET_MARK + base64.b64encode(KEY).decode() == SECRET
    assert parse_secret(SECRET) == KEY
    by_hand = hmac.new(KEY, f"msg_1.{STAMP}.".encode() + b"{}", hashlib.sha256).digest()
    assert compute_signature(KEY, "msg_1", str(STAMP), b"{}") == "v1," + base64.b64encode(by_hand).decode()
    example = parse_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    assert example is not None
    assert (
        compute_signature(example, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
        == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


@pytest.mark.parametrize(
    ("changes", "header"),
    [
        ({}, None),
        ({"id": None}, "webhook-id"),
        ({"id": "a.b"}, "webhook-id"),
        ({"id": ""}, "webhook-id"),
        ({"id": "a" * 129}, "webhook-id"),
        ({"timestamp": None}, "webhook-timestamp"),
        ({"timestamp": "soon"}, "webhook-timestamp"),
        ({"timestamp": "１７"}, "webhook-timestamp"),
        ({"timestamp": str(STAMP - TOLERANCE_SECONDS)}, None),
        ({"timestamp": str(STAMP + TOLERANCE_SECONDS)}, None),
        ({"timestamp": str(STAMP - TOLERANCE_SECONDS - 1)}, "webhook-timestamp"),
        ({"timestamp": str(STAMP + TOLERANCE_SECONDS + 1)}, "webhook-timestamp"),
        ({"signature": None}, "webhook-signature"),
        ({"signature": "v1,x"}, "webhook-signature"),
        ({"signature": "v1a," + "A" * 43 + "="}, "webhook-signature"),
    ],
)
def test_what_is_missing_or_out_of_time(changes: dict[str, str | None], header: str | None) -> None:
    assert find_fault(signed(**changes), AT) == header


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "msg_2"},
        {"timestamp": str(STAMP + 1)},
        {"body": b'{"amount":2}'},
        {"body": b'{"amount": 1}'},
        {"signature": "v1," + "A" * 43 + "="},
    ],
)
def test_every_part_is_under_the_signature(changes: dict[str, str | bytes | None]) -> None:
    assert is_signed_with(signed(), KEY)
    assert not is_signed_with(signed(**changes), KEY)
    assert not is_signed_with(signed(), bytes(32))


def test_one_of_several_signatures_is_enough() -> None:
    other = compute_signature(bytes(32), "msg_1", str(STAMP), signed().body)
    both = signed(signature=f"{other} {signed().signature} v1a,nothing")
    assert is_signed_with(both, KEY)
    assert is_signed_with(both, bytes(32))
    assert not is_signed_with(signed(signature=" ".join([other] * 10 + [str(signed().signature)])), KEY)
