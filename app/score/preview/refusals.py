"""What previews refuse."""

from __future__ import annotations

from app.kit.errors import Refusal


class PreviewBudgetSpent(Refusal):
    """This rule book, or this official, has had the previews of the day: each one tells a little about people."""

    code = "preview_budget_spent"
    status_code = 429
    zh = "该计分规则或您本人今日的预览次数已用完"
