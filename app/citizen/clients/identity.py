"""The identity provider: Tencent Cloud faceid ``PhoneVerification``, name + ID number + phone in one check.

https://cloud.tencent.com/document/product/1007/39765
"""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

from app.citizen.signature import compute_headers
from app.kit.clock import now
from app.kit.outside.ask import ask_outside
from app.settings import read_settings

SERVICE = "identity provider"
API_SERVICE = "faceid"
API_ACTION = "PhoneVerification"
API_VERSION = "2018-03-01"


class ApiError(msgspec.Struct, frozen=True, rename="pascal"):
    """Why a call was not served; ``code`` like ``AuthFailure.SignatureFailure``."""

    code: str


class Verification(msgspec.Struct, frozen=True, rename="pascal"):
    """The verdict: ``result`` "0" means that all three belong to one person; or an error instead of a verdict."""

    result: str = ""
    error: ApiError | None = None


class _Envelope(msgspec.Struct, frozen=True, rename="pascal"):
    response: Verification


async def verify_person(*, name: str, id_number: str, phone: str) -> Verification:
    """Ask whether a name, an ID number and a phone belong to one person."""
    body = msgspec.json.encode({"IdCard": id_number, "Name": name, "Phone": phone})
    headers = compute_headers(
        secret_id=read_settings().identity_secret_id,
        secret_key=read_settings().identity_secret_key,
        host=urlsplit(read_settings().identity_base_url).netloc,
        service=API_SERVICE,
        action=API_ACTION,
        version=API_VERSION,
        body=body,
        at=now(),
    )
    url = f"{read_settings().identity_base_url}/"
    return (await ask_outside(SERVICE, _Envelope, "POST", url, headers=headers, body=body)).response
