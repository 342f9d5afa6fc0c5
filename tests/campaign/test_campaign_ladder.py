"""How many different thresholds an institution may use, and which campaigns count."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
import pytest

from app.campaign.rules import CampaignDocument
from app.campaign.rules_ladder import (
    INSTITUTION_THRESHOLDS_MAX,
    compute_institution_thresholds,
    compute_thresholds,
    judge_institution_thresholds,
)
from tests.support.switching import LEDGER_LEVELS, LEVELS


def document(*eligibilities: dict[str, Any]) -> CampaignDocument:
    benefits = [
        {"code": f"B{n}", "title": "x", "kind": "priority", "scenario": "shop", "eligibility": eligibility,
         "grant": {"type": "service", "text": "x"}}
        for n, eligibility in enumerate(eligibilities)
    ]  # fmt: skip
    text = {"title": "x", "summary": "x", "startsAt": "2026-01-01T00:00:00Z", "endsAt": "2027-01-01T00:00:00Z"}
    return msgspec.convert({**text, "benefits": benefits}, CampaignDocument)


def score(value: int) -> dict[str, Any]:
    return {"type": "scoreAtLeast", "value": value}


def test_a_level_counts_as_its_edge_and_zero_not_at_all() -> None:
    tree = {"type": "any", "of": [{"type": "levelAtLeast", "level": "L4"}, score(650), score(0), score(700)]}
    documents = [document(tree, {"type": "everyone"}), document(score(700), score(20))]
    assert compute_thresholds(documents, LEVELS) == [20, 650, 700]


def test_a_level_counts_as_its_edge_in_the_rules_in_force() -> None:
    documents = [document(*({"type": "levelAtLeast", "level": level} for level in ("L4", "C", "AAA")))]
    assert compute_thresholds(documents, LEVELS) == [650]
    assert compute_thresholds(documents, LEDGER_LEVELS) == [600, 1050]


@pytest.mark.parametrize("extra", [0, 1])
def test_twelve_different_thresholds_over_all_campaigns(extra: int) -> None:
    values = [500 + 20 * n for n in range(INSTITUTION_THRESHOLDS_MAX + extra)]
    documents = [document(*map(score, values[:7])), document(*map(score, values[5:]), score(0))]
    found = judge_institution_thresholds(documents, LEVELS)
    assert [fault.code for fault in found] == ["too_many_thresholds"] * extra
    if extra:
        assert ", ".join(map(str, values)) in found[0].en


def test_the_list_a_reviewer_sees() -> None:
    one, other = UUID(int=1), UUID(int=2)
    stored = [(one, document(score(600))), (other, document(score(650))), (one, document(score(520)))]
    texts = [(institution_id, msgspec.json.encode(each).decode()) for institution_id, each in stored]
    assert compute_institution_thresholds(texts, LEVELS) == {one: [520, 600], other: [650]}
