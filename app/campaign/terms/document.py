"""What a campaign version says, as it is stored and as it is sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from app.campaign.terms.eligibility import Eligibility
from app.campaign.terms.grant import Combine, Grant, Loans, PerCitizen, Service, Steps, Voucher
from app.campaign.terms.texts import Code, ScenarioCode, Summary, Title, Words

STOCK_MAX = 100_000_000
REVERSAL_WINDOW_SECONDS_DEFAULT = 24 * 3600
REVERSAL_WINDOW_SECONDS_MAX = 30 * 24 * 3600

# Six kinds of incentive and nothing else: a punishment has no word here.
Kind = Literal["fee_reduction", "deposit_waiver", "lower_threshold", "priority", "simpler_procedure", "convenience"]
Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class Benefit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """One incentive (激励措施) of a campaign; ``code`` names it within the institution for ever.

    ``stock`` and ``per_citizen`` None: without limit; ``stores`` None: every store of the institution.
    ``without_score`` says what everyone gets without any score.
    """

    code: Code
    title: Title
    kind: Kind
    scenario: ScenarioCode
    eligibility: Eligibility
    grant: Grant
    stock: Annotated[int, msgspec.Meta(ge=1, le=STOCK_MAX)] | None = None
    per_citizen: PerCitizen | None = None
    reversal_window_seconds: Annotated[int, msgspec.Meta(ge=0, le=REVERSAL_WINDOW_SECONDS_MAX)] = (
        REVERSAL_WINDOW_SECONDS_DEFAULT
    )
    stores: list[UUID] | None = None
    without_score: Words | None = None


class CampaignDocument(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One version of a campaign (激励活动), in force from ``starts_at`` until before ``ends_at``."""

    title: Title
    summary: Summary
    starts_at: Instant
    ends_at: Instant
    benefits: tuple[Benefit, ...]


def find_changed_limits(before: CampaignDocument, after: CampaignDocument) -> dict[str, bool]:
    """Return the codes of benefits with other stock or caps than before, each with whether a stock came or went.

    A benefit that ``before`` does not have counts as changed, whatever its limits: an earlier version may have had it.
    """
    previous = {benefit.code: benefit for benefit in before.benefits}
    changed: dict[str, bool] = {}
    for benefit in after.benefits:
        earlier = previous.get(benefit.code)
        if earlier is None:
            changed[benefit.code] = True
        elif _limits_of(earlier) != _limits_of(benefit):
            changed[benefit.code] = (earlier.stock is None) != (benefit.stock is None)
    return changed


def _limits_of(benefit: Benefit) -> tuple[int | None, PerCitizen | None, tuple[PerCitizen | None, ...]]:
    """Return the stock, the benefit's cap, and the caps of its steps in their order."""
    steps = benefit.grant.steps if isinstance(benefit.grant, Steps) else ()
    return benefit.stock, benefit.per_citizen, tuple(step.per_citizen for step in steps)


def parse_document(text: str) -> CampaignDocument:
    """Read a stored document."""
    return msgspec.json.decode(text, type=CampaignDocument)


def iter_texts(document: CampaignDocument) -> Iterator[tuple[str, str]]:
    """Yield every text of a document that people read, each with its JSON pointer."""
    yield "/title", document.title
    yield "/summary", document.summary
    for index, benefit in enumerate(document.benefits):
        yield f"/benefits/{index}/title", benefit.title
        if benefit.without_score is not None:
            yield f"/benefits/{index}/withoutScore", benefit.without_score
        yield from _iter_grant_texts(benefit.grant, f"/benefits/{index}/grant")


def _iter_grant_texts(grant: Grant, where: str) -> Iterator[tuple[str, str]]:
    if isinstance(grant, Steps):
        for number, step in enumerate(grant.steps):
            yield from _iter_grant_texts(step.grant, f"{where}/steps/{number}/grant")
    elif isinstance(grant, Combine):
        for number, part in enumerate(grant.of):
            yield from _iter_grant_texts(part, f"{where}/of/{number}")
    elif isinstance(grant, Service | Voucher):
        yield f"{where}/text", grant.text
    elif isinstance(grant, Loans):
        yield f"{where}/items", grant.items
