"""Reading what is recorded about a citizen, for higher rooms, and to be taken along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.citizen.export import ExportPart
from app.kit.web.show import show
from app.record.catalogue import CATALOGUE
from app.record.export import ExportedRecord
from app.record.queries import read as read_queries
from app.record.stored import compute_title

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from app.record.stored import StoredRecord


async def find_record(citizen_id: UUID, record_id: UUID) -> StoredRecord | None:
    """Find a record of a citizen, of whatever state; None when it is not theirs."""
    return await read_queries.find_record(citizen_id, record_id)


async def list_records(citizen_id: UUID) -> list[StoredRecord]:
    """Return everything recorded about a citizen, of whatever state, in the order of the records' ids."""
    return await read_queries.list_all_records(citizen_id)


async def collect_records(citizen_id: UUID) -> Mapping[str, object]:
    """Return the citizen's records, with their titles, to be taken with them."""
    return {"records": [_export(record) for record in await list_records(citizen_id)]}


def _export(record: StoredRecord) -> ExportedRecord:
    zh, en = compute_title(record, CATALOGUE)
    return show(ExportedRecord, record, title_zh=zh, title_en=en)


EXPORTS = (ExportPart(tables=("record",), disclosed=("records",), collect=collect_records),)
