"""What citizens take with them of their account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.citizen.export import ExportPart
from app.citizen.queries import accounts as accounts_queries
from app.kit.errors import NotJoined

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID


async def collect_membership(citizen_id: UUID) -> Mapping[str, object]:
    """Return what a score needs to be known of a person; refuses with ``NotJoined`` who left while asking."""
    member = await accounts_queries.find_membership(citizen_id)
    if member is None:
        raise NotJoined
    return {"birthOn": member.birth_on, "joinedAt": member.joined_at}


EXPORTS = (ExportPart(tables=("citizen",), disclosed=("birthOn",), collect=collect_membership),)
