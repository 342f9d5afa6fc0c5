"""When sending is tried again, and what a message says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from app.notice.message import (
    RETRY_FIRST,
    RETRY_LONGEST,
    THING_CHARACTERS_MAX,
    TRIES_MAX,
    compute_failure,
    compute_page,
    compute_retry_at,
    compute_sms_parameters,
    compute_wechat_data,
    cut,
)

AT = datetime(2026, 1, 5, 16, 1, tzinfo=UTC)  # one minute past midnight in Shanghai
NOTICE = UUID(int=7)


@pytest.mark.parametrize(
    ("tries", "wait"),
    [
        (1, RETRY_FIRST), (2, RETRY_FIRST * 4), (3, RETRY_FIRST * 16), (4, RETRY_FIRST * 64),
        (5, timedelta(hours=2, minutes=8)), (6, RETRY_LONGEST), (TRIES_MAX - 1, RETRY_LONGEST),
    ],
)  # fmt: skip
def test_each_wait_is_longer_up_to_the_longest(tries: int, wait: timedelta) -> None:
    assert compute_retry_at(tries, AT) == AT + wait
    failed = compute_failure(NOTICE, tries, AT)
    assert (failed.state, failed.next_try_at, failed.channel) == ("pending", AT + wait, None)


@pytest.mark.parametrize("tries", [TRIES_MAX, TRIES_MAX + 1])
def test_after_the_last_try_it_is_given_up(tries: int) -> None:
    assert compute_retry_at(tries, AT) is None
    assert compute_failure(NOTICE, tries, AT).state == "failed"


def test_a_message_says_what_when_in_the_city_and_where_to_go_on() -> None:
    data = compute_wechat_data("新增失信记录：欠税公告", AT)
    assert data["thing1"]["value"] == "新增失信记录：欠税公告"
    assert data["time2"]["value"] == "2026年01月06日 00:01"
    assert 0 < len(data["thing3"]["value"]) <= THING_CHARACTERS_MAX
    assert compute_page(NOTICE).endswith(f"?id={NOTICE}")
    assert not compute_page(NOTICE).startswith("/")
    assert compute_sms_parameters(AT) == ["2026年01月06日"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [("", ""), ("字" * 20, "字" * 20), ("字" * 21, "字" * 19 + "…"), ("字" * 400, "字" * 19 + "…")],
)
def test_a_field_holds_twenty_characters(text: str, shown: str) -> None:
    assert cut(text, THING_CHARACTERS_MAX) == shown
    assert len(shown) <= THING_CHARACTERS_MAX
