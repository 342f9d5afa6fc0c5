"""What joining, moving and taking data along may refuse."""

from __future__ import annotations

from app.citizen.paper import CITIZEN_MOVES
from app.kit.errors import MoveNotAllowed, Refusal


class IdNumberInvalid(Refusal):
    """This is not a valid 18-character resident ID number."""

    code = "id_number_invalid"
    status_code = 422
    zh = "居民身份证号码不正确"


class NameInvalid(Refusal):
    """This cannot be the name on an ID card."""

    code = "name_invalid"
    status_code = 422
    zh = "姓名格式不正确"


class UnderAge(Refusal):
    """Only adults of 18 years or more can have a score."""

    code = "under_age"
    status_code = 422
    zh = "年满十八周岁方可开通信用分"


class PhoneCodeInvalid(Refusal):
    """The phone code is not valid any more, or its number is not a mainland China one; ask WeChat for a new code."""

    code = "phone_code_invalid"
    status_code = 422
    zh = "手机号授权凭证已失效，或不是中国内地手机号，请重新授权"


class IdentityMismatch(Refusal):
    """Name, ID number and phone do not belong to one person."""

    code = "identity_mismatch"
    status_code = 422
    zh = "姓名、身份证号码与手机号不一致"


class IdentityTaken(Refusal):
    """This person has joined already with another WeChat account; move the membership here instead."""

    code = "identity_taken"
    status_code = 409
    zh = "该身份已在另一微信账号开通，可申请换绑到本账号"


class IdentityUnknown(Refusal):
    """Nobody has joined with this identity yet; join instead."""

    code = "identity_unknown"
    status_code = 409
    zh = "该身份尚未开通，请直接开通"


class AlreadyJoined(MoveNotAllowed):
    """This account has joined already."""

    code = "already_joined"
    status_code = 409
    zh = "您已开通，无需重复办理"
    moves = CITIZEN_MOVES

    def __init__(self) -> None:
        super().__init__("active")


class ExportUnavailable(Refusal):
    """This city has no key to sign exports with yet; its operators make one with huixin keys rotate."""

    code = "export_unavailable"
    status_code = 503
    zh = "本市尚未配置导出签名密钥，请稍后再试"
    wait_seconds = 3600
