"""What a citizen takes with them, signed; and the keys by which anybody checks it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from app.citizen.actions import export as citizen_parts
from app.consent import actions as consents
from app.consent.purposes import ACCESS_ACTIONS, NewAccess
from app.kit.db.database import transaction
from app.kit.security.keys import KEYS
from app.kit.security.signed_file import show_keys, sign_file
from app.membership.export import FORMAT, MEMBER, SIGNATURE_TYPE
from app.membership.refusals import ExportUnavailable
from app.record.actions import read as record_parts
from app.score.current.actions import export as score_parts
from app.score.current.actions.rescore import rescore

if TYPE_CHECKING:
    from datetime import datetime

    from app.kit.security.auth import CitizenCaller

EXPORT = ACCESS_ACTIONS.declare("export")
_given_consents, _access = consents.EXPORTS
# What a room adds here is a member of ``membership.export.Export``, which is what the API describes. The access log
# names the parts in this order.
PARTS = (*citizen_parts.EXPORTS, *record_parts.EXPORTS, _given_consents, *score_parts.EXPORTS, _access)


async def export_own(citizen: CitizenCaller, *, at: datetime) -> bytes:
    """Return the citizen's signed file, and write into their access log that it was taken.

    Rescoring comes first: it locks the citizen, so that records and consents cannot change any more, and brings the
    score up to them and to the day. Only then does the file, computed again, give the inputs hash that it states.
    """
    key = KEYS.ring.export[-1] if KEYS.ring.export else None
    if key is None:
        raise ExportUnavailable
    async with transaction():
        await rescore([citizen.id], at=at)
        disclosed = [name for part in PARTS for name in part.disclosed]
        await consents.insert_access(
            [NewAccess(citizen_id=citizen.id, at=at, action=EXPORT, outcome="ok", told=disclosed)]
        )
        content: dict[str, object] = {"format": FORMAT, "exportedAt": at, "citizenId": citizen.id}
        for part in PARTS:
            content |= await part.collect(citizen.id)
    return sign_file(MEMBER, msgspec.to_builtins(content), key, SIGNATURE_TYPE)


def list_public_keys() -> list[dict[str, str]]:
    """Return the public halves of all keys that exports were ever signed with."""
    return show_keys(KEYS.ring.export)
