"""Scenarios, campaigns under review, and the stable ids of their benefits."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.kit.db.migration import sql_migration

ID = "0005"
DESCRIPTION = "campaign"

SQL = """
CREATE TABLE scenario_use (
    code text PRIMARY KEY,
    is_denied boolean NOT NULL,
    title_zh text NOT NULL,
    title_en text NOT NULL,
    UNIQUE (code, is_denied)
);

CREATE TABLE scenario (
    code text PRIMARY KEY CHECK (code ~ '^[a-z][a-z0-9_]{1,39}$'),
    title_zh text NOT NULL,
    title_en text NOT NULL,
    use text NOT NULL,
    use_is_denied boolean NOT NULL DEFAULT false CHECK (NOT use_is_denied),
    needs_name boolean NOT NULL,
    needs_without_score boolean NOT NULL,
    FOREIGN KEY (use, use_is_denied) REFERENCES scenario_use (code, is_denied)
);

CREATE TABLE campaign (
    id uuid PRIMARY KEY,
    institution_id uuid NOT NULL REFERENCES institution,
    state text NOT NULL CHECK (state IN ('draft', 'submitted', 'rejected', 'live', 'paused', 'ended')),
    live_version integer,
    head_version integer NOT NULL CHECK (head_version > 0),
    revision integer NOT NULL DEFAULT 1 CHECK (revision > 0),
    paused_by_centre boolean NOT NULL DEFAULT false CHECK (NOT paused_by_centre OR state = 'paused'),
    created_at timestamptz NOT NULL,
    CHECK (state NOT IN ('live', 'paused') OR live_version IS NOT NULL)
);
CREATE INDEX campaign_institution ON campaign (institution_id, id DESC);

CREATE TABLE campaign_version (
    campaign_id uuid NOT NULL REFERENCES campaign,
    version integer NOT NULL CHECK (version > 0),
    state text NOT NULL CHECK (state IN ('draft', 'submitted', 'approved', 'rejected')),
    document jsonb NOT NULL,
    drafted_by uuid NOT NULL REFERENCES official,
    drafted_at timestamptz NOT NULL,
    submitted_by uuid REFERENCES official,
    submitted_at timestamptz,
    decided_by uuid REFERENCES official,
    decided_at timestamptz,
    decision_note text,
    PRIMARY KEY (campaign_id, version),
    CONSTRAINT campaign_maker_is_not_checker CHECK (decided_by <> drafted_by AND decided_by <> submitted_by)
);
CREATE INDEX campaign_version_inbox ON campaign_version (submitted_at) WHERE state = 'submitted';

CREATE TABLE benefit (
    id uuid PRIMARY KEY,
    institution_id uuid NOT NULL REFERENCES institution,
    campaign_id uuid NOT NULL REFERENCES campaign,
    code text NOT NULL,
    UNIQUE (institution_id, code)
);
CREATE INDEX benefit_campaign ON benefit (campaign_id);
"""


async def forwards() -> MigrationManager:
    return sql_migration(ID, DESCRIPTION, SQL)
