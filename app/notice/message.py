"""What a notice is, what a message says of it, and when sending is tried again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec

from app.citizen.answers import judge_errcode
from app.values.days import SHANGHAI

Channel = Literal["wechat", "sms"]
DeliveryState = Literal["pending", "sent", "failed", "none"]
Template = Literal["record"]  # every notice there is is about a record

TEMPLATE: Template = "record"
QUOTA_MAX = 20
REPORTED_MAX = 5
TRIES_MAX = 8
RETRY_FIRST = timedelta(seconds=30)
RETRY_FACTOR = 4
RETRY_LONGEST = timedelta(hours=6)
THING_CHARACTERS_MAX = 20  # of a field of kind ``thing`` in a WeChat message
NOTICE_PAGE = "pages/notice/notice"
HINT_ZH = "点击查看详情、异议与修复办法"

# Bad news for this phone number only: another try would end the same way.
SMS_NUMBER_REFUSED = frozenset(
    {
        "FailedOperation.PhoneNumberInBlacklist",
        "FailedOperation.PhoneNumberOnBlacklist",
        "InvalidParameterValue.IncorrectPhoneNumber",
        "InvalidParameterValue.ProhibitSubMailboxes",
        "UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber",
    }
)
# Subscribe message errcodes: the citizen has no quota left with WeChat, or the account is not one of ours.
WECHAT_NOT_ALLOWED = frozenset({43101, 43107, 40003})
# The template, its fields or its page are not as WeChat has them: no try helps, and an operator must look.
WECHAT_TEMPLATE_WRONG = frozenset({40037, 40165, 41030, 47001, 47003})
Outcome = Literal["sent", "later", "no_way", "refused"]


class NewNotice(msgspec.Struct, frozen=True, kw_only=True):
    """What a citizen is to learn about a subject; there is one for each (kind, subject)."""

    citizen_id: UUID
    kind: str
    subject_id: UUID
    title_zh: str
    title_en: str
    body_zh: str
    body_en: str


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one try to send a notice; ``tries`` says which try it was."""

    notice_id: UUID
    tries: int
    state: DeliveryState
    channel: Channel | None = None
    next_try_at: datetime | None = None


def judge_message(errcode: int) -> Outcome:
    """Return what became of a subscribe message: "no_way" is our own mistake, "refused" the citizen's right.

    What nobody knows is tried again later, and given up after the last try.
    """
    if errcode in WECHAT_NOT_ALLOWED:
        return "refused"
    if errcode in WECHAT_TEMPLATE_WRONG:
        return "no_way"
    family = judge_errcode(errcode, with_token=True)
    if family == "ok":
        return "sent"
    return "no_way" if family == "ours" else "later"


def judge_sms(code: str) -> Outcome:
    """Return what became of an SMS. All is tried again but a number that takes none: the service or we put it right."""
    if code == "Ok":
        return "sent"
    return "refused" if code in SMS_NUMBER_REFUSED else "later"


def compute_retry_at(tries: int, at: datetime) -> datetime | None:
    """Return when a notice is tried again after so many tries; None when it is given up."""
    if tries >= TRIES_MAX:
        return None
    wait: timedelta = RETRY_FIRST * RETRY_FACTOR ** (tries - 1)
    return at + min(wait, RETRY_LONGEST)


def compute_failure(notice_id: UUID, tries: int, at: datetime) -> Delivery:
    """Return what becomes of a notice whose sending failed for now."""
    retry_at = compute_retry_at(tries, at)
    return Delivery(
        notice_id=notice_id, tries=tries, state="failed" if retry_at is None else "pending", next_try_at=retry_at
    )


def compute_page(notice_id: UUID) -> str:
    """Return the page of the mini-program a message opens."""
    return f"{NOTICE_PAGE}?id={notice_id}"


def compute_wechat_data(title_zh: str, at: datetime) -> dict[str, dict[str, str]]:
    """Return the fields of the subscribe message: what it is about, when, and where to go on."""
    return {
        "thing1": {"value": cut(title_zh, THING_CHARACTERS_MAX)},
        "time2": {"value": f"{at.astimezone(SHANGHAI):%Y年%m月%d日 %H:%M}"},
        "thing3": {"value": HINT_ZH},
    }


def compute_sms_parameters(at: datetime) -> Sequence[str]:
    """Return what the SMS says: the day and nothing else, for others may read it."""
    return [f"{at.astimezone(SHANGHAI):%Y年%m月%d日}"]


def cut(text: str, characters_max: int) -> str:
    """Shorten a text, and show that it is."""
    return text if len(text) <= characters_max else text[: characters_max - 1] + "…"
