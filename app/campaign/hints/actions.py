"""What would help a citizen: the engine is asked what each thing they could do would add, on their own records."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from app.campaign.catalogue.actions import catalogue
from app.campaign.hints import queries
from app.campaign.hints.openings import (
    ACTIONABLE,
    ActionHint,
    BenefitHint,
    Burden,
    compute_action_hints,
    compute_benefit_hints,
    drop_full,
    list_burdens,
    list_trials,
    pick_counting,
)
from app.campaign.terms.eligibility import Facts, read_honours
from app.consent.actions import list_all_consents
from app.kit.web.show import show
from app.partner.actions.caller import directory
from app.record.actions.read import list_records
from app.score.book.actions.find import find_book
from app.score.current.refusals import NoScore
from app.score.engine.actions import score_given
from app.score.engine.given import GivenPerson, GivenRecord
from app.score.engine.parts import compute_next_level
from app.values.days import shanghai_day

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from uuid import UUID

    from app.campaign.catalogue.live import LiveBenefit
    from app.campaign.hints.queries import CitizenScore
    from app.record.stored import StoredRecord
    from app.score.book.document import Level, RuleBook


class Hints(msgspec.Struct, frozen=True, kw_only=True):
    """What would help a citizen: benefits a higher score opens, things to do, and what takes points now.

    ``next_level`` None: there is no higher one.
    """

    score: int
    level: Level
    next_level: Level | None
    benefits: list[BenefitHint]
    actions: list[ActionHint]
    burdens: list[Burden]


async def read_hints(citizen_id: UUID, *, at: datetime) -> Hints:
    """Return what would help a citizen today; a citizen without a score is refused with ``NoScore``."""
    citizen = await queries.find_citizen_score(citizen_id)
    if citizen is None:
        raise NoScore
    day, book = shanghai_day(at), await find_book(citizen.rule_book_id)
    facts = Facts(
        score=citizen.score,
        level=citizen.level,
        honours=read_honours(citizen.honours),
        birth_on=citizen.birth_on,
        levels={level.code: level for level in book.levels},
    )
    actions, burdens = await _try(citizen_id, citizen, book, day)
    return Hints(
        score=citizen.score,
        level=book.level(citizen.level),
        next_level=compute_next_level(citizen.score, book.levels),
        benefits=compute_benefit_hints(_list_running(at), facts, book, day),
        actions=actions,
        burdens=burdens,
    )


async def _try(
    citizen_id: UUID, citizen: CitizenScore, book: RuleBook, day: date
) -> tuple[list[ActionHint], list[Burden]]:
    """Score the citizen as they are, and then once with each record tried, all of these in one statement.

    First with the records that count alone, because a long life has hundreds. Where that gives another score, one of
    the records left out mattered after all, and every trial is scored again with all of them.
    """
    records = [record for record in await list_records(citizen_id) if record.state == "active"]
    given = await list_all_consents(citizen_id)
    consents = tuple(sorted({consent.purpose for consent in given if consent.withdrawn_at is None}))
    me = GivenPerson(birth_on=citizen.birth_on, consents=consents, records=_give(records))
    (now,) = await score_given([me], rule_book_id=citizen.rule_book_id, day=day)
    if now is None:
        raise NoScore
    trials = drop_full(list_trials(ACTIONABLE, book, records, consents, day), now, day)
    tried = [trial.record for trial in trials if trial.record is not None]
    shorter = msgspec.structs.replace(me, records=_give(pick_counting(records, now)))
    for person in (shorter, me):
        with_each = [msgspec.structs.replace(person, records=(*person.records, record)) for record in tried]
        again, *then = await score_given([person, *with_each], rule_book_id=citizen.rule_book_id, day=day)
        if again is not None and again.value == now.value:  # the records left out count for nothing
            break
    gains = [0 if score is None else score.value - now.value for score in then]
    return compute_action_hints(trials, gains), list_burdens(now.contributions, book)


def _give(records: Sequence[StoredRecord]) -> tuple[GivenRecord, ...]:
    return tuple(show(GivenRecord, record) for record in records)


def _list_running(at: datetime) -> list[LiveBenefit]:
    """Return the benefits running now, of institutions that are active."""
    return [
        benefit
        for benefit in catalogue.current.all()
        if benefit.is_active(at)
        and (institution := directory.current.institution(benefit.institution_id)) is not None
        and institution.state == "active"
    ]


def name_institution(benefit: LiveBenefit) -> str:
    """Return the name of the institution that gives a benefit."""
    institution = directory.current.institution(benefit.institution_id)
    return institution.name if institution else ""
