"""What a benefit gives: the grants, which step a citizen is on, and how much money a discount is."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from app.campaign.terms.eligibility import Facts, Term, Threshold
from app.campaign.terms.texts import Words
from app.values.money import compute_share_fen

FEN_MAX = 10_000_000_000  # 1 亿元
MINUTES_MAX = 30 * 24 * 60
LOANS_MAX = 1_000
COMBINE_PARTS_MIN = 2
COMBINE_PARTS_MAX = 4
PER_CITIZEN_COUNT_MAX = 1_000

Fen = Annotated[int, msgspec.Meta(ge=1, le=FEN_MAX)]
Period = Literal["day", "month", "year", "campaign"]


class PerCitizen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """How often one citizen may use a benefit: at most ``count`` times in each Shanghai calendar ``period``."""

    count: Annotated[int, msgspec.Meta(ge=1, le=PER_CITIZEN_COUNT_MAX)]
    period: Period


class PercentOff(Term, frozen=True, kw_only=True, tag="percentOff"):
    """A share of the amount, at most ``max_fen``."""

    percent: Annotated[int, msgspec.Meta(ge=1, le=100)]
    max_fen: Fen | None = None


class AmountOff(Term, frozen=True, kw_only=True, tag="amountOff"):
    """A fixed sum off the amount."""

    amount_fen: Fen


class FreeMinutes(Term, frozen=True, kw_only=True, tag="freeMinutes"):
    """Minutes that cost nothing."""

    minutes: Annotated[int, msgspec.Meta(ge=1, le=MINUTES_MAX)]


class DepositWaiver(Term, frozen=True, kw_only=True, tag="depositWaiver"):
    """No deposit up to ``max_fen``."""

    max_fen: Fen


class Loans(Term, frozen=True, kw_only=True, tag="loans"):
    """Things lent without a deposit."""

    count: Annotated[int, msgspec.Meta(ge=1, le=LOANS_MAX)]
    items: Words


class Service(Term, frozen=True, kw_only=True, tag="service"):
    """A service in words: a lane, a guide, a shorter procedure."""

    text: Words


class Voucher(Term, frozen=True, kw_only=True, tag="voucher"):
    """A thing handed over on the spot; its value is information, not a discount."""

    text: Words
    value_fen: Fen | None = None


class Limit(Term, frozen=True, kw_only=True, tag="limit"):
    """Access to something up to ``max_fen``."""

    max_fen: Fen


OneGrant = PercentOff | AmountOff | FreeMinutes | DepositWaiver | Loans | Service | Voucher | Limit


class Combine(Term, frozen=True, kw_only=True, tag="combine"):
    """Several grants at once; at most one of them takes money off, so that the discount is one number."""

    of: Annotated[tuple[OneGrant, ...], msgspec.Meta(min_length=COMBINE_PARTS_MIN, max_length=COMBINE_PARTS_MAX)]


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel", omit_defaults=True):
    """What is given from a score upwards; its own ``per_citizen`` replaces the benefit's while a citizen is on it."""

    at_least: Threshold
    grant: OneGrant | Combine
    per_citizen: PerCitizen | None = None


class Steps(Term, frozen=True, kw_only=True, tag="steps"):
    """A ladder: the highest step a citizen's score reaches is what they get."""

    by: Literal["score"]
    steps: Annotated[list[Step], msgspec.Meta(min_length=1)]  # a tuple would be "a Step or anything" in OpenAPI


WholeGrant = OneGrant | Combine
Grant = OneGrant | Combine | Steps


class ResolvedGrant(msgspec.Struct, frozen=True):
    """A grant without steps, as one citizen gets it.

    ``step`` says where the use is counted: 0 with the benefit's, otherwise with those of the step of this number, from
    1 on, which has a ``per_citizen`` of its own.
    """

    grant: WholeGrant
    step: int
    per_citizen: PerCitizen | None


def resolve_grant(grant: Grant, facts: Facts) -> ResolvedGrant:
    """Return what a citizen gets; ``per_citizen`` None means the benefit's own applies.

    Below the first step it is the first step's, which nobody gets: the eligibility of a live benefit asks for the first
    step too (``compute_effective_eligibility``).
    """
    if not isinstance(grant, Steps):
        return ResolvedGrant(grant, 0, None)
    number = max((n for n, step in enumerate(grant.steps, 1) if step.at_least <= facts.score), default=1)
    step = grant.steps[number - 1]
    return ResolvedGrant(step.grant, number if step.per_citizen else 0, step.per_citizen)


def compute_discount_fen(grant: Grant, amount_fen: int | None) -> int | None:
    """Return the money off an amount, rounded half up to the fen; None when the grant or the bill has no amount."""
    if amount_fen is None:
        return None
    match grant:
        case PercentOff():
            discount_fen = compute_share_fen(amount_fen, grant.percent)
            return min(discount_fen, amount_fen, grant.max_fen or amount_fen)
        case AmountOff():
            return min(grant.amount_fen, amount_fen)
        case Combine():
            return next(
                (found for part in grant.of if (found := compute_discount_fen(part, amount_fen)) is not None), None
            )
        case _:
            return None
