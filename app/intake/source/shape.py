"""What the ids of a source look like, so that zeros lost in front of one are noticed. Pure.

Only ids that are all digits of one length have a shape. A spreadsheet that takes such an id for a number drops the
zeros it begins with; the shorter id would be another event, and the same event would count twice.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Literal

import msgspec

from app.intake.fact.item import Flaw

ZEROS_LOST = "zeros_lost"
ShapedField = Literal["eventId", "actId"]
IDS_MIN = 5  # of one length, before a shorter one is doubted
# Ids that count up grow longer by themselves. Where some begin with zero they are filled up; else only ids longer than
# anything is counted to are doubted.
DIGITS_MIN_FILLED, DIGITS_MIN = 6, 10
SHORT_SHARE_MAX = 0.2  # of ids of the first ids of a source


class WayOut(msgspec.Struct, frozen=True):
    """What to do about a short id that is right as it is, which differs by how it was sent."""

    zh: str
    en: str


IN_FILE = WayOut("请在更正文件中原样再报一次", "send the row unchanged in a corrected file")
IN_ITEM = WayOut("请将 idsMeant 设为 true 后再报一次", "send the item again with idsMeant true")


class IdShape(msgspec.Struct, frozen=True):
    """How many digits the ids of a source have, None when they differ; ``rows`` is how many ids those are."""

    digits: int | None
    rows: int
    begins_with_zero: bool


def compute_shape(ids: Sequence[str]) -> IdShape | None:
    """Return the shape of ids; None of none."""
    if not ids:
        return None
    lengths = set(map(len, ids))
    if len(lengths) > 1 or not _are_digits(ids):
        return IdShape(None, len(ids), begins_with_zero=False)
    return IdShape(lengths.pop(), len(ids), begins_with_zero=any(one[0] == "0" for one in ids))


def add_shapes(so_far: IdShape | None, more: IdShape) -> IdShape:
    """Return the shape of the ids of both."""
    if so_far is None:
        return more
    digits = so_far.digits if so_far.digits == more.digits else None
    return IdShape(digits, so_far.rows + more.rows, begins_with_zero=so_far.begins_with_zero or more.begins_with_zero)


class JudgedIds(msgspec.Struct, frozen=True):
    """Which ids have lost their zeros, by place; and what the others add to the shape, None where there is none."""

    shortened: dict[int, Flaw]
    shape: IdShape | None


def judge_ids(
    ids: Mapping[int, str | None], so_far: IdShape | None, field: ShapedField, meant: Container[int], way_out: WayOut
) -> JudgedIds:
    """Judge the ids of one field by place, while those of the source are alike.

    ``meant`` ones are never doubted, and nothing is learnt of them: one short id that is right does not end the doubt
    of others.
    """
    given = {place: one for place, one in ids.items() if one is not None and place not in meant}
    if not given or (so_far is not None and so_far.digits is None):
        return JudgedIds({}, None)
    places = list(given)
    found = find_shortened(list(given.values()), so_far)
    shortened = {places[at]: _make_flaw(field, digits, len(given[places[at]]), way_out) for at, digits in found.items()}
    return JudgedIds(shortened, compute_shape([one for place, one in given.items() if place not in shortened]))


def find_shortened(ids: Sequence[str], so_far: IdShape | None) -> dict[int, int]:
    """Return the ids, by place, that are shorter than all others of their source; and the one length of these."""
    if not ids or (so_far is not None and so_far.digits is None):
        return {}
    lengths = set(map(len, ids))
    digits = max(lengths) if so_far is None or so_far.digits is None else so_far.digits
    if max(lengths) > digits or min(lengths) == digits or not _are_digits(ids):
        return {}
    short = [place for place, one in enumerate(ids) if len(one) < digits]
    is_filled = so_far is not None and so_far.begins_with_zero
    is_filled = is_filled or any(one[0] == "0" for one in ids if len(one) == digits)
    if digits < (DIGITS_MIN_FILLED if is_filled else DIGITS_MIN):
        return {}
    rows = 0 if so_far is None else so_far.rows
    is_few = rows >= IDS_MIN or len(short) <= SHORT_SHARE_MAX * len(ids)
    if rows + len(ids) - len(short) < IDS_MIN or not is_few:
        return {}
    return dict.fromkeys(short, digits)


def _are_digits(ids: Sequence[str]) -> bool:
    joined = "".join(ids)
    return joined.isascii() and joined.isdigit()


def _make_flaw(field: ShapedField, digits: int, found: int, way_out: WayOut) -> Flaw:
    return Flaw(
        code=ZEROS_LOST,
        pointer=f"/{field}",
        zh=f"该来源的编号都是 {digits} 位数字，这里只有 {found} 位，可能是表格软件去掉了前面的 0；"
        f"请把该列设为文本格式后补全。如果编号本来如此，{way_out.zh}",
        en=f"the source's numbers all have {digits} digits and this one has {found}: a spreadsheet may have dropped "
        f"zeros in front; make the column text and complete it. If it is right as it is, {way_out.en}",
    )
