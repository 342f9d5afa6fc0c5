"""What an outside service's answer means, by family and with a default that heals.

Services have more codes than any list of ours. So only what is certain is listed, the rest is judged by its range or
prefix, and what nobody knows is "away": refused now, asked again next time, and nothing is remembered of it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from app.values.days import compute_seconds_left

# token: WeChat does not take our access token (any more). code, used, blocked: about the citizen. minute, day: a quota
# of ours is used up. ours: our settings are wrong. away: not now, for whatever reason.
WechatFamily = Literal["ok", "token", "code", "used", "blocked", "minute", "day", "ours", "away"]
TencentFamily = Literal["ours", "away"]
Verdict = Literal["match", "mismatch", "day", "away"]

MINUTE_SECONDS = 60
DAY_RETRY_SECONDS_MAX = 3600  # a quota of the day may be raised, or reset by hand, before the day ends

BUSY = -1
# https://developers.weixin.qq.com/doc/oplatform/Return_codes/Return_code_descriptions_new.html
WECHAT_FAMILIES: dict[int, WechatFamily] = {
    0: "ok",
    BUSY: "away",
    **dict.fromkeys((40001, 40014, 41001, 42001), "token"),
    **dict.fromkeys((40029, 41008), "code"),
    40163: "used",
    40226: "blocked",
    45011: "minute",
    45009: "day",
    # appid, secret, grant type, allow-list of addresses, a frozen secret, a blocked account, an interface not granted.
    **dict.fromkeys(
        (40002, 40013, 40125, 40164, 40243, 41002, 41004, 48001, 50002, 61024, 89501, 89503, 89506, 89507), "ours"
    ),
}
SECRET_WRONG = 40001  # of a call without a token
TOKEN_RANGES = (range(40000, 40010), range(42000, 42010))
QUOTA_RANGE = range(45000, 46000)

# https://cloud.tencent.com/document/api/1007/31324, and the codes that all its services share.
TENCENT_OURS = (
    "AuthFailure", "UnauthorizedOperation", "InvalidAction", "InvalidParameter", "MissingParameter", "NoSuchProduct",
    "NoSuchVersion", "UnknownParameter", "UnsupportedOperation", "UnsupportedProtocol", "UnsupportedRegion",
    "ResourceUnavailable.ChargeStatusException", "ResourceUnavailable.InArrears",
)  # fmt: skip
VERDICTS: dict[str, Verdict] = {
    "0": "match",
    # Not one person; a phone, number or name that is none; nobody on file.
    **dict.fromkeys(("-4", "-6", "-7", "-8", "-9"), "mismatch"),
    "-12": "day",
}


def judge_errcode(errcode: int, *, with_token: bool) -> WechatFamily:
    """Return what an errcode of WeChat means; ``with_token`` for a call that carried our access token.

    An unknown one near those of a refused token is taken for one of them: renewing a good token once does no harm,
    going on with a dead one refuses everybody.
    """
    family = WECHAT_FAMILIES.get(errcode)
    if family is None:
        if any(errcode in codes for codes in TOKEN_RANGES):
            family = "token"
        else:
            family = "minute" if errcode in QUOTA_RANGE else "away"
    if family == "token" and not with_token:
        return "ours" if errcode == SECRET_WRONG else "away"
    return family


def judge_tencent(code: str) -> TencentFamily:
    """Return what an error code of Tencent Cloud means, by its beginning: ``AuthFailure.SignatureFailure``."""
    return "ours" if any(code == start or code.startswith(f"{start}.") for start in TENCENT_OURS) else "away"


def judge_result(result: str) -> Verdict:
    """Return what faceid's result says of a person; only what certainly says "not this person" is a mismatch."""
    return VERDICTS.get(result, "away")


def compute_quota_wait(family: Literal["minute", "day"], at: datetime) -> int:
    """Return in how many seconds to try again when a quota of ours is used up."""
    return MINUTE_SECONDS if family == "minute" else min(compute_seconds_left(at), DAY_RETRY_SECONDS_MAX)
