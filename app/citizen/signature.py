"""Tencent Cloud's request signature, version 3 (TC3-HMAC-SHA256), as its API documentation describes it."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime

ALGORITHM = "TC3-HMAC-SHA256"
CONTENT_TYPE = "application/json; charset=utf-8"
SIGNED_HEADERS = "content-type;host;x-tc-action"


def compute_headers(
    *, secret_id: str, secret_key: str, host: str, service: str, action: str, version: str, body: bytes, at: datetime
) -> dict[str, str]:
    """Return all headers of a signed POST of JSON to ``/``; a service with regions wants X-TC-Region beside them."""
    authorization = compute_authorization(
        secret_id=secret_id, secret_key=secret_key, host=host, service=service, action=action, body=body, at=at
    )
    return {
        "Authorization": authorization,
        "Content-Type": CONTENT_TYPE,
        "X-TC-Action": action,
        "X-TC-Version": version,
        "X-TC-Timestamp": str(int(at.timestamp())),
    }


def compute_authorization(
    *, secret_id: str, secret_key: str, host: str, service: str, action: str, body: bytes, at: datetime
) -> str:
    """Return the Authorization header of a POST of JSON to ``/``; its X-TC-Timestamp must be ``at`` too."""
    timestamp, date = int(at.timestamp()), at.astimezone(UTC).strftime("%Y-%m-%d")
    headers = f"content-type:{CONTENT_TYPE}\nhost:{host}\nx-tc-action:{action.lower()}\n"
    request = f"POST\n/\n\n{headers}\n{SIGNED_HEADERS}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{date}/{service}/tc3_request"
    text = f"{ALGORITHM}\n{timestamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"TC3{secret_key}".encode()
    for part in (date, service, "tc3_request"):
        key = _sign(key, part)
    signature = _sign(key, text).hex()
    return f"{ALGORITHM} Credential={secret_id}/{scope}, SignedHeaders={SIGNED_HEADERS}, Signature={signature}"


def _sign(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), hashlib.sha256)
