"""Reading what is recorded about a citizen, for rooms that tell them, and to be taken along."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from app.citizen.export import ExportPart
from app.record.catalogue import CATALOGUE
from app.record.export import ExportedRecord
from app.record.kept import compute_title
from app.record.queries import read as read_queries

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from app.record.kept import KeptRecord


async def list_records(citizen_id: UUID) -> list[KeptRecord]:
    """Return everything recorded about a citizen, of whatever state, in the order of the records' ids."""
    return await read_queries.list_all_records(citizen_id)


async def collect_records(citizen_id: UUID) -> Mapping[str, object]:
    """Return the citizen's records, with their titles, to be taken with them."""
    return {"records": [_export(record) for record in await list_records(citizen_id)]}


def _export(record: KeptRecord) -> ExportedRecord:
    zh, en = compute_title(record, CATALOGUE)
    return ExportedRecord(**msgspec.structs.asdict(record), title_zh=zh, title_en=en)


EXPORTS = (ExportPart(tables=("record",), disclosed=("records",), collect=collect_records),)
