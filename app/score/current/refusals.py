"""What the current score refuses."""

from __future__ import annotations

from typing import ClassVar

from app.kit.errors import Refusal


class NoScore(Refusal):
    """There is no score: the citizen has not opted in."""

    code: ClassVar[str] = "no_score"
    status_code: ClassVar[int] = 404
    zh: ClassVar[str] = "尚未开通信用分"
