"""A terminal scans a code and learns which benefits of its store apply, and nothing else."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from app.campaign.catalogue.actions import catalogue
from app.campaign.terms.grant import Grant, resolve_grant
from app.campaign.terms.judge import judge_eligibility
from app.consent.actions import insert_access_once
from app.consent.purposes import NewAccess
from app.kit.clock import uuid7
from app.kit.outside.rate_limit import LocalLimit
from app.partner.actions.caller import resolve_terminal
from app.redemption.till.actions.lanes import scan_lane
from app.redemption.till.actions.people import (
    Shown,
    TurnedAway,
    find_scan,
    find_shown_by_code,
    log_refusal,
    show_name,
)
from app.redemption.till.queries.lanes import ScanItem
from app.redemption.till.redeeming import SCAN, SCAN_LIFETIME_SECONDS, Person
from app.redemption.till.refusals import CreditCodeUsed
from app.values.days import shanghai_day

if TYPE_CHECKING:
    from uuid import UUID

    from app.campaign.catalogue.live import LiveBenefit
    from app.kit.security.auth import PartnerCaller
    from app.partner.directory import TerminalEntry

# A till that asks a thousand times a second is a program gone wild; so is an institution that asks ten times as much.
TERMINAL_LIMIT = LocalLimit("terminal", 60_000, 60)
INSTITUTION_LIMIT = LocalLimit("institution", 600_000, 60)
# A till's screen may read its scan once a second; a key that reads a hundred times a second is guessing ids of scans.
READS_PER_SCAN_MAX = 60
READS_PER_KEY_MAX = 6_000
READS_SECONDS = 60
SCAN_READ_LIMIT = LocalLimit("scan-reads", READS_PER_SCAN_MAX, READS_SECONDS)
KEY_READ_LIMIT = LocalLimit("scan-reads-key", READS_PER_KEY_MAX, READS_SECONDS)


class Offer(msgspec.Struct, frozen=True):
    """A benefit that applies to the person in front of the terminal."""

    benefit: LiveBenefit
    grant: Grant


class Scanned(msgspec.Struct, frozen=True, kw_only=True):
    """What the terminal learns."""

    scan_id: UUID
    expires_at: datetime
    offers: list[Offer]
    masked_name: str | None


async def scan(caller: PartnerCaller, *, code: str, terminal_id: UUID, scenario: str | None, at: datetime) -> Scanned:
    """Resolve a code for a store; the citizen finds the scan, and what the store learnt by it, in the access log.

    The code belongs to the first store that scans it; the same store gets the same scan again.
    """
    terminal = resolve_terminal(caller, terminal_id)
    INSTITUTION_LIMIT.need(terminal.institution_id)
    TERMINAL_LIMIT.need(terminal.id)
    try:
        shown = await find_shown_by_code(code, terminal, at)
    except TurnedAway as turned:
        await log_refusal(
            turned,
            action=SCAN,
            institution_id=terminal.institution_id,
            scenario=scenario,
            terminal=terminal,
            at=at,
        )
        raise turned.refusal from turned
    offers = judge_offers(shown.person, terminal, scenario, at)
    # All who scan at this moment share one statement, and one write to the disk (``actions.lanes``).
    outcome = await scan_lane.submit(_to_item(shown, offers, terminal, scenario, at))
    if outcome.scan_id is None or outcome.expires_at is None:
        raise CreditCodeUsed
    return Scanned(
        scan_id=outcome.scan_id, expires_at=outcome.expires_at, offers=offers, masked_name=_name(shown.person, offers)
    )


async def read_scan(caller: PartnerCaller, scan_id: UUID, at: datetime) -> Scanned:
    """Return again what applies to the person behind an open scan.

    The access log gets another line only when the terminal learns something else than it did by the scan.
    """
    KEY_READ_LIMIT.need(caller.key_id)
    SCAN_READ_LIMIT.need(
        (caller.institution_id, scan_id)
    )  # counted per institution: another one cannot use up the reads
    try:
        person, _ = await find_scan(caller, scan_id, at)
    except TurnedAway as turned:
        await log_refusal(turned, action=SCAN, institution_id=caller.institution_id, scenario=None, at=at)
        raise turned.refusal from turned
    terminal = resolve_terminal(caller, person.terminal_id)
    offers = judge_offers(person, terminal, person.scenario, at)
    scanned_at = person.expires_at - timedelta(seconds=SCAN_LIFETIME_SECONDS)
    await insert_access_once([_to_access(person, offers, terminal, person.scenario, at)], since=scanned_at)
    return Scanned(scan_id=scan_id, expires_at=person.expires_at, offers=offers, masked_name=_name(person, offers))


def judge_offers(person: Person, terminal: TerminalEntry, scenario: str | None, at: datetime) -> list[Offer]:
    """Return the benefits of this store that are running and that this person may use."""
    facts = person.facts(catalogue.current.levels)
    if facts is None:
        return []
    day = shanghai_day(at)
    # ``trusted``: a process cut off from the database must not go on offering what was stopped elsewhere.
    return [
        Offer(benefit, resolve_grant(benefit.grant, facts).grant)
        for benefit in catalogue.trusted.at_store(terminal.store_id, terminal.institution_id, scenario)
        if benefit.is_active(at) and judge_eligibility(benefit.eligibility, facts, day).is_eligible
    ]


def _name(person: Person, offers: list[Offer]) -> str | None:
    return show_name(person) if any(offer.benefit.needs_name for offer in offers) else None


def _list_disclosed(offers: list[Offer]) -> list[str]:
    """Name what the terminal learns, for the access log: the codes of benefits, and whether it sees a name."""
    named = ["maskedName"] if any(offer.benefit.needs_name for offer in offers) else []
    return [*(offer.benefit.code for offer in offers), *named]


def _to_item(
    shown: Shown, offers: list[Offer], terminal: TerminalEntry, scenario: str | None, at: datetime
) -> ScanItem:
    assert shown.code_id is not None
    return ScanItem(
        slot_day=shown.slot_day,
        code_id=shown.code_id,
        scan_id=uuid7(shown.slot_start),
        institution_id=terminal.institution_id,
        store_id=terminal.store_id,
        terminal_id=terminal.id,
        citizen_id=shown.person.id,
        scenario=scenario,
        at=at,
        expires_at=at + timedelta(seconds=SCAN_LIFETIME_SECONDS),
        told=msgspec.json.encode(_list_disclosed(offers)).decode(),
    )


def _to_access(
    person: Person, offers: list[Offer], terminal: TerminalEntry, scenario: str | None, at: datetime
) -> NewAccess:
    return NewAccess(
        citizen_id=person.id,
        at=at,
        action=SCAN,
        outcome="scanned",
        institution_id=terminal.institution_id,
        store_id=terminal.store_id,
        terminal_id=terminal.id,
        scenario=scenario,
        told=_list_disclosed(offers),
    )
