"""The notice a citizen gets when the source has answered. Pure."""

from __future__ import annotations

from app.repair.objection import FINDINGS_EN, FINDINGS_ZH, Finding

ANSWERED_KIND = "objection_answered"
ANSWERED_TITLE_ZH, ANSWERED_TITLE_EN = "您的异议已有答复", "Your objection has an answer"


def compute_answered_body(number: str, finding: Finding) -> tuple[str, str]:
    """Return the sentence in Chinese and in English; what the source wrote is read in the ticket."""
    zh = f"异议 {number}：{FINDINGS_ZH[finding]}。详情请查看该异议。"
    return zh, f"Objection {number}: {FINDINGS_EN[finding]}. Read the ticket for what was written."
