"""The register of sources, files of records on their way in, their quarantine, and each source's days."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.kit.db.migration import sql_migration

ID = "0012"
DESCRIPTION = "sources, imports, quarantine"

SQL = """
CREATE TABLE source (
    code text PRIMARY KEY CHECK (code ~ '^[a-z0-9_.-]{2,40}$'),
    title_zh text NOT NULL,
    title_en text NOT NULL,
    institution_id uuid REFERENCES institution,
    mapping jsonb NOT NULL,
    indicators text[],
    honours text[],
    revision integer NOT NULL DEFAULT 1 CHECK (revision > 0),
    created_at timestamptz NOT NULL
);

CREATE TABLE record_import (
    id uuid PRIMARY KEY,
    source text NOT NULL REFERENCES source,
    parent_id uuid REFERENCES record_import,
    state text NOT NULL CHECK (state IN ('uploading', 'waiting', 'running', 'finished', 'refused', 'cancelled')),
    is_spooled boolean NOT NULL,
    file_digest bytea,
    file_bytes bigint CHECK (file_bytes >= 0),
    started_by uuid REFERENCES official,
    idempotency_key text,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    file_format jsonb,
    seen_bytes bigint NOT NULL DEFAULT 0 CHECK (seen_bytes >= 0),
    next_row bigint NOT NULL DEFAULT 1 CHECK (next_row > 0),
    counts jsonb NOT NULL,
    corrected bigint NOT NULL DEFAULT 0 CHECK (corrected >= 0),
    refusal jsonb CHECK ((refusal IS NOT NULL) = (state = 'refused')),
    CHECK (state = 'uploading' OR (file_digest IS NOT NULL AND file_bytes IS NOT NULL)),
    CHECK ((finished_at IS NOT NULL) = (state IN ('finished', 'refused', 'cancelled')))
);
-- One file of one source is imported once, however often and by whomever it is sent.
CREATE UNIQUE INDEX record_import_once ON record_import (file_digest, source, parent_id) NULLS NOT DISTINCT
    WHERE state IN ('waiting', 'running', 'finished');
CREATE UNIQUE INDEX record_import_key ON record_import (idempotency_key, started_by)
    WHERE idempotency_key IS NOT NULL AND state <> 'uploading';
CREATE INDEX record_import_source ON record_import (source, id DESC);
CREATE INDEX record_import_open ON record_import (id) WHERE state IN ('uploading', 'waiting', 'running');

CREATE TABLE import_part (
    import_id uuid NOT NULL REFERENCES record_import,
    number integer NOT NULL CHECK (number >= 0),
    cipher bytea NOT NULL,
    PRIMARY KEY (import_id, number)
);
ALTER TABLE import_part ALTER COLUMN cipher SET STORAGE EXTERNAL;

CREATE TABLE quarantine (
    import_id uuid NOT NULL REFERENCES record_import,
    row_number bigint NOT NULL CHECK (row_number > 0),
    reason text NOT NULL,
    note_zh text NOT NULL,
    note_en text NOT NULL,
    place text NOT NULL,
    row_cipher bytea,
    entered_at timestamptz NOT NULL,
    corrected_by uuid REFERENCES record_import,
    PRIMARY KEY (import_id, row_number)
);
CREATE INDEX quarantine_age ON quarantine (entered_at);

-- Whoever leaves is found by the records: an index on citizens would cost every row of an import a sixth.
DROP INDEX record_source_event_citizen;

CREATE TABLE source_day (
    source text NOT NULL,
    day date NOT NULL,
    outcome text NOT NULL,
    rows bigint NOT NULL CHECK (rows > 0),
    PRIMARY KEY (source, day, outcome)
);
"""


async def forwards() -> MigrationManager:
    return sql_migration(ID, DESCRIPTION, SQL)
