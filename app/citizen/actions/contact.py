"""How a citizen is reached: for other rooms that send messages, and for no other use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from app.citizen.actions.sealing import OPENID, PHONE, open_field
from app.citizen.queries import accounts as accounts_queries

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID


class Contact(msgspec.Struct, frozen=True):
    """A citizen's WeChat account of our mini-program, and a mainland phone number."""

    openid: str | None
    phone: str | None


async def find_contacts(citizen_ids: Sequence[UUID]) -> dict[UUID, Contact]:
    """Return how citizens are reached, in clear; who has left is not among them."""
    return {
        row.id: Contact(open_field(row.openid_cipher, OPENID, row.id), open_field(row.phone_cipher, PHONE, row.id))
        for row in await accounts_queries.find_contacts(citizen_ids)
    }
