"""The benefits in force as they lie in memory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import msgspec
import pytest

from app.campaign.catalogue.live import Catalogue, LiveBenefit
from app.campaign.terms.eligibility import Everyone
from app.campaign.terms.grant import FreeMinutes
from app.campaign.terms.limits import Scenario
from app.kit.request.etag import compute_etag, is_etag_current

AT = datetime(2026, 7, 1, tzinfo=UTC)
SHOP, OTHER = UUID(int=1), UUID(int=2)
FRONT, BACK = UUID(int=11), UUID(int=12)


def live(number: int, **changes: Any) -> LiveBenefit:
    plain = LiveBenefit(
        id=UUID(int=number), code=f"B{number}", title="x", kind="priority", scenario="garage", needs_name=False,
        institution_id=SHOP, campaign_id=UUID(int=99), campaign_version=1, eligibility=Everyone(),
        grant=FreeMinutes(minutes=5), stock=None, per_citizen=None, reversal_window_seconds=60, store_ids=None,
        without_score=None, starts_at=AT, ends_at=AT + timedelta(days=1), state="live",
    )  # fmt: skip
    return msgspec.structs.replace(plain, **changes)


@pytest.mark.parametrize(
    ("state", "at", "is_active"),
    [
        ("live", AT - timedelta(microseconds=1), False),
        ("live", AT, True),
        ("live", AT + timedelta(days=1, microseconds=-1), True),
        ("live", AT + timedelta(days=1), False),
        ("paused", AT, False),
        ("ended", AT, False),
    ],
)
def test_active(state: Literal["live", "paused", "ended"], at: datetime, is_active: bool) -> None:
    benefit = live(1, state=state)
    assert benefit.is_active(at) is is_active
    assert benefit.is_paused is (state == "paused")


def test_what_is_valid_at_a_store() -> None:
    everywhere, front, parking = live(1), live(2, store_ids=frozenset({FRONT})), live(3, scenario="parking")
    foreign, paused, ended = live(4, institution_id=OTHER), live(5, state="paused"), live(6, state="ended")
    garage = Scenario("garage", "维修", "garage", "vehicle_care", needs_name=False, needs_without_score=False)
    catalogue = Catalogue([paused, ended, foreign, parking, front, everywhere], [garage], {})
    assert catalogue.at_store(FRONT, SHOP, None) == (everywhere, parking, paused, front)
    assert catalogue.at_store(FRONT, SHOP, "garage") == (everywhere, paused, front)
    assert catalogue.at_store(BACK, SHOP, "parking") == (parking,)
    assert catalogue.at_store(BACK, SHOP, "scenic") == ()
    assert catalogue.at_store(UUID(int=13), OTHER, None) == (foreign,)
    assert catalogue.all() == (everywhere, front, parking, foreign, paused)
    assert catalogue.benefit(ended.id) == ended
    assert catalogue.benefit(UUID(int=7)) is None
    assert catalogue.scenario("garage") == garage
    assert catalogue.scenario("school") is None
    assert [front.is_at_store(store) for store in (FRONT, BACK)] == [True, False]
    assert everywhere.is_at_store(BACK)


@pytest.mark.parametrize(
    ("if_match", "is_current"),
    [
        ('"7"', True), ('"6"', False), ('"6", "7"', True), ("*", False), ('W/"7"', False), ("7", False), ("", False),
    ],
)  # fmt: skip
def test_if_match(if_match: str, is_current: bool) -> None:
    assert compute_etag(7) == '"7"'
    assert is_etag_current(if_match, 7) is is_current
