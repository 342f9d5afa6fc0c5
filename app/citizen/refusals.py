"""Why somebody may not come in."""

from __future__ import annotations

from app.kit.errors import Refusal


class WechatCodeInvalid(Refusal):
    """WeChat does not know this login code, or it is too old; ask wx.login for a new one."""

    code = "wechat_code_invalid"
    status_code = 422
    zh = "微信登录凭证无效或已过期，请重新登录"


class WechatCodeUsed(Refusal):
    """This login code was used before; ask wx.login for a new one."""

    code = "wechat_code_used"
    status_code = 409
    zh = "微信登录凭证已被使用，请重新登录"


class WechatAccountBlocked(Refusal):
    """WeChat has blocked this account as a high risk."""

    code = "wechat_account_blocked"
    status_code = 403
    zh = "该微信账号被微信判定为高风险，无法登录"


class CitizenFrozen(Refusal):
    """This account is frozen; the credit centre can tell why."""

    code = "citizen_frozen"
    status_code = 403
    zh = "该账户已被冻结，请联系信用中心"


class RefreshTokenInvalid(Refusal):
    """This refresh token is unknown, expired, withdrawn or was used before; log in again."""

    code = "refresh_token_invalid"
    status_code = 401
    zh = "登录状态已失效，请重新登录"
