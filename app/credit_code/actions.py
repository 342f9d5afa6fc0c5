"""Issue codes, and kill every code that was shown."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from typing import TYPE_CHECKING

import msgspec

from app.citizen.actions.account import raise_code_generation
from app.credit_code.short_form import (
    SALTS,
    compute_salt,
    compute_slot,
    encode_code,
)
from app.event.actions import insert_events
from app.event.feed import EVENT_TYPES, NewEvent
from app.kit.db.database import transaction
from app.kit.process.place import read_worker_place
from app.kit.security.keys import KEYS
from app.settings import read_settings

if TYPE_CHECKING:
    from datetime import datetime

    from app.kit.security.auth import CitizenCaller

REVOKED = EVENT_TYPES.declare("credit_code.revoked.v1")
SALTS_REMEMBERED_MAX = 100_000
_LAST_STEPS: OrderedDict[int, int] = OrderedDict()


class SlotCode(msgspec.Struct, frozen=True):
    """A code and the slot it belongs to."""

    slot: int
    text: str


def issue_codes(citizen: CitizenCaller, *, count: int, at: datetime) -> list[SlotCode]:
    """Make the codes of this slot and the ``count - 1`` next ones; reads and writes nothing."""
    key = KEYS.code_keys(at.timestamp())[0].key
    now_slot = compute_slot(at)
    return [
        SlotCode(
            slot,
            encode_code(
                key=key,
                account_number=citizen.account_number,
                slot=slot,
                generation=citizen.code_generation,
                salt=_draw_salt(citizen.account_number),
            ),
        )
        for slot in range(now_slot, now_slot + count)
    ]


async def revoke_codes(citizen: CitizenCaller, *, reason: str, at: datetime) -> None:
    """Kill every code this citizen has shown, at once and for ever."""
    revoked = NewEvent(type=REVOKED, subject_id=citizen.id, citizen_id=citizen.id, at=at, data={"reason": reason})
    async with transaction():
        await raise_code_generation(citizen.id)
        await insert_events([revoked])


def _draw_salt(account_number: int) -> int:
    """Take the citizen's next step through this worker's share of the salts; the first step is a random one.

    Codes of one slot are issued within 90 seconds. Two of them can be equal only if in that time a worker issued more
    codes to this citizen than its share has salts, or died, or forgot the citizen among SALTS_REMEMBERED_MAX others
    (decision 43).
    """
    walked = _LAST_STEPS.pop(account_number, None)
    walked = secrets.randbelow(SALTS) if walked is None else walked + 1
    _LAST_STEPS[account_number] = walked
    if len(_LAST_STEPS) > SALTS_REMEMBERED_MAX:
        _LAST_STEPS.popitem(last=False)
    return compute_salt(walked, read_worker_place(), read_settings().workers)
