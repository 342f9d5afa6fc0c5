"""City-app points: signed single events of a source, what they are worth, and each person's running total of a year."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.kit.db.migration import sql_migration

ID = "0016"
DESCRIPTION = "city-app points"

# An event and a total belong to a member and go with them; of anybody else there is no row at all.

SQL = """
ALTER TABLE api_key DROP CONSTRAINT api_key_scopes_check;
ALTER TABLE api_key ADD CONSTRAINT api_key_scopes_check
    CHECK (scopes <@ ARRAY['scan', 'redeem', 'read', 'report'] AND cardinality(scopes) > 0);

CREATE TABLE source_secret (
    id uuid PRIMARY KEY,
    source text NOT NULL REFERENCES source,
    cipher bytea NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz
);
CREATE UNIQUE INDEX source_secret_current ON source_secret (source) WHERE expires_at IS NULL;

CREATE TABLE point_rule (
    source text NOT NULL REFERENCES source,
    kind text NOT NULL CHECK (kind ~ '^[a-z0-9_.-]{2,40}$'),
    indicator text NOT NULL REFERENCES indicator,
    numerator bigint NOT NULL CHECK (numerator > 0),
    denominator bigint NOT NULL CHECK (denominator > 0),
    yearly_cap bigint NOT NULL CHECK (yearly_cap > 0),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (source, kind)
);

CREATE TABLE point_event (
    source text NOT NULL,
    event_id text NOT NULL,
    kind text NOT NULL,
    citizen_id uuid NOT NULL REFERENCES citizen,
    facts_digest bytea NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (event_id, source),
    FOREIGN KEY (source, kind) REFERENCES point_rule (source, kind)
);
CREATE INDEX point_event_citizen ON point_event (citizen_id);
CREATE INDEX point_event_kind ON point_event (source, kind);

CREATE TABLE point_total (
    citizen_id uuid NOT NULL REFERENCES citizen,
    source text NOT NULL,
    kind text NOT NULL,
    year smallint NOT NULL CHECK (year BETWEEN 1900 AND 2999),
    total bigint NOT NULL CHECK (total > 0),
    PRIMARY KEY (citizen_id, source, kind, year),
    FOREIGN KEY (source, kind) REFERENCES point_rule (source, kind)
) WITH (fillfactor = 90);
"""


async def forwards() -> MigrationManager:
    return sql_migration(ID, DESCRIPTION, SQL)
