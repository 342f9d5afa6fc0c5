"""What the message services would say; pure, from their documentation.

Openids that begin ``oNOQUOTA``, ``oWXFLAKY`` and ``oWXDOWN_`` belong to login codes ``demo-noquota-…``,
``demo-wxflaky-…`` and ``demo-wxdown-…``: they allowed no message, miss the first two, and are never reached.
"""

from __future__ import annotations

import re

import msgspec

from app.sandbox.answers import BARRED_PHONE_PREFIX, ENVIRONMENT, OPENID_CHARACTERS

FLAKY_TIMES = 2
SMS_VERSION = "2021-01-11"
FIELD_RULES = {
    "thing": re.compile(r".{1,20}"),
    "time": re.compile(r"\d{4}年\d{2}月\d{2}日 \d{2}:\d{2}"),
}
MAINLAND_NUMBER = re.compile(r"\+861\d{10}", re.ASCII)


class Field(msgspec.Struct, kw_only=True):
    """The value of one field of a template."""

    value: str


class MessageAsk(msgspec.Struct, kw_only=True):
    """What subscribe/send is sent."""

    touser: str
    template_id: str
    data: dict[str, Field]
    page: str = ""
    lang: str = "zh_CN"


class SmsAsk(msgspec.Struct, kw_only=True, rename="pascal"):
    """What SendSms is sent."""

    phone_number_set: list[str]
    sms_sdk_app_id: str
    sign_name: str
    template_id: str
    template_param_set: list[str] = []


def is_failing(openid: str, times_failed: int) -> bool:
    """Whether this message does not get through: to some never, to others not the first times."""
    return openid.startswith("oWXDOWN_") or (openid.startswith("oWXFLAKY") and times_failed < FLAKY_TIMES)


def find_message_errcode(ask: MessageAsk) -> int:
    """Return WeChat's errcode for a subscribe message; 0 is success."""
    if len(ask.touser) != OPENID_CHARACTERS or not ask.touser.startswith("o"):
        return 40003
    if ask.template_id != ENVIRONMENT["WECHAT_TEMPLATE_RECORD"]:
        return 40037
    if ask.touser.startswith("oNOQUOTA"):
        return 43101
    if set(ask.data) != {"thing1", "time2", "thing3"}:
        return 47003
    for name, field in ask.data.items():
        if FIELD_RULES[name.rstrip("0123456789")].fullmatch(field.value) is None:
            return 47003
    return 41030 if ask.page.startswith("/") else 0


def find_sms_call_error(headers: dict[str, str]) -> str | None:
    """Return Tencent Cloud's error code for a call that is not SendSms of a region."""
    if headers.get("x-tc-version") != SMS_VERSION:
        return "NoSuchVersion"
    return None if headers.get("x-tc-region") else "MissingParameter"


def judge_number(number: str, ask: SmsAsk) -> str:
    """Return what becomes of one number."""
    if ask.sms_sdk_app_id != ENVIRONMENT["SMS_APP_ID"]:
        return "UnauthorizedOperation.SmsSdkAppIdVerifyFail"
    if ask.sign_name != ENVIRONMENT["SMS_SIGN_NAME"]:
        return "FailedOperation.SignatureIncorrectOrUnapproved"
    if ask.template_id != ENVIRONMENT["SMS_TEMPLATE_RECORD"]:
        return "FailedOperation.TemplateIncorrectOrUnapproved"
    if len(ask.template_param_set) != 1:
        return "FailedOperation.TemplateParamSetNotMatchApprovedTemplate"
    if MAINLAND_NUMBER.fullmatch(number) is None:
        return "InvalidParameterValue.IncorrectPhoneNumber"
    return "FailedOperation.PhoneNumberInBlacklist" if number.startswith(f"+86{BARRED_PHONE_PREFIX}") else "Ok"
