"""The sandbox as an ASGI application: ``app.sandbox.main:app``; one process, nothing stored."""

from __future__ import annotations

from litestar import Litestar

from app.sandbox.routes_identity import verify_phone
from app.sandbox.routes_wechat import exchange_login_code, get_phone_number, get_stable_token

app = Litestar(
    route_handlers=[exchange_login_code, get_stable_token, get_phone_number, verify_phone],
    openapi_config=None,
    logging_config=None,
)
