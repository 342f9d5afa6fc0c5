"""Our signature, Tencent Cloud's published example, and the sandbox's independent check of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.citizen.signature import CONTENT_TYPE, compute_authorization
from app.sandbox.answers import CREDENTIALS, TIMESTAMP_SKEW_SECONDS_MAX, find_signature_error

AT = datetime.fromtimestamp(1551113065, UTC)
BODY = b'{"IdCard":"1"}'


def test_the_published_example_is_reproduced() -> None:
    """https://cloud.tencent.com/document/api/213/30654, whose secret key is 32 asterisks."""
    authorization = compute_authorization(
        secret_id="AKID********************************",
        secret_key="********************************",
        host="cvm.tencentcloudapi.com",
        service="cvm",
        action="DescribeInstances",
        body=rb'{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}',
        at=AT,
    )
    assert authorization == (
        "TC3-HMAC-SHA256 Credential=AKID********************************/2019-02-25/cvm/tc3_request, "
        "SignedHeaders=content-type;host;x-tc-action, "
        "Signature=10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f"
    )


def signed_headers(**changed: str) -> dict[str, str]:
    headers = {
        "authorization": compute_authorization(
            secret_id=changed.pop("secret_id", CREDENTIALS.secret_id),
            secret_key=changed.pop("secret_key", CREDENTIALS.secret_key),
            host="127.0.0.1:1",
            service=changed.pop("service", "faceid"),
            action="PhoneVerification",
            body=BODY,
            at=AT,
        ),
        "content-type": CONTENT_TYPE,
        "host": "127.0.0.1:1",
        "x-tc-action": "PhoneVerification",
        "x-tc-timestamp": str(int(AT.timestamp())),
    }
    return headers | changed


def test_the_sandbox_accepts_what_we_sign() -> None:
    assert find_signature_error(signed_headers(), BODY, int(AT.timestamp())) is None


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"secret_key": "wrong"}, "AuthFailure.SignatureFailure"),
        ({"secret_id": "AKIDother"}, "AuthFailure.SecretIdNotFound"),
        ({"service": "cvm"}, "AuthFailure.SignatureFailure"),
        ({"host": "127.0.0.1:2"}, "AuthFailure.SignatureFailure"),
        ({"x-tc-action": "BankCardVerification"}, "AuthFailure.SignatureFailure"),
        ({"content-type": "text/plain"}, "AuthFailure.SignatureFailure"),
        ({"x-tc-timestamp": "1551113066"}, "AuthFailure.SignatureFailure"),
        ({"x-tc-timestamp": "soon"}, "AuthFailure.InvalidAuthorization"),
        ({"authorization": ""}, "AuthFailure.InvalidAuthorization"),
    ],
)
def test_the_sandbox_refuses_what_is_not_signed_so(changed: dict[str, str], error: str) -> None:
    assert find_signature_error(signed_headers(**changed), BODY, int(AT.timestamp())) == error


def test_the_sandbox_refuses_another_body_and_another_time() -> None:
    now = int(AT.timestamp())
    assert find_signature_error(signed_headers(), BODY + b" ", now) == "AuthFailure.SignatureFailure"
    edge = int((AT + timedelta(seconds=TIMESTAMP_SKEW_SECONDS_MAX)).timestamp())
    assert find_signature_error(signed_headers(), BODY, edge) is None
    assert find_signature_error(signed_headers(), BODY, edge + 1) == "AuthFailure.SignatureExpire"
