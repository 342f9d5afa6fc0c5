"""What scanning and redeeming may refuse. Texts for partners are neutral: never why a person is not eligible."""

from __future__ import annotations

from app.kit.errors import NotFound, Refusal


class CreditCodeUsed(Refusal):
    """This code was already scanned elsewhere; ask for the next one."""

    code = "credit_code_used"
    zh = "该信用码已在别处使用，请出示新的信用码"


class ScanExpired(Refusal):
    """This scan is over; scan the code again."""

    code = "scan_expired"
    status_code = 410
    zh = "本次扫码已失效，请重新扫码"


class BenefitNotFound(NotFound):
    """There is no such benefit at this store."""

    code = "benefit_not_found"
    zh = "本网点没有该激励措施"


class BenefitNotActive(Refusal):
    """The campaign of this benefit is not running now."""

    code = "benefit_not_active"
    zh = "该激励活动当前未开放"


class NotEligible(Refusal):
    """No benefit available."""

    code = "not_eligible"
    status_code = 422
    zh = "无可用优惠"


class AlreadyRedeemed(Refusal):
    """This scan has redeemed this benefit already."""

    code = "already_redeemed"
    zh = "本次扫码已核销过该激励措施"


class ReferenceTaken(Refusal):
    """This reference already belongs to another redemption of yours, or did with another scan or benefit."""

    code = "reference_taken"
    zh = "该业务单号已被使用"


class StockGone(Refusal):
    """Every place of this benefit is taken."""

    code = "stock_gone"
    zh = "该激励措施已领完"


class CapReached(Refusal):
    """No more uses of this benefit are left in this period."""

    code = "cap_reached"
    zh = "本期使用次数已达上限"


class AlreadyReversed(Refusal):
    """This redemption was reversed before."""

    code = "already_reversed"
    zh = "该核销已冲正"


class ReversalWindowOver(Refusal):
    """The time in which this redemption could be reversed is over."""

    code = "reversal_window_over"
    zh = "已超过可冲正时限"
