"""What editors and reviewers read of a campaign before it comes into force."""

from __future__ import annotations

from datetime import date

from app.campaign.publishing.schemas.campaigns import CampaignView
from app.campaign.review.schemas import FlagView
from app.campaign.terms.observer import INSTITUTION_HONOURS_MAX, INSTITUTION_THRESHOLDS_MAX, KINDS_OF_PEOPLE_MAX
from app.kit.web.http import Wire


class ThresholdInUse(Wire, kw_only=True):
    """A score that benefits ask for, and the last day on which they do."""

    value: int
    last_on: date


class AgeInUse(Wire, kw_only=True):
    """An age from which on benefits answer otherwise, and the last day on which they do."""

    value: int
    last_on: date


class HonourInUse(Wire, kw_only=True):
    """An honour that benefits ask for, with the lowest grade that counts, and the last day on which they do."""

    honour: str
    grade_at_least: str | None
    last_on: date


class ReviewView(Wire, kw_only=True):
    """What the institution can tell people apart by with this version: its own, and all in force within a year.

    `kindsOfPeople`: at most so many groups. `flags` are words of the deny-list in what people read.
    """

    thresholds: list[ThresholdInUse]
    thresholds_max: int = INSTITUTION_THRESHOLDS_MAX
    ages: list[AgeInUse]
    honours: list[HonourInUse]
    honours_max: int = INSTITUTION_HONOURS_MAX
    kinds_of_people: int
    kinds_of_people_max: int = KINDS_OF_PEOPLE_MAX
    flags: list[FlagView]


class FaultView(Wire, kw_only=True):
    """What is wrong at one place."""

    pointer: str
    code: str
    zh: str
    en: str


class CheckView(Wire, kw_only=True):
    """What drafting or submitting would be refused for, and what a reviewer would read."""

    faults: list[FaultView]
    review: ReviewView


class InboxItem(Wire, kw_only=True):
    """A version that waits for a reviewer.

    `institutionThresholds`: every different score the institution's campaigns ask for, within a year and with this one.
    """

    campaign: CampaignView
    institution_thresholds: list[int]
    institution_thresholds_max: int = INSTITUTION_THRESHOLDS_MAX
    review: ReviewView
