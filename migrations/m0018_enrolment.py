"""Officials enrol themselves and a second administrator confirms; who suspended what; sign-ins slow down, never lock."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.kit.db.migration import sql_migration

ID = "0018"
DESCRIPTION = "enrolment of officials, suspensions of the centre"

# Accounts there are stay as they are. What a process of the old version does to a pending account the constraints
# refuse. It reads institutions, stores and terminals by `SELECT *`: what is new about them lies in a table of its own.
# failed_tries and locked_until of official are for the old version only and go when no process of it is left.
SQL = """
CREATE TABLE standing (
    subject_id uuid PRIMARY KEY,
    revision integer NOT NULL CHECK (revision > 0),
    suspended_by_centre boolean NOT NULL
);

ALTER TABLE official
    DROP CONSTRAINT official_state_check,
    ALTER COLUMN password_hash DROP NOT NULL,
    ALTER COLUMN totp_cipher DROP NOT NULL,
    ADD COLUMN revision integer NOT NULL DEFAULT 1,
    ADD COLUMN suspended_by_centre boolean NOT NULL DEFAULT false,
    ADD COLUMN enrolment_hash bytea UNIQUE,
    ADD COLUMN enrolment_expires_at timestamptz,
    ADD COLUMN needs_second boolean NOT NULL DEFAULT false,
    ADD COLUMN asked_by uuid REFERENCES official,
    ADD COLUMN enrolled_at timestamptz,
    ADD COLUMN confirmed_by uuid REFERENCES official,
    ADD COLUMN code_tries integer NOT NULL DEFAULT 0,
    ADD COLUMN code_tries_since timestamptz,
    ADD CONSTRAINT official_state_check CHECK (state IN ('invited', 'enrolled', 'active', 'suspended')),
    ADD CONSTRAINT official_has_secrets CHECK (
        state = 'invited' OR (password_hash IS NOT NULL AND totp_cipher IS NOT NULL)),
    ADD CONSTRAINT official_code_expires CHECK ((enrolment_hash IS NULL) = (enrolment_expires_at IS NULL)),
    ADD CONSTRAINT official_confirmed_by_another CHECK (
        confirmed_by IS NULL OR (confirmed_by <> id AND confirmed_by IS DISTINCT FROM asked_by)),
    ADD CONSTRAINT official_four_eyes CHECK (
        state IN ('invited', 'enrolled') OR NOT needs_second OR confirmed_by IS NOT NULL);

CREATE TABLE official_address (
    official_id uuid NOT NULL REFERENCES official,
    address_hash bytea NOT NULL,
    seen_at timestamptz NOT NULL,
    code_tries integer NOT NULL DEFAULT 0,
    code_tries_since timestamptz,
    PRIMARY KEY (official_id, address_hash)
);

WITH last AS (
    SELECT DISTINCT ON (subject) subject, actor_id FROM audit_entry
     WHERE action IN ('store.suspend', 'terminal.suspend', 'key.suspend', 'institution.suspend', 'official.suspend')
     ORDER BY subject, number DESC),
by_centre AS (
    SELECT split_part(last.subject, ':', 2)::uuid AS id
      FROM last JOIN official o ON o.id = last.actor_id AND o.institution_id IS NULL),
suspended AS (
    SELECT id FROM institution WHERE state = 'suspended' UNION ALL SELECT id FROM store WHERE state = 'suspended'
    UNION ALL SELECT id FROM terminal WHERE state = 'suspended'
    UNION ALL SELECT id FROM api_key WHERE state = 'suspended'),
things AS (
    INSERT INTO standing (subject_id, revision, suspended_by_centre)
    SELECT id, 1, true FROM suspended JOIN by_centre USING (id))
UPDATE official SET suspended_by_centre = true
  FROM by_centre WHERE official.id = by_centre.id AND official.state = 'suspended';
"""


async def forwards() -> MigrationManager:
    return sql_migration(ID, DESCRIPTION, SQL)
