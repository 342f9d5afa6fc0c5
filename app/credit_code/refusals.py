"""What scanning a credit code may refuse."""

from __future__ import annotations

from app.kit.errors import Refusal


class CreditCodeInvalid(Refusal):
    """This is not a credit code that can be used."""

    code = "credit_code_invalid"
    status_code = 422
    zh = "无效的信用码"


class CreditCodeExpired(Refusal):
    """This credit code is not of this moment; show the current one."""

    code = "credit_code_expired"
    status_code = 410
    zh = "信用码已过期，请出示当前的信用码"
