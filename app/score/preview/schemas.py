"""What officials hear of a preview on the wire."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import msgspec

from app.kit.web.http import Ask, Wire
from app.score.book.schemas import RuleBookRef
from app.score.preview.cells import CELL_MIN
from app.score.preview.report import PreviewReport, PreviewState, Sample
from app.score.preview.rounding import ROUNDED_TO


class PreviewRequest(Ask, kw_only=True):
    """How much of the city is looked at; the same citizens every time."""

    sample: Sample = "all"


class PreviewView(Wire, kw_only=True):
    """What a rule book would change, beside the active one, on a day.

    `report` comes when it is done, and only if at least `citizensMin` citizens were looked at: no number in it is about
    fewer, nor can one be derived by subtraction. Each is rounded to `roundedTo` by itself, so they need not add up; a
    preview in which fewer than `citizensMin` lie otherwise than in an earlier one has the numbers of that one. Groups
    that were too small are joined, with their keys side by side; a row whose division would tell of a few people has
    no `cells`. The columns of `districts` (first six digits of the ID number, 000000 for cards without a district) and
    `ages` (first year of the band) are whether the value fell, stayed or rose.
    """

    state: PreviewState
    sample: Sample
    day: date
    before: RuleBookRef
    after: RuleBookRef
    requested_at: datetime
    finished_at: datetime | None
    citizens_done: int
    citizens_total: Annotated[int | None, msgspec.Meta(description="About how many there are; null before it begins.")]
    citizens_min: int = CELL_MIN
    rounded_to: int = ROUNDED_TO
    report: PreviewReport | None
