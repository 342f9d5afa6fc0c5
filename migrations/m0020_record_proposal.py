"""Negative records typed in by an official wait for a second one."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.kit.db.migration import sql_migration

ID = "0020"
DESCRIPTION = "record proposals"

# What is proposed about somebody is known only while it waits: a decision, or its end, forgets it. Who proposed and who
# decided are two persons, whatever the code does.

SQL = """
CREATE TABLE record_proposal (
    id uuid PRIMARY KEY,
    state text NOT NULL CHECK (state IN ('pending', 'approved', 'rejected', 'expired')),
    revision integer NOT NULL DEFAULT 1,
    source text NOT NULL REFERENCES source,
    citizen_id uuid REFERENCES citizen,
    event_id text,
    indicator text REFERENCES indicator,
    honour text REFERENCES honour,
    event_on date,
    ends_on date,
    grade text,
    quantity bigint,
    document text,
    act_id text,
    facts_digest bytea,
    proposed_by uuid NOT NULL REFERENCES official,
    proposed_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > proposed_at),
    decided_by uuid REFERENCES official,
    decided_at timestamptz,
    reason text CHECK (reason IN ('person_wrong', 'facts_wrong', 'document_missing', 'not_proven')),
    CONSTRAINT record_proposal_two_persons CHECK (decided_by <> proposed_by),
    CONSTRAINT record_proposal_decided CHECK (
        (state = 'pending') = (decided_at IS NULL)
        AND (state IN ('approved', 'rejected')) = (decided_by IS NOT NULL)
        AND (state = 'rejected') = (reason IS NOT NULL)),
    CONSTRAINT record_proposal_forgotten CHECK (CASE WHEN state = 'pending'
        THEN num_nulls(citizen_id, event_id, event_on, facts_digest) = 0 AND num_nonnulls(indicator, honour) = 1
        ELSE num_nonnulls(citizen_id, event_id, indicator, honour, event_on, ends_on, grade, quantity, document,
                          act_id, facts_digest) = 0 END)
);
CREATE UNIQUE INDEX record_proposal_event ON record_proposal (source, event_id) WHERE state = 'pending';
CREATE INDEX record_proposal_citizen ON record_proposal (citizen_id) WHERE citizen_id IS NOT NULL;
CREATE INDEX record_proposal_due ON record_proposal (expires_at) WHERE state = 'pending';
CREATE INDEX record_proposal_old ON record_proposal (decided_at) WHERE state <> 'pending';
"""


async def forwards() -> MigrationManager:
    return sql_migration(ID, DESCRIPTION, SQL)
