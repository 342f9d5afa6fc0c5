"""Which consents are missing, and what one line of the access log says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, NewType
from uuid import UUID

import msgspec

from app.values.words import ClosedList

CONSENTS_MAX = 20
PURPOSE_CHARACTERS_MAX = 64
FIRST_YEAR, LAST_YEAR = 2000, 2999

AccessAction = NewType("AccessAction", str)
# What may be done with a citizen's data: every room declares its own; published as ``x-access-actions``.
ACCESS_ACTIONS: ClosedList[AccessAction] = ClosedList("access action")


class Purpose(msgspec.Struct, frozen=True):
    """A purpose with the version of its text that is in force."""

    purpose: str
    version: int
    is_required: bool


class GivenConsent(msgspec.Struct, frozen=True):
    """A consent a citizen gave, and since when it is withdrawn or superseded, if it is."""

    id: UUID
    purpose: str
    version: int
    given_at: datetime
    withdrawn_at: datetime | None


class NewAccess(msgspec.Struct, frozen=True, kw_only=True):
    """A disclosure to write down. ``told`` lists what was disclosed (``name``, a benefit code …), never its value.

    ``action`` is what was done, one of ``ACCESS_ACTIONS``; ``outcome`` how it ended (``ok``, or the refusal's code).
    """

    citizen_id: UUID
    at: datetime
    action: AccessAction
    outcome: str
    institution_id: UUID | None = None
    store_id: UUID | None = None
    terminal_id: UUID | None = None
    official_id: UUID | None = None
    scenario: str | None = None
    told: list[str] = []


class AccessPlace(msgspec.Struct, frozen=True, array_like=True):
    """Where a page of the access log ended."""

    at: Annotated[datetime, msgspec.Meta(tz=True)]
    id: UUID

    def __post_init__(self) -> None:
        """Refuse instants that were never in a log, and that no database could read."""
        if not FIRST_YEAR <= self.at.year <= LAST_YEAR:
            raise ValueError


def compute_missing(in_force: Sequence[Purpose], given: Sequence[tuple[str, int]]) -> list[str]:
    """Return the required purposes that are not among the given (purpose, version)."""
    purposes = {purpose for purpose, _ in given}
    return [text.purpose for text in in_force if text.is_required and text.purpose not in purposes]


def compute_unknown(in_force: Sequence[Purpose], given: Sequence[tuple[str, int]]) -> list[int]:
    """Return the positions of the given (purpose, version) that are not in force."""
    versions = {(text.purpose, text.version) for text in in_force}
    return [place for place, pair in enumerate(given) if pair not in versions]
