"""Objection tickets: what a citizen says is wrong or missing, and what its source answers."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.kit.db.migration import sql_migration

ID = "0015"
DESCRIPTION = "repair: objection tickets"

# A ticket refers to a record without a foreign key: records are deleted only when their citizen leaves, and the
# tickets before them. What its citizen wrote is encrypted like a name: people put anything into a complaint.

SQL = """
CREATE TABLE objection (
    id uuid PRIMARY KEY,
    number text NOT NULL UNIQUE CHECK (number ~ '^[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}$'),
    citizen_id uuid NOT NULL REFERENCES citizen,
    idempotency_key text NOT NULL,
    request_digest bytea NOT NULL,
    kind text NOT NULL CHECK (kind IN ('wrong', 'missing')),
    record_id uuid,
    indicator text REFERENCES indicator,
    honour text REFERENCES honour,
    source text,
    text_cipher bytea NOT NULL,
    is_contact_ok boolean NOT NULL,
    state text NOT NULL CHECK (state IN ('received', 'asked', 'answered', 'withdrawn')),
    received_at timestamptz NOT NULL,
    answer_due_on date NOT NULL,
    asked_at timestamptz,
    finding text CHECK (finding IN ('confirmed', 'wrong', 'missing_found', 'unknown')),
    answer_cipher bytea,
    answered_at timestamptz,
    answered_by uuid,
    withdrawn_at timestamptz,
    UNIQUE (idempotency_key, citizen_id),
    CONSTRAINT objection_wrong_has_record CHECK ((kind = 'wrong') = (record_id IS NOT NULL)),
    CONSTRAINT objection_of_one_kind CHECK (indicator IS NULL OR honour IS NULL),
    CONSTRAINT objection_finding_fits CHECK (finding IS DISTINCT FROM 'wrong' OR kind = 'wrong'),
    CONSTRAINT objection_found_fits CHECK (finding IS DISTINCT FROM 'missing_found' OR kind = 'missing'),
    CONSTRAINT objection_answer_is_whole CHECK (num_nulls(finding, answer_cipher, answered_at, answered_by) IN (0, 4)),
    CONSTRAINT objection_answered CHECK (state <> 'answered' OR answered_at IS NOT NULL),
    CONSTRAINT objection_asked CHECK ((state <> 'asked' AND answered_at IS NULL) OR asked_at IS NOT NULL),
    CONSTRAINT objection_withdrawn CHECK ((state = 'withdrawn') = (withdrawn_at IS NOT NULL))
);
CREATE UNIQUE INDEX objection_open_record ON objection (record_id) WHERE state IN ('received', 'asked', 'answered');
CREATE INDEX objection_citizen ON objection (citizen_id, id);
CREATE INDEX objection_state ON objection (state, id);
"""


async def forwards() -> MigrationManager:
    return sql_migration(ID, DESCRIPTION, SQL)
