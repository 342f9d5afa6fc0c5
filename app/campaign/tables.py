"""Scenarios, their uses and proposals, and the versions of campaigns."""

from __future__ import annotations

from piccolo.columns import JSONB, UUID, Boolean, Integer, Text, Timestamptz
from piccolo.table import Table


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
    proposed_by = UUID(default=None)
    proposed_at = Timestamptz(default=None)
    decided_by = UUID(default=None, null=True)
    decided_at = Timestamptz(default=None, null=True)
    note = Text(default=None, null=True)


class CampaignVersion(Table, tablename="campaign_version"):
    """What a campaign says, who drafted and submitted it, and who decided."""

    campaign_id = UUID(primary_key=True, default=None)
    version = Integer(primary_key=True, default=None)
    state = Text(default=None)
    document = JSONB(default=None)
    drafted_by = UUID(default=None)
    drafted_at = Timestamptz(default=None)
    submitted_by = UUID(default=None, null=True)
    submitted_at = Timestamptz(default=None, null=True)
    decided_by = UUID(default=None, null=True)
    decided_at = Timestamptz(default=None, null=True)
    decision_note = Text(default=None, null=True)


OTHER_TABLES = ("benefit", "campaign")
