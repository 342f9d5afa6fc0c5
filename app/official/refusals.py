"""Why an account, an enrolment or a sign-in is refused."""

from __future__ import annotations

from app.kit.errors import Forbidden, MoveNotAllowed, Refusal
from app.official.moves import OFFICIAL_MOVES


class LoginFailed(Refusal):
    """Username, password or code is wrong, the code was used before, or the account is not active."""

    code = "login_failed"
    status_code = 401
    zh = "用户名、密码或动态码不正确，动态码已被使用，或账号未启用"


class EnrolmentCodeInvalid(Refusal):
    """This enrolment code is unknown, used, replaced or expired; ask an administrator for a new one."""

    code = "enrolment_code_invalid"
    status_code = 410
    zh = "登记码不存在、已使用、已被替换或已过期，请向管理员索取新的登记码"


class EnrolmentProofWrong(Refusal):
    """This is no current code of the TOTP secret you were given last."""

    code = "enrolment_proof_wrong"
    status_code = 422
    zh = "动态码与最近一次发给您的动态口令密钥不符"


class UsernameTaken(Refusal):
    """This username is taken."""

    code = "username_taken"
    zh = "用户名已被占用"


class RoleOfCentre(Refusal):
    """Reviewers, caseworkers, importers and auditors belong to the credit centre, not to an institution."""

    code = "role_of_centre"
    status_code = 422
    zh = "审核、办理、导入、审计角色仅限信用中心"


class OwnAccount(Refusal):
    """This takes another administrator: nobody confirms, suspends, resumes or resets their own account."""

    code = "own_account"
    status_code = 403
    zh = "须由另一名管理员操作，不能对自己的账号执行"


class SecondAdministratorNeeded(Refusal):
    """Whoever asked for the enrolment cannot confirm it; a second administrator does, having checked the person."""

    code = "second_administrator_needed"
    status_code = 403
    zh = "发起登记的管理员不能确认，须由另一名管理员核实本人后确认"


class OfficialSuspendedByCentre(Forbidden):
    """The credit centre suspended this account; only the centre resumes it."""

    code = "official_suspended_by_centre"
    zh = "账号由信用中心停用，只能由信用中心恢复"


class OfficialStateUnsuitable(MoveNotAllowed):
    """The account is in another state than this needs."""

    code = "official_state_unsuitable"
    zh = "账号当前状态不允许此操作"

    moves = OFFICIAL_MOVES
