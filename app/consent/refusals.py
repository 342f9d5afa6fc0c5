"""Why a consent is not taken, or not given back."""

from __future__ import annotations

from app.kit.errors import Refusal


class ConsentUnknown(Refusal):
    """A consent named here is not in force in this version; read the current texts again."""

    code = "consent_unknown"
    status_code = 422
    zh = "所列同意事项或其版本当前无效，请重新阅读最新文本"


class ConsentMissing(Refusal):
    """A consent that joining needs is missing."""

    code = "consent_missing"
    status_code = 422
    zh = "缺少开通所必需的同意"


class ConsentRequired(Refusal):
    """Membership needs this consent; to withdraw it, leave with DELETE /v1/me."""

    code = "consent_required"
    status_code = 409
    zh = "该同意为开通所必需；如需撤回，请通过 DELETE /v1/me 注销"
