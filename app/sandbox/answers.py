"""What the outside services would say: pure, and written from their documentation, not from our clients."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from datetime import UTC, datetime
from typing import NamedTuple


class Credentials(NamedTuple):
    """What a city is given by WeChat and by the identity provider."""

    app_id: str
    app_secret: str
    secret_id: str
    secret_key: str


TARGET = "app.sandbox.main:app"  # what runs as a process of its own
# No secrets: they open nothing but this sandbox.
CREDENTIALS = Credentials("wx0000000000sandbox", "sandbox-app-secret", "AKIDsandbox", "sandbox-secret-key")
ENVIRONMENT = {
    "WECHAT_APP_ID": CREDENTIALS.app_id,
    "WECHAT_APP_SECRET": CREDENTIALS.app_secret,
    "IDENTITY_SECRET_ID": CREDENTIALS.secret_id,
    "IDENTITY_SECRET_KEY": CREDENTIALS.secret_key,
    "WECHAT_TEMPLATE_RECORD": "sandbox-template-record",
    "SMS_SECRET_ID": CREDENTIALS.secret_id,
    "SMS_SECRET_KEY": CREDENTIALS.secret_key,
    "SMS_APP_ID": "1400000000",
    "SMS_SIGN_NAME": "惠信",
    "SMS_TEMPLATE_RECORD": "100001",
}

CODE_INVALID = 40029
# People by their login code whose messages go astray; the openid says so, because a message names nothing else.
MARKED_OPENIDS = {"demo-noquota-": "oNOQUOTA", "demo-wxflaky-": "oWXFLAKY", "demo-wxdown-": "oWXDOWN_"}
OPENID_CHARACTERS = 28
NAME_THAT_NEVER_MATCHES = "不符"
NAME_WHEN_BUSY = "繁忙"
NAME_WHEN_QUOTA_IS_GONE = "超限"
PRIVATE_CHARACTER = re.compile("[\ue000-\uf8ff]")  # the register has every letter at its own place by now
OTHER_PHONE_PREFIX = "129"  # the phone belongs to somebody else
BARRED_PHONE_PREFIX = "1200000"  # its holder wants no SMS
TIMESTAMP_SKEW_SECONDS_MAX = 300
CHECKSUM_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ERR_CODE = re.compile(r"err-(-?\d{1,6})(?:-.*)?", re.ASCII)
_AUTHORIZATION = re.compile(
    r"TC3-HMAC-SHA256 Credential=(?P<id>[^/]+)/(?P<date>[\d-]+)/(?P<service>\w+)/tc3_request, ?"
    r"SignedHeaders=(?P<headers>[a-z0-9;-]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)


class SandboxPhone(NamedTuple):
    """A phone number as WeChat gives it."""

    country_code: str
    number: str


def parse_errcode(code: str) -> int | None:
    """Return the errcode a caller wants to see: ``err-40163`` or ``err--1-anything``."""
    match = _ERR_CODE.fullmatch(code)
    return int(match[1]) if match else None


def compute_openid(js_code: str) -> str | None:
    """Return the openid behind a login code, 28 characters as the real ones; None for a code that is not ours."""
    if not js_code.startswith("demo-"):
        return None
    mark = next((mark for start, mark in MARKED_OPENIDS.items() if js_code.startswith(start)), "o")
    text = base64.urlsafe_b64encode(hashlib.sha256(f"openid {js_code}".encode()).digest()).decode()
    return (mark + text)[:OPENID_CHARACTERS]


def compute_phone(code: str) -> SandboxPhone | None:
    """Return the phone behind a phone code, always the same; numbers start with 12, which no operator gives out."""
    if not code.startswith("demo-phone-"):
        return None
    digits = int.from_bytes(hashlib.sha256(f"phone {code}".encode()).digest()[:8])
    if code.startswith("demo-phone-other-"):
        return SandboxPhone("86", f"{OTHER_PHONE_PREFIX}{digits % 10**8:08d}")
    if code.startswith("demo-phone-barred-"):
        return SandboxPhone("86", f"{BARRED_PHONE_PREFIX}{digits % 10**4:04d}")
    if code.startswith("demo-phone-foreign-"):
        return SandboxPhone("55", f"12{digits % 10**9:09d}")
    return SandboxPhone("86", f"12{digits % 9}{digits // 9 % 10**8:08d}")


def is_checksum_valid(id_number: str) -> bool:
    """Whether the last character of an ID number fits the other seventeen (GB 11643)."""
    if re.fullmatch(r"\d{17}[\dX]", id_number, re.ASCII) is None:
        return False
    total = sum(weight * int(digit) for weight, digit in zip(CHECKSUM_WEIGHTS, id_number, strict=False))
    return "10X98765432"[total % 11] == id_number[17]


def judge_person(name: str, id_number: str, phone: str) -> tuple[str, str]:
    """Return faceid's Result and Description for three elements."""
    if name == NAME_WHEN_BUSY:
        return "-11", "验证中心服务繁忙"
    if name == NAME_WHEN_QUOTA_IS_GONE:
        return "-12", "认证次数超过当日限制，请次日重试"
    if not is_checksum_valid(id_number):
        return "-7", "身份证号码有误"
    if re.fullmatch(r"1\d{10}", phone, re.ASCII) is None:
        return "-6", "手机号码不合法"
    if name == NAME_THAT_NEVER_MATCHES or PRIVATE_CHARACTER.search(name) or phone.startswith(OTHER_PHONE_PREFIX):
        return "-4", "三要素信息不一致"
    return "0", "三要素信息一致"


def find_signature_error(headers: dict[str, str], body: bytes, now: int, service: str = "faceid") -> str | None:
    """Return Tencent Cloud's error code when a request is not signed as TC3-HMAC-SHA256 asks; None when it is."""
    match = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    timestamp = headers.get("x-tc-timestamp", "")
    if match is None or re.fullmatch(r"\d{1,12}", timestamp, re.ASCII) is None:
        return "AuthFailure.InvalidAuthorization"
    if abs(int(timestamp) - now) > TIMESTAMP_SKEW_SECONDS_MAX:
        return "AuthFailure.SignatureExpire"
    if match["id"] != CREDENTIALS.secret_id:
        return "AuthFailure.SecretIdNotFound"
    signed = match["headers"].split(";")
    date = datetime.fromtimestamp(int(timestamp), UTC).strftime("%Y-%m-%d")
    if match["date"] != date or match["service"] != service or not {"content-type", "host"} <= set(signed):
        return "AuthFailure.SignatureFailure"
    expected = _compute_signature(signed, headers, body, timestamp, date, service)
    return None if hmac.compare_digest(expected, match["signature"]) else "AuthFailure.SignatureFailure"


def _compute_signature(
    signed: list[str], headers: dict[str, str], body: bytes, timestamp: str, date: str, service: str
) -> str:
    lines = "".join(f"{name}:{headers.get(name, '').strip().lower()}\n" for name in signed)
    canonical = f"POST\n/\n\n{lines}\n{';'.join(signed)}\n{hashlib.sha256(body).hexdigest()}"
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    key = ("TC3" + CREDENTIALS.secret_key).encode()
    for part in (date, service, "tc3_request"):
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    text = f"TC3-HMAC-SHA256\n{timestamp}\n{date}/{service}/tc3_request\n{hashed}"
    return hmac.digest(key, text.encode(), hashlib.sha256).hex()
