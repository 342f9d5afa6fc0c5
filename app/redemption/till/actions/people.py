"""Who stands behind a code or a scan: facts read together with whoever else is asking at this moment."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import msgspec

from app.campaign.terms.eligibility import HeldHonour
from app.consent.actions import insert_access_once
from app.consent.purposes import NewAccess
from app.credit_code.actions import CreditCodeExpired, CreditCodeInvalid
from app.credit_code.short_form import ExpiredCode, OpenedCode, is_of_generation, is_recent, open_code
from app.kit.db.group_commit import coalesce
from app.kit.errors import NotFound, RateLimited, Refusal
from app.kit.outside.rate_limit import DistinctLimit, LocalLimit
from app.kit.security.crypto import decrypt_field
from app.kit.security.keys import KEYS
from app.partner.directory import may_reach_store
from app.redemption.till.queries import lanes as lanes_queries
from app.redemption.till.queries import tries as tries_queries
from app.redemption.till.queries.tries import RefusedTry
from app.redemption.till.redeeming import SAME_TRY, Person, compute_slot_day
from app.redemption.till.refusals import ScanExpired
from app.values.names import mask_name
from app.values.text import clean_code

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from app.consent.purposes import AccessAction
    from app.kit.security.auth import PartnerCaller
    from app.partner.directory import TerminalEntry
    from app.redemption.till.queries.lanes import PersonRow, ScannedPersonRow

# A good code proves itself and always passes, so these keep nobody out; they end a program that guesses or a scanner
# that misreads. The same text again counts once: a cashier presses the trigger until it works. A guess is right once in
# 1.5 × 10^11 (a zero, a slot of now, one of four million accounts, its generation), so that an institution sending all
# that INSTITUTION_LIMIT lets through meets one code in half a year: somebody's, whom it cannot choose and who sees it.
WRONG_CODES_MAX = 20
WRONG_CODES_SECONDS = 60
WRONG_AT_TERMINAL = DistinctLimit("wrong-codes-terminal", WRONG_CODES_MAX, WRONG_CODES_SECONDS)
WRONG_AT_INSTITUTION = DistinctLimit("wrong-codes-institution", WRONG_CODES_MAX * 50, WRONG_CODES_SECONDS)
# A till with a broken scanner is one story, however often it tries; what is more than this adds nothing to it.
REFUSED_TRIES_LIMIT = LocalLimit("refused-tries", 60, 60)

_HONOURS = msgspec.json.Decoder(tuple[HeldHonour, ...])


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A person in front of a terminal: the code they showed, or the scan it became."""

    person: Person
    slot_day: date
    code_id: str | None
    scan_id: UUID | None
    slot_start: datetime | None


class TurnedAway(Exception):  # noqa: N818 - it carries a refusal
    """A refused try: it goes into its citizen's access log, when there is one, unless the try is a mere repeat."""

    def __init__(self, refusal: Refusal, citizen_id: UUID | None) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal
        self.citizen_id = citizen_id


async def find_shown_by_code(text: str, terminal: TerminalEntry, at: datetime) -> Shown:
    """Open a code and read the person behind it, or raise ``TurnedAway``; whatever is wrong but time is one refusal.

    A good code passes whatever was shown before. Wrong ones are counted by what was shown, at the terminal and its
    institution; beyond the limit they are RateLimited, which says nothing of anybody.
    """
    read = open_code(text, [key.key for key in KEYS.code_keys(at.timestamp())], at)
    # Of a code of another time nobody is looked up: the answer is that of a random text, and takes as long.
    opened = read.opened if isinstance(read, ExpiredCode) and is_recent(read, at) else read
    opened = None if isinstance(opened, ExpiredCode) else opened
    person = None if opened is None else await _find_holder(opened)
    is_alive = person is not None and opened is not None and _is_alive(person, opened)
    if isinstance(read, OpenedCode) and person is not None and is_alive:
        return _to_shown(person, read)
    shown = clean_code(text)  # one misread code is one, whatever the scanner adds to it
    try:
        WRONG_AT_TERMINAL.hit(str(terminal.id), shown)
        WRONG_AT_INSTITUTION.hit(str(terminal.institution_id), shown)
    except RateLimited as too_many:
        raise TurnedAway(too_many, None) from too_many
    # "expired" is said of a living citizen's own code only, and every answer that depends on somebody is in their log
    refusal = CreditCodeExpired() if isinstance(read, ExpiredCode) and is_alive else CreditCodeInvalid()
    raise TurnedAway(refusal, None if person is None else person.id)


def find_code_day(text: str, at: datetime) -> date | None:
    """Return the UTC day a code was of, as far as can be told; None for what is no code of ours any more."""
    read = open_code(text, [key.key for key in KEYS.code_keys(at.timestamp())], at)
    opened = read.opened if isinstance(read, ExpiredCode) else read
    return None if opened is None else _day_of(opened)


def _day_of(opened: OpenedCode) -> date:
    return opened.slot_start.astimezone(UTC).date()


def _to_shown(person: Person, opened: OpenedCode) -> Shown:
    return Shown(
        person=person,
        slot_day=_day_of(opened),
        code_id=opened.code_id,
        scan_id=None,
        slot_start=opened.slot_start,
    )


async def find_shown_by_scan(caller: PartnerCaller, scan_id: UUID, store_id: UUID, at: datetime) -> Shown:
    """Read an earlier scan and the person behind it; it must be of this store and still open."""
    row, slot_day = await find_scan(caller, scan_id, at)
    if row.store_id != store_id:
        raise TurnedAway(NotFound(), row.id)
    return Shown(person=to_person(row), slot_day=slot_day, code_id=None, scan_id=scan_id, slot_start=None)


async def find_scan(caller: PartnerCaller, scan_id: UUID, at: datetime) -> tuple[ScannedPersonRow, date]:
    """Read an open scan of the caller's, and its slot day, or raise ``TurnedAway``; another's is not found."""
    slot_day = compute_slot_day(scan_id)
    row = None if slot_day is None else await _scanned_people.submit((slot_day, scan_id))
    if row is None or slot_day is None:
        raise TurnedAway(NotFound(), None)
    if row.institution_id != caller.institution_id or not may_reach_store(caller.store_ids, row.store_id):
        raise TurnedAway(NotFound(), row.id)
    if row.expires_at < at:
        raise TurnedAway(ScanExpired(), row.id)
    return row, slot_day


async def find_person(account_number: int) -> Person:
    """Read the facts of a citizen who is known to exist."""
    row = await _people.submit(account_number)
    if row is None:
        raise NotFound
    return to_person(row)


def show_name(person: Person) -> str | None:
    """Return the masked name: the family name only."""
    if person.name_cipher is None:
        return None
    return mask_name(decrypt_field(person.name_cipher, column="citizen.name", row_id=person.id))


async def log_refusal(
    turned: TurnedAway,
    *,
    action: AccessAction,
    institution_id: UUID,
    scenario: str | None,
    at: datetime,
    terminal: TerminalEntry | None = None,
    reference: str | None = None,
    trace_id: str | None = None,
) -> None:
    """Put a try that was refused before its statement into its citizen's access log, once within ``SAME_TRY``.

    A try to redeem is stored without its citizen, too, for an operator who is asked about its ``reference``: where
    nobody was found behind it, and where another order's line stands for it. One that was only too many is not.
    """
    if reference is not None and trace_id is not None and not isinstance(turned.refusal, RateLimited):
        await _store_try(
            RefusedTry(
                reference=reference,
                institution_id=institution_id,
                at=at,
                store_id=terminal.store_id if terminal else None,
                terminal_id=terminal.id if terminal else None,
                outcome=turned.refusal.code,
                trace_id=trace_id,
            )
        )
    if turned.citizen_id is None:
        return
    await _refused.submit(
        NewAccess(
            citizen_id=turned.citizen_id,
            at=at,
            action=action,
            outcome=turned.refusal.code,
            institution_id=institution_id,
            store_id=terminal.store_id if terminal else None,
            terminal_id=terminal.id if terminal else None,
            scenario=scenario,
            reference=reference,
            trace_id=trace_id,
        )
    )


async def _store_try(one: RefusedTry) -> None:
    """Store a refused try, of each terminal so many a minute."""
    with suppress(RateLimited):
        REFUSED_TRIES_LIMIT.need(one.terminal_id or one.institution_id)
        await _tries.submit(one)


async def _find_holder(opened: OpenedCode) -> Person | None:
    """Read the citizen whose code this is or was; nobody who has left or is frozen."""
    row = await _people.submit(opened.account_number)
    return None if row is None or row.state != "active" else to_person(row)


def _is_alive(person: Person, opened: OpenedCode) -> bool:
    """Whether the citizen has not killed their codes since."""
    return is_of_generation(opened, person.code_generation)


def to_person(row: PersonRow) -> Person:
    """Turn a row into what rules judge."""
    honours = () if row.honours in (None, "[]") else _HONOURS.decode(row.honours or "[]")
    return Person(
        account_number=row.account_number,
        id=row.id,
        state=row.state,
        code_generation=row.code_generation,
        birth_on=row.birth_on,
        name_cipher=row.name_cipher,
        cap_holder_id=row.cap_holder_id,
        score=row.score,
        level=row.level,
        honours=honours,
    )


async def _read_people(account_numbers: list[int]) -> Sequence[PersonRow | None]:
    found = {row.account_number: row for row in await lanes_queries.find_people(account_numbers)}
    return [found.get(number) for number in account_numbers]


async def _read_scanned_people(scans: list[tuple[date, UUID]]) -> Sequence[ScannedPersonRow | None]:
    found = {row.scan_id: row for row in await lanes_queries.find_scanned_people(scans)}
    return [found.get(scan_id) for _, scan_id in scans]


async def _write_refused(entries: list[NewAccess]) -> Sequence[None]:
    await insert_access_once(entries, since=min(entry.at for entry in entries) - SAME_TRY)
    return [None] * len(entries)


async def _write_tries(tries: list[RefusedTry]) -> Sequence[None]:
    await tries_queries.insert_refused(tries, SAME_TRY)
    return [None] * len(tries)


_people = coalesce(_read_people)
_scanned_people = coalesce(_read_scanned_people)
_refused = coalesce(_write_refused)
_tries = coalesce(_write_tries)
