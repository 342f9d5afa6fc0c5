"""SMS through Tencent Cloud ``SendSms``: https://cloud.tencent.com/document/product/382/55981."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

import msgspec

from app.citizen.signature import compute_headers
from app.kit.clock import now
from app.kit.outside.ask import ask_outside
from app.settings import read_settings

SERVICE = "SMS"
API_SERVICE = "sms"
API_ACTION = "SendSms"
API_VERSION = "2021-01-11"


class SendStatus(msgspec.Struct, frozen=True, rename="pascal"):
    """What became of one number: ``Ok``, or why not."""

    code: str = ""


class _ApiError(msgspec.Struct, frozen=True, rename="pascal"):
    code: str


class _Answer(msgspec.Struct, frozen=True, rename="pascal"):
    send_status_set: list[SendStatus] = []
    error: _ApiError | None = None


class _Envelope(msgspec.Struct, frozen=True, rename="pascal"):
    response: _Answer


async def send_sms(*, phone: str, parameters: Sequence[str]) -> str:
    """Send a text by template to a mainland number and return the service's code: ``Ok``, or why not."""
    body = msgspec.json.encode(
        {
            "PhoneNumberSet": [f"+86{phone}"],
            "SmsSdkAppId": read_settings().sms_app_id,
            "SignName": read_settings().sms_sign_name,
            "TemplateId": read_settings().sms_template_record,
            "TemplateParamSet": parameters,
        }
    )
    headers = compute_headers(
        secret_id=read_settings().sms_secret_id,
        secret_key=read_settings().sms_secret_key,
        host=urlsplit(read_settings().sms_base_url).netloc,
        service=API_SERVICE,
        action=API_ACTION,
        version=API_VERSION,
        body=body,
        at=now(),
    )
    headers["X-TC-Region"] = read_settings().sms_region
    answer = (
        await ask_outside(SERVICE, _Envelope, "POST", f"{read_settings().sms_base_url}/", headers=headers, body=body)
    ).response
    if answer.error is not None:
        return answer.error.code
    return answer.send_status_set[0].code if answer.send_status_set else ""
