"""Which changes of a campaign are changes of its limits."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from app.campaign.terms.document import CampaignDocument, find_changed_limits
from tests.support.campaigns import benefit_body, campaign_body

LIMITS = {"perCitizen": None, "eligibility": {"type": "scoreAtLeast", "value": 600}}
STEP = {"atLeast": 600, "grant": {"type": "percentOff", "percent": 5, "maxFen": 10000}}
CAP = {"count": 2, "period": "month"}
STEPS = {"type": "steps", "by": "score", "steps": [STEP]}
STEPS_CAPPED = {"type": "steps", "by": "score", "steps": [STEP | {"perCitizen": CAP}]}


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ({}, {}, None),
        ({"stock": 2, "perCitizen": CAP}, {"stock": 2, "perCitizen": CAP, "title": "新名称"}, None),
        ({"stock": 2}, {"stock": 3}, False),
        ({}, {"stock": 3}, True),
        ({"stock": 3}, {}, True),
        ({}, {"perCitizen": CAP}, False),
        ({"perCitizen": CAP}, {"perCitizen": CAP | {"count": 3}}, False),
        ({"perCitizen": CAP}, {"perCitizen": CAP | {"period": "day"}}, False),
        ({"grant": STEPS}, {"grant": STEPS_CAPPED}, False),
        ({"code": "OTHER_CODE"}, {}, True),
    ],
)
def test_a_change_of_limits_is_found(before: dict[str, Any], after: dict[str, Any], changed: bool | None) -> None:
    documents = [
        msgspec.convert(campaign_body(benefit_body(**LIMITS | fields)), CampaignDocument, strict=False)
        for fields in (before, after)
    ]
    expected = {} if changed is None else {documents[1].benefits[0].code: changed}
    assert find_changed_limits(*documents) == expected
