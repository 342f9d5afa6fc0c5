"""What a citizen can get: every benefit of the city, judged on their own facts, with what is left for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from app.campaign.catalogue.actions import catalogue
from app.campaign.terms.grant import ResolvedGrant, resolve_grant
from app.campaign.terms.judge import Verdict, judge_eligibility
from app.partner.actions.caller import directory
from app.redemption.phone import queries
from app.redemption.till.actions.limits import count_places
from app.redemption.till.actions.people import find_person
from app.redemption.till.queries import limits as limits_queries
from app.redemption.till.queries.limits import UseWanted
from app.redemption.till.redeeming import Person, compute_period_ends_on, compute_period_on
from app.values.days import shanghai_day

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from app.campaign.catalogue.live import LiveBenefit
    from app.kit.security.auth import CitizenCaller


class JudgedBenefit(msgspec.Struct, frozen=True, kw_only=True):
    """A benefit with the verdict on one person."""

    benefit: LiveBenefit
    institution: str
    verdict: Verdict
    resolved: ResolvedGrant
    remaining: int | None


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which benefits to list: of one scenario, only (not) eligible ones, those after an id."""

    scenario: str | None
    eligible: bool | None
    after_id: UUID | None
    limit: int


async def list_benefits(citizen: CitizenCaller, wanted: Filter, at: datetime) -> list[JudgedBenefit]:
    """List running benefits in the order of their ids; one more than the limit when there are more."""
    person = await find_person(citizen.account_number)
    judged = [entry for entry in _judge_all(person, wanted, at) if _is_wanted(entry[1], wanted)][: wanted.limit + 1]
    used = await _count_used(person, [(benefit, resolved) for benefit, _, resolved in judged], at)
    taken = await _count_taken([benefit for benefit, _, _ in judged])
    return [
        JudgedBenefit(
            benefit=benefit,
            institution=_institution_name(benefit.institution_id),
            verdict=verdict,
            resolved=resolved,
            remaining=_compute_remaining(benefit, resolved, used, taken),
        )
        for benefit, verdict, resolved in judged
    ]


def _judge_all(person: Person, wanted: Filter, at: datetime) -> list[tuple[LiveBenefit, Verdict, ResolvedGrant]]:
    facts, day = person.facts(catalogue.current.levels), shanghai_day(at)
    if facts is None:
        return []
    return [
        (benefit, judge_eligibility(benefit.eligibility, facts, day), resolve_grant(benefit.grant, facts))
        for benefit in catalogue.current.all()
        if benefit.is_active(at)
        and _is_institution_active(benefit.institution_id)
        and (wanted.scenario is None or benefit.scenario == wanted.scenario)
        and (wanted.after_id is None or benefit.id > wanted.after_id)
    ]


def _is_wanted(verdict: Verdict, wanted: Filter) -> bool:
    return wanted.eligible is None or verdict.is_eligible == wanted.eligible


async def _count_used(
    person: Person, benefits: list[tuple[LiveBenefit, ResolvedGrant]], at: datetime
) -> dict[UUID, int]:
    """Return how often the person used each capped benefit in its running period."""
    day = shanghai_day(at)
    wanted = [
        UseWanted(
            benefit.id, resolved.step, compute_period_on(cap.period, day), compute_period_ends_on(cap.period, day)
        )
        for benefit, resolved in benefits
        if (cap := resolved.per_citizen or benefit.per_citizen) is not None
    ]
    if person.cap_holder_id is None or not wanted:
        return {}
    rows = await limits_queries.list_uses(person.id, person.cap_holder_id, wanted)
    return {row.benefit_id: row.used for row in rows}


async def _count_taken(benefits: list[LiveBenefit]) -> dict[UUID, int]:
    """Return how many places of each limited benefit are taken; a benefit not counted yet is counted now."""
    limited = [benefit for benefit in benefits if benefit.stock is not None]
    taken = await _read_taken(limited)
    uncounted = [benefit for benefit in limited if benefit.id not in taken]
    for benefit in uncounted:
        await count_places(benefit.institution_id, benefit.id)
    return taken | await _read_taken(uncounted)


async def _read_taken(benefits: list[LiveBenefit]) -> dict[UUID, int]:
    ids = [benefit.id for benefit in benefits]
    return {row.benefit_id: row.used for row in await queries.list_usage(ids)} if ids else {}


def _compute_remaining(
    benefit: LiveBenefit, resolved: ResolvedGrant, used: dict[UUID, int], taken: dict[UUID, int]
) -> int | None:
    """Return how often this person may still use a benefit in this period; None: as often as they like."""
    left: list[int] = []
    cap = resolved.per_citizen or benefit.per_citizen
    if cap is not None:
        left.append(cap.count - used.get(benefit.id, 0))
    if benefit.stock is not None:
        left.append(benefit.stock - taken.get(benefit.id, 0))
    return max(0, min(left)) if left else None


def _is_institution_active(institution_id: UUID) -> bool:
    institution = directory.current.institution(institution_id)
    return institution is not None and institution.state == "active"


def _institution_name(institution_id: UUID) -> str:
    institution = directory.current.institution(institution_id)
    return institution.name if institution else ""
