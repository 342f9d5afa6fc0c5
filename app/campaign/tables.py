"""Scenarios, campaigns with their versions, and the stable ids of benefits."""

from __future__ import annotations

from piccolo.columns import JSONB, UUID, Boolean, ForeignKey, Integer, OnDelete, Text, Timestamptz
from piccolo.table import Table

from app.official.tables import Official
from app.partner.tables import Institution


class ScenarioUse(Table, tablename="scenario_use"):
    """To what use a scenario may be: a closed list, with the denied ones in it so that they are refused by name."""

    code = Text(primary_key=True, default=None)
    is_denied = Boolean(default=None)
    title_zh = Text(default=None)
    title_en = Text(default=None)


class Scenario(Table, tablename="scenario"):
    """Where benefits are used; (use, use_is_denied) refers to a use that is not denied."""

    code = Text(primary_key=True, default=None)
    title_zh = Text(default=None)
    title_en = Text(default=None)
    use = Text(default=None)
    use_is_denied = Boolean(default=False)
    needs_name = Boolean(default=None)
    needs_without_score = Boolean(default=None)
    revision = Integer(default=1)


class ScenarioProposal(Table, tablename="scenario_proposal"):
    """A scenario as one official of the centre would have it, until another one confirms it."""

    id = UUID(primary_key=True, default=None)
    code = Text(default=None)
    title_zh = Text(default=None)
    title_en = Text(default=None)
    use = Text(default=None)
    use_is_denied = Boolean(default=False)
    needs_name = Boolean(default=None)
    needs_without_score = Boolean(default=None)
    state = Text(default=None)
    proposed_by = ForeignKey(Official, null=False, on_delete=OnDelete.restrict, default=None)
    proposed_at = Timestamptz(default=None)
    decided_by = ForeignKey(Official, on_delete=OnDelete.restrict, default=None)
    decided_at = Timestamptz(default=None, null=True)
    note = Text(default=None, null=True)


class Campaign(Table, tablename="campaign"):
    """A campaign of an institution; ``live_version`` is in force, ``head_version`` is the newest.

    What is ``paused_by_centre`` only the centre may resume; ``stopped_at`` says since when it is paused or ended.
    """

    id = UUID(primary_key=True, default=None)
    institution_id = ForeignKey(Institution, null=False, on_delete=OnDelete.restrict, default=None)
    state = Text(default=None)
    live_version = Integer(default=None, null=True)
    head_version = Integer(default=None)
    revision = Integer(default=1)
    paused_by_centre = Boolean(default=False)
    stopped_at = Timestamptz(default=None, null=True)
    created_at = Timestamptz(default=None)


class CampaignVersion(Table, tablename="campaign_version"):
    """What a campaign says, who drafted and submitted it, and who decided."""

    campaign_id = ForeignKey(Campaign, primary_key=True, null=False, on_delete=OnDelete.restrict, default=None)
    version = Integer(primary_key=True, default=None)
    state = Text(default=None)
    document = JSONB(default=None)
    drafted_by = ForeignKey(Official, null=False, on_delete=OnDelete.restrict, default=None)
    drafted_at = Timestamptz(default=None)
    submitted_by = ForeignKey(Official, on_delete=OnDelete.restrict, default=None)
    submitted_at = Timestamptz(default=None, null=True)
    decided_by = ForeignKey(Official, on_delete=OnDelete.restrict, default=None)
    decided_at = Timestamptz(default=None, null=True)
    decision_note = Text(default=None, null=True)


class Benefit(Table, tablename="benefit"):
    """The id of a benefit, for ever the same for (institution, code); a code belongs to one campaign.

    ``limits_version`` is the version since which stock and caps are as they are, 0 since the first approved.
    """

    id = UUID(primary_key=True, default=None)
    institution_id = ForeignKey(Institution, null=False, on_delete=OnDelete.restrict, default=None)
    campaign_id = ForeignKey(Campaign, null=False, on_delete=OnDelete.restrict, default=None)
    code = Text(default=None)
    limits_version = Integer(default=0)
    limited_at = Timestamptz(default=None, null=True)
