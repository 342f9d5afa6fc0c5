"""What a citizen takes with them, signed; and the keys by which anybody checks it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from app.campaign.terms.eligibility import HeldHonour
from app.consent import actions as consents
from app.consent.purposes import ACCESS_ACTIONS, NewAccess
from app.kit.db.database import transaction
from app.kit.errors import NotJoined
from app.kit.security.keys import KEYS
from app.kit.security.signed_file import show_keys, sign_file
from app.membership.export import (
    FORMAT,
    MEMBER,
    SIGNATURE_TYPE,
    TOLD,
    Export,
    ExportedAccess,
    ExportedConsent,
    ExportedHonour,
    ExportedRecord,
    ExportedScore,
    RuleBookName,
)
from app.membership.queries import export as export_queries
from app.membership.refusals import ExportUnavailable
from app.record.actions.read import list_records
from app.record.catalogue import CATALOGUE
from app.record.kept import compute_title
from app.score.current.actions.rescore import rescore

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from app.kit.security.auth import CitizenCaller
    from app.membership.queries.export import HolderRow
    from app.record.kept import KeptRecord

EXPORT = ACCESS_ACTIONS.declare("export")


async def export_own(citizen: CitizenCaller, *, at: datetime) -> bytes:
    """Return the citizen's signed file, and write into their access log that it was taken.

    Rescoring first locks the citizen and brings the score up to the records and the day, so that what is in the file
    belongs together and gives the same inputs hash again.
    """
    key = KEYS.ring.export[-1] if KEYS.ring.export else None
    if key is None:
        raise ExportUnavailable
    async with transaction():
        await rescore([citizen.id], at=at)
        await consents.insert_access(
            [NewAccess(citizen_id=citizen.id, at=at, action=EXPORT, outcome="ok", told=list(TOLD))]
        )
        export = await _collect(citizen, at)
    return sign_file(MEMBER, msgspec.to_builtins(export), key, SIGNATURE_TYPE)


def list_public_keys() -> list[dict[str, str]]:
    """Return the public halves of every key exports were ever signed with."""
    return show_keys(KEYS.ring.export)


async def _collect(citizen: CitizenCaller, at: datetime) -> Export:
    holder = await export_queries.find_holder(citizen.id)
    if holder is None:  # left while asking
        raise NotJoined
    return Export(
        format=FORMAT,
        exported_at=at,
        citizen_id=citizen.id,
        birth_on=holder.birth_on,
        joined_at=holder.joined_at,
        score=_tell_score(holder),
        records=tuple(_tell_records(await list_records(citizen.id))),
        consents=tuple(
            ExportedConsent(
                purpose=given.purpose,
                version=given.version,
                given_at=given.given_at,
                withdrawn_at=given.withdrawn_at,
            )
            for given in await consents.list_all_consents(citizen.id)
        ),
        honours=tuple(_tell_honours(holder)),
        access=tuple(
            ExportedAccess(**msgspec.structs.asdict(line)) for line in await consents.count_access(citizen.id)
        ),
    )


def _tell_score(holder: HolderRow) -> ExportedScore | None:
    if holder.value is None:
        return None
    assert holder.level is not None
    assert holder.as_of is not None
    assert holder.book_code is not None
    assert holder.book_version is not None
    return ExportedScore(
        value=holder.value,
        level=holder.level,
        as_of=holder.as_of,
        rule_book=RuleBookName(
            code=holder.book_code, version=holder.book_version, digest=(holder.book_digest or b"").hex()
        ),
        inputs_hash=(holder.inputs_hash or b"").hex(),
    )


def _tell_records(records: Iterable[KeptRecord]) -> Iterable[ExportedRecord]:
    for record in records:
        zh, en = compute_title(record, CATALOGUE)
        yield ExportedRecord(**msgspec.structs.asdict(record), title_zh=zh, title_en=en)


def _tell_honours(holder: HolderRow) -> Iterable[ExportedHonour]:
    for held in msgspec.json.decode(holder.honours or "[]", type=list[HeldHonour]):
        honour = CATALOGUE.honours.get(held.code)
        yield ExportedHonour(
            code=held.code,
            title_zh=honour.title_zh if honour else held.code,
            title_en=honour.title_en if honour else held.code,
            grade=held.grade,
            until=held.until,
        )
