"""Which columns the rows of the demo city have, and the rows that need no key: consents and records. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

import msgspec

from app.membership.applicant import IDENTITY_INDICATOR
from app.record.catalogue import compute_digests
from app.town.people.copy import UUID_LENGTH, pack_count, pack_instant, pack_integer, pack_text, pack_timestamp
from app.town.people.facts import EVENT_COLUMNS, RECORD_COLUMNS, Fact
from app.town.people.residents import Resident

CITIZEN_COLUMNS = (
    "id", "account_number", "state", "created_at", "joined_at", "left_at", "openid_index", "openid_cipher",
    "id_number_index", "id_number_cipher", "person_index", "name_cipher", "phone_index", "phone_cipher", "birth_on",
    "district", "cap_holder_id",
)  # fmt: skip
CONSENT_COLUMNS = ("id", "citizen_id", "purpose", "version", "given_at", "withdrawn_at")
CITIZEN_BEGIN, CONSENT_BEGIN, RECORD_BEGIN = (
    pack_count(len(columns)) + UUID_LENGTH for columns in (CITIZEN_COLUMNS, CONSENT_COLUMNS, RECORD_COLUMNS)
)
EVENT_BEGIN = pack_count(len(EVENT_COLUMNS))
DIGEST_LENGTH = b"\0\0\0\x20"
INSTANT_BYTES = 8
LIFE_MAX = 1000
ORDINALS = [b"%03d" % number for number in range(LIFE_MAX)]


class ConsentText(msgspec.Struct, frozen=True):
    """A consent text in force."""

    purpose: str
    version: int
    is_required: bool


def pack_consents(
    resident: Resident, citizen_id: bytes, texts: Sequence[ConsentText], ids: Iterator[bytes]
) -> list[bytes]:
    """Return the rows of what a member consented to."""
    separate = {purpose: (given_at, withdrawn_at) for purpose, given_at, withdrawn_at in resident.consents}
    rows: list[bytes] = []
    for text in texts:
        if text.is_required or text.purpose in separate:
            given_at, withdrawn_at = separate.get(text.purpose, (resident.joined_at, None))
            rows += (
                CONSENT_BEGIN, next(ids), UUID_LENGTH, citizen_id, pack_text(text.purpose),
                pack_integer(text.version), pack_timestamp(given_at), pack_timestamp(withdrawn_at),
            )  # fmt: skip
    return rows


def pack_life(
    resident: Resident, citizen_id: bytes, life: Sequence[Fact], seed: int, ids: Iterator[bytes]
) -> tuple[list[bytes], list[bytes]]:
    """Return the rows of a member's records and of the events they came from; the first is the one joining writes."""
    row_id, whom, joined_at = str(UUID(bytes=citizen_id)), UUID_LENGTH + citizen_id, resident.joined_at
    stem = pack_text(f"demo-{seed:02d}-{resident.number:07d}-000")[: -len(ORDINALS[0])]
    records: list[bytes] = []
    source_events: list[bytes] = []
    digests = compute_digests([row_id] * len(life), [fact.facts for fact in life])
    for ordinal, fact, digest in zip(ORDINALS, life, digests, strict=False):
        record_id, event = next(ids), stem + ordinal
        if fact.record.indicator == IDENTITY_INDICATOR:
            event = pack_text(f"identity:{row_id}")
        entered_at = max(joined_at, fact.entered_at)
        records += (RECORD_BEGIN, record_id, whom, event, pack_instant(INSTANT_BYTES, entered_at), fact.tail)
        source_events += (EVENT_BEGIN, fact.source, event, UUID_LENGTH, record_id, whom, DIGEST_LENGTH, digest)
    return records, source_events
