"""Since when a campaign is out of force; scenarios that two officials make, denied uses; what previews have told."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.kit.db.migration import sql_migration

ID = "0022"
DESCRIPTION = "what an observer has seen, scenarios by two officials"

# Previews are counted anew: what they say is now rounded by who is counted, which the old counts do not know. Those of
# books that are past it cannot be: nothing may be told of their counts any more, so they go. What a process of the old
# version counts meanwhile the new one knows by the missing number of people, and counts again.
# A campaign that was paused or ended before this counts as in force until today: when it was is not known.
# Processes of the old version leave stopped_at empty, which reads the same way.
SQL = """
ALTER TABLE campaign ADD COLUMN stopped_at timestamptz;
UPDATE campaign SET stopped_at = now() WHERE state IN ('paused', 'ended');

INSERT INTO scenario_use (code, is_denied, title_zh, title_en) VALUES
    ('tenancy', true, '房屋租住', 'tenancy'),
    ('insurance', true, '商业保险承保与理赔', 'commercial insurance'),
    ('policing', true, '治安管理与盘查', 'policing');

ALTER TABLE scenario ADD COLUMN revision integer NOT NULL DEFAULT 1 CHECK (revision > 0);

CREATE TABLE scenario_proposal (
    id uuid PRIMARY KEY,
    code text NOT NULL CHECK (code ~ '^[a-z][a-z0-9_]{1,39}$'),
    title_zh text NOT NULL,
    title_en text NOT NULL,
    use text NOT NULL,
    use_is_denied boolean NOT NULL DEFAULT false CHECK (NOT use_is_denied),
    needs_name boolean NOT NULL,
    needs_without_score boolean NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'confirmed', 'rejected')),
    proposed_by uuid NOT NULL REFERENCES official,
    proposed_at timestamptz NOT NULL,
    decided_by uuid REFERENCES official,
    decided_at timestamptz,
    note text,
    FOREIGN KEY (use, use_is_denied) REFERENCES scenario_use (code, is_denied),
    CHECK ((state = 'waiting') = (decided_by IS NULL) AND (decided_by IS NULL) = (decided_at IS NULL)),
    CONSTRAINT scenario_proposer_is_not_confirmer CHECK (state <> 'confirmed' OR decided_by <> proposed_by)
);
CREATE UNIQUE INDEX scenario_proposal_waiting ON scenario_proposal (code) WHERE state = 'waiting';

ALTER TABLE rule_book_preview ADD COLUMN report jsonb;
DELETE FROM rule_book_preview USING rule_book b
 WHERE b.id = rule_book_id AND b.state NOT IN ('draft', 'submitted', 'scheduled');
UPDATE rule_book_preview
   SET state = 'waiting', after_id = '00000000-0000-0000-0000-000000000000', citizens_done = 0, citizens_total = NULL,
       counts = '{}', finished_at = NULL;

CREATE TABLE rule_book_preview_told (
    id uuid PRIMARY KEY,
    sample text NOT NULL CHECK (sample IN ('hundredth', 'tenth', 'all')),
    told_at timestamptz NOT NULL,
    buckets bytea NOT NULL,
    report jsonb NOT NULL
);
CREATE INDEX rule_book_preview_told_sample ON rule_book_preview_told (sample, told_at);

CREATE TABLE rule_book_preview_request (
    id uuid PRIMARY KEY,
    public_id uuid NOT NULL,
    requested_by uuid NOT NULL REFERENCES official,
    requested_at timestamptz NOT NULL,
    day date NOT NULL
);
CREATE INDEX rule_book_preview_request_day ON rule_book_preview_request (day);
"""


async def forwards() -> MigrationManager:
    return sql_migration(ID, DESCRIPTION, SQL)
