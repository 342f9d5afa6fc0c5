"""Why a redemption was refused, or what became of it: for those who run the city and are asked by a partner."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from app.credit_code.refusals import CreditCodeExpired, CreditCodeInvalid
from app.kit.errors import IdempotencyKeyReused, NotFound
from app.partner.refusals import TerminalSuspended
from app.redemption.till.actions.redeem import REFUSAL_OF_OUTCOME
from app.redemption.till.queries import tries as tries_queries
from app.redemption.till.refusals import BenefitNotActive, BenefitNotFound, NotEligible, ScanExpired

if TYPE_CHECKING:
    from app.kit.errors import Refusal
    from app.redemption.till.queries.tries import Try

TRIES_MAX = 1_000
# What a try to redeem may be refused with and leaves a line of; a 429 or a 503 only says: again, later.
REFUSED: dict[str, type[Refusal]] = REFUSAL_OF_OUTCOME | {
    kind.code: kind
    for kind in (
        NotFound, TerminalSuspended, BenefitNotFound, BenefitNotActive, NotEligible, CreditCodeInvalid,
        CreditCodeExpired, ScanExpired, IdempotencyKeyReused,
    )
}  # fmt: skip
DONE = {"redeemed": ("已核销", "Redeemed."), "reversed": ("已冲正", "Reversed.")}


class ExplainedTry(msgspec.Struct, frozen=True):
    """A try with a sentence, in both languages, of how it ended; without one where another version stored its code."""

    tried: Try
    zh: str
    en: str


class ExplainedTries(msgspec.Struct, frozen=True):
    """Tries, oldest first, and whether there are older ones."""

    tries: list[ExplainedTry]
    has_older: bool


async def explain_tries(reference: str, institution: str | None) -> ExplainedTries:
    """Return the newest ``TRIES_MAX`` tries under a reference: what was refused while stored, what was redeemed ever.

    ``institution`` is its name or id, None for all. Nothing of the person: neither who it was nor why not eligible.
    """
    newest = await tries_queries.list_tries(reference, institution, TRIES_MAX + 1)
    tries = [ExplainedTry(one, *describe_outcome(one.outcome)) for one in reversed(newest[:TRIES_MAX])]
    return ExplainedTries(tries, has_older=len(newest) > TRIES_MAX)


def describe_outcome(outcome: str) -> tuple[str, str]:
    """Return what an outcome means, in Chinese and in English; nothing of one that this version does not have."""
    refusal = REFUSED.get(outcome)
    return DONE.get(outcome, ("", "")) if refusal is None else (refusal.text("zh"), refusal.text("en"))
