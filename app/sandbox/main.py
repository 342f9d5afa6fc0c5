"""The sandbox as an ASGI application: ``app.sandbox.main:app``.

One process; nothing is stored but the last messages and what became of the access token.
"""

from __future__ import annotations

from litestar import Litestar

from app.sandbox.routes.identity import answer_tencent_cloud
from app.sandbox.routes.message import list_messages, send_subscribe_message
from app.sandbox.routes.wechat import (
    count_access_tokens,
    exchange_login_code,
    get_phone_number,
    get_stable_token,
    kill_access_token,
)

app = Litestar(
    route_handlers=[
        exchange_login_code,
        get_stable_token,
        get_phone_number,
        kill_access_token,
        count_access_tokens,
        send_subscribe_message,
        list_messages,
        answer_tencent_cloud,
    ],
    openapi_config=None,
    logging_config=None,
)
