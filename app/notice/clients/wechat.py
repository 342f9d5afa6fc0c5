"""WeChat's subscribe message: https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/ — sendMessage."""

from __future__ import annotations

import msgspec

from app.kit.outside.ask import ask_outside
from app.settings import read_settings

SERVICE = "WeChat"
JSON = {"Content-Type": "application/json"}


class MessageAnswer(msgspec.Struct, frozen=True):
    """Whether the message was taken; ``errcode`` 0 is success."""

    errcode: int = 0


async def send_subscribe_message(
    *, access_token: str, openid: str, template_id: str, page: str, data: dict[str, dict[str, str]]
) -> MessageAnswer:
    """Send a one-time subscribe message."""
    body = msgspec.json.encode(
        {"touser": openid, "template_id": template_id, "page": page, "lang": "zh_CN", "data": data}
    )
    url = f"{read_settings().wechat_base_url}/cgi-bin/message/subscribe/send"
    parameters = {"access_token": access_token}
    return await ask_outside(SERVICE, MessageAnswer, "POST", url, parameters=parameters, headers=JSON, body=body)
