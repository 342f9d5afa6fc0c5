"""The person behind a code or a scan; what requests ask at the same moment is read by one statement."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import msgspec

from app.consent.actions import insert_access_once
from app.consent.purposes import NewAccess
from app.credit_code.refusals import CreditCodeExpired, CreditCodeInvalid
from app.credit_code.short_form import ExpiredCode, OpenedCode, is_of_generation, is_recent, open_code
from app.kit.db.group_commit import coalesce
from app.kit.errors import NotFound, RateLimited, Refusal
from app.kit.outside.rate_limit import DistinctLimit
from app.kit.security.crypto import decrypt_field
from app.kit.security.keys import KEYS
from app.partner.directory import may_reach_store
from app.redemption.till.queries import lanes as lanes_queries
from app.redemption.till.redeeming import SAME_TRY, Person, ScannedPerson, compute_slot_day
from app.redemption.till.refusals import ScanExpired
from app.values.names import mask_name
from app.values.text import clean_code

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from app.consent.purposes import AccessAction
    from app.kit.security.auth import PartnerCaller
    from app.partner.directory import TerminalEntry

# A good code proves itself and always passes, so these limits turn no citizen away; they stop a program that guesses
# and a scanner that misreads. The same text counts once, because a cashier presses the trigger until it works. A guess
# is right once in 1.5 × 10^11 (a zero, a slot of now, one of four million accounts, its generation): an institution
# that sends all that INSTITUTION_LIMIT lets through finds one code in half a year. It cannot choose whose that is, and
# the citizen sees it in their access log (decision 42).
WRONG_CODES_MAX = 20
WRONG_CODES_SECONDS = 60
WRONG_AT_TERMINAL = DistinctLimit("wrong-codes-terminal", WRONG_CODES_MAX, WRONG_CODES_SECONDS)
WRONG_AT_INSTITUTION = DistinctLimit("wrong-codes-institution", WRONG_CODES_MAX * 50, WRONG_CODES_SECONDS)
# At 1,000 redemptions a second a worker read people 600 times a second and wrote redemptions 170 times: who is read at
# once only waits for the lane. Paced, redeeming took a tenth less CPU, and one alone is read at once as before.
READ_PACE_SECONDS = 0.003


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A person in front of a terminal: the code they showed, or the scan it became."""

    person: Person
    slot_day: date
    code_id: str | None
    scan_id: UUID | None
    slot_start: datetime | None


class TurnedAway(Exception):  # noqa: N818 - it carries a refusal
    """A refused try; it goes into the access log of the citizen it was about, unless it only repeats another one."""

    def __init__(self, refusal: Refusal, citizen_id: UUID | None) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal
        self.citizen_id = citizen_id


async def find_shown_by_code(text: str, terminal: TerminalEntry, at: datetime) -> Shown:
    """Open a code and read the person behind it, or raise ``TurnedAway``.

    A code that is only too early or too late is expired; everything else that can be wrong is one and the same refusal.
    A good code passes, however many wrong ones were shown before it. Wrong ones are counted by their text, at the
    terminal and at its institution; beyond the limit they are RateLimited, which says nothing about anybody.
    """
    read = open_code(text, [key.key for key in KEYS.code_keys(at.timestamp())], at)
    # Behind a code from long ago nobody is looked up: it is answered like a random text, and takes as long.
    opened = read.opened if isinstance(read, ExpiredCode) and is_recent(read, at) else read
    opened = None if isinstance(opened, ExpiredCode) else opened
    person = None if opened is None else await _find_holder(opened)
    is_alive = person is not None and opened is not None and _is_alive(person, opened)
    if isinstance(read, OpenedCode) and person is not None and is_alive:
        return _to_shown(person, read)
    shown = clean_code(text)  # one misread code counts once, whatever the scanner adds to it
    try:
        WRONG_AT_TERMINAL.hit(str(terminal.id), shown)
        WRONG_AT_INSTITUTION.hit(str(terminal.institution_id), shown)
    except RateLimited as too_many:
        raise TurnedAway(too_many, None) from too_many
    # "expired" is the answer to a member's own code alone; an answer that depends on a person goes into their log
    refusal = CreditCodeExpired() if isinstance(read, ExpiredCode) and is_alive else CreditCodeInvalid()
    raise TurnedAway(refusal, None if person is None else person.id)


def find_code_day(text: str, at: datetime) -> date | None:
    """Return the UTC day of a code's slot, whether it is still good or not; None for what is no code of ours."""
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
    person, slot_day = await find_scan(caller, scan_id, at)
    if person.store_id != store_id:
        raise TurnedAway(NotFound(), person.id)
    return Shown(person=person, slot_day=slot_day, code_id=None, scan_id=scan_id, slot_start=None)


async def find_scan(caller: PartnerCaller, scan_id: UUID, at: datetime) -> tuple[ScannedPerson, date]:
    """Read an open scan of the caller's with its person, and its slot day, or raise ``TurnedAway``.

    The scan of another institution, or of a store out of the key's reach, is not found.
    """
    slot_day = compute_slot_day(scan_id)
    person = None if slot_day is None else await _scanned_people.submit((slot_day, scan_id))
    if person is None or slot_day is None:
        raise TurnedAway(NotFound(), None)
    if person.institution_id != caller.institution_id or not may_reach_store(caller.store_ids, person.store_id):
        raise TurnedAway(NotFound(), person.id)
    if person.expires_at < at:
        raise TurnedAway(ScanExpired(), person.id)
    return person, slot_day


async def find_person(account_number: int) -> Person:
    """Read a citizen by the number of an account that exists."""
    person = await _people.submit(account_number)
    if person is None:
        raise NotFound
    return person


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
) -> None:
    """Put a try that no statement has logged into its citizen's access log, once within ``SAME_TRY``."""
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
        )
    )


async def _find_holder(opened: OpenedCode) -> Person | None:
    """Read the citizen whose code this is or was; None for one who has left or is frozen."""
    person = await _people.submit(opened.account_number)
    return None if person is None or person.state != "active" else person


def _is_alive(person: Person, opened: OpenedCode) -> bool:
    """Whether the citizen has not killed their codes since."""
    return is_of_generation(opened, person.code_generation)


async def _read_people(account_numbers: list[int]) -> Sequence[Person | None]:
    found = {person.account_number: person for person in await lanes_queries.find_people(account_numbers)}
    return [found.get(number) for number in account_numbers]


async def _read_scanned_people(scans: list[tuple[date, UUID]]) -> Sequence[ScannedPerson | None]:
    found = {person.scan_id: person for person in await lanes_queries.find_scanned_people(scans)}
    return [found.get(scan_id) for _, scan_id in scans]


async def _write_refused(entries: list[NewAccess]) -> Sequence[None]:
    await insert_access_once(entries, since=min(entry.at for entry in entries) - SAME_TRY)
    return [None] * len(entries)


# Facts are read with every request, never from memory: a citizen may have left, or have killed their codes, a second
# ago (decision 5). Requests that wait at the same moment share one statement (decision 3).
_people = coalesce(_read_people, pace_seconds=READ_PACE_SECONDS)
_scanned_people = coalesce(_read_scanned_people, pace_seconds=READ_PACE_SECONDS)
_refused = coalesce(_write_refused)
