"""The nouns of redeeming, and when a benefit may be redeemed or a redemption reversed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec

from app.campaign.terms.eligibility import Facts, read_honours
from app.campaign.terms.grant import Period
from app.consent.purposes import ACCESS_ACTIONS
from app.event.feed import EVENT_TYPES
from app.score.book.document import Level
from app.values.days import compute_span_begin, compute_span_end
from app.values.moves import Moves

SCAN_LIFETIME_SECONDS = 300
SAME_TRY = timedelta(seconds=60)  # a refused try that one terminal repeats within it is one line in the access log
REFERENCE_CHARACTERS_MAX = 64
AMOUNT_FEN_MAX = 10_000_000_00
EVER_ON, EVER_ENDS_ON = date(2000, 1, 1), date(9999, 1, 1)
STATEMENT_DAY_MIN, STATEMENT_DAY_MAX = date(2000, 1, 1), date(2099, 12, 31)
UUID_VERSION = 7
INSTANT_MILLISECONDS_MAX = 253_402_300_799_000  # the end of the year 9999

SCAN, REDEEM, REVERSE = (
    ACCESS_ACTIONS.declare("scan"),
    ACCESS_ACTIONS.declare("redeem"),
    ACCESS_ACTIONS.declare("reverse"),
)
REVERSED = EVENT_TYPES.declare("benefit.reversed.v1")
EVENT_TYPES.declare("benefit.redeemed.v1")  # written by sql/redeem.sql
EVENT_TYPES.declare("credit_code.refused.v1")  # written by sql/redeem.sql and sql/scan.sql

Outcome = Literal[
    "redeemed",
    "repeated",
    "replayed",
    "idempotency_key_reused",
    "credit_code_used",
    "already_redeemed",
    "reference_taken",
    "stock_gone",
    "cap_reached",
    "again",
    "stale",
    "uncounted",
]
RedemptionState = Literal["redeemed", "reversed"]
REDEMPTION_MOVES: Moves[RedemptionState, str] = Moves(
    {"redeemed": {"reverse": "reversed"}, "reversed": {}},
    begins={"redeemed"},
    states_zh={"redeemed": "已核销", "reversed": "已冲正"},
    actions_zh={"reverse": "冲正"},
)


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """A citizen with the score they have now, read with every request and never cached; ``honours`` is JSON text."""

    account_number: int
    id: UUID
    state: str
    code_generation: int
    birth_on: date | None
    name_cipher: bytes | None
    cap_holder_id: UUID | None
    score: int | None
    level: str | None
    honours: str | None

    def facts(self, levels: Mapping[str, Level]) -> Facts | None:
        """Return the facts eligibility is judged on, by the levels in force; None for a citizen without a score."""
        if self.state != "active" or self.score is None or self.level is None or self.birth_on is None:
            return None
        honours = read_honours(self.honours)
        return Facts(score=self.score, level=self.level, honours=honours, birth_on=self.birth_on, levels=levels)


class ScannedPerson(Person, frozen=True, kw_only=True):
    """A citizen reached by a scan, and the scan."""

    scan_id: UUID
    institution_id: UUID
    store_id: UUID
    terminal_id: UUID
    scenario: str | None
    expires_at: datetime


class Redemption(msgspec.Struct, frozen=True, kw_only=True):
    """One use of one benefit, as far as its citizen and its partner may both read it."""

    id: UUID
    state: RedemptionState
    benefit_id: UUID
    title: str
    amount_fen: int | None
    discount_fen: int | None
    redeemed_at: datetime


def compute_period_on(period: Period, day: date) -> date:
    """Return the first day of the Shanghai calendar period a day falls in; a whole campaign is one period."""
    return EVER_ON if period == "campaign" else compute_span_begin(period, day)


def compute_period_ends_on(period: Period, day: date) -> date:
    """Return the first day after the Shanghai calendar period a day falls in."""
    return EVER_ENDS_ON if period == "campaign" else compute_span_end(period, day)


def is_statement_day(day: date) -> bool:
    """Whether a day can be asked for; the first and the last that a date can be have no bounds in UTC."""
    return STATEMENT_DAY_MIN <= day <= STATEMENT_DAY_MAX


def compute_slot_day(scan_id: UUID) -> date | None:
    """Return the UTC day of the slot in a scan's id; None for an id that cannot be a scan of ours."""
    milliseconds = scan_id.int >> 80
    if scan_id.version != UUID_VERSION or milliseconds > INSTANT_MILLISECONDS_MAX:
        return None
    return (datetime(1970, 1, 1) + timedelta(milliseconds=milliseconds)).date()  # noqa: DTZ001 - a day, in UTC


def compute_allowed_actions(state: RedemptionState, reversible_until: datetime, at: datetime) -> list[str]:
    """Return what a partner may do with a redemption now."""
    return REDEMPTION_MOVES.allowed(state) if is_reversible(reversible_until, at) else []


def is_reversible(reversible_until: datetime, at: datetime) -> bool:
    """Whether the reversal window is open; its last instant is inside."""
    return at <= reversible_until
