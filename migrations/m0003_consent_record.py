"""Consents and the access log; records, honours and the closed lists they must fit."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.kit.db.migration import sql_migration

ID = "0003"
DESCRIPTION = "consent, access log, record"

SQL = """
CREATE TABLE consent_text (
    purpose text NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    title_zh text NOT NULL,
    title_en text NOT NULL,
    body_zh text NOT NULL,
    body_en text NOT NULL,
    is_required boolean NOT NULL,
    published_at timestamptz NOT NULL,
    PRIMARY KEY (purpose, version)
);

CREATE TABLE consent (
    id uuid PRIMARY KEY,
    citizen_id uuid NOT NULL REFERENCES citizen,
    purpose text NOT NULL,
    version integer NOT NULL,
    given_at timestamptz NOT NULL,
    withdrawn_at timestamptz CHECK (withdrawn_at >= given_at),
    FOREIGN KEY (purpose, version) REFERENCES consent_text
);
CREATE UNIQUE INDEX consent_given ON consent (citizen_id, purpose) WHERE withdrawn_at IS NULL;

CREATE TABLE access_log (
    id uuid NOT NULL,
    at timestamptz NOT NULL,
    citizen_id uuid NOT NULL,
    institution_id uuid,
    store_id uuid,
    terminal_id uuid,
    official_id uuid,
    action text NOT NULL,
    scenario text,
    outcome text NOT NULL,
    told jsonb NOT NULL,
    PRIMARY KEY (citizen_id, at, id)
) PARTITION BY RANGE (at);

CREATE TABLE topic (
    code text PRIMARY KEY,
    is_denied boolean NOT NULL,
    title_zh text NOT NULL,
    title_en text NOT NULL,
    UNIQUE (code, is_denied)
);

CREATE TABLE indicator (
    code text PRIMARY KEY CHECK (code ~ '^[A-Z][A-Z0-9_]{2,63}$'),
    topic text NOT NULL,
    topic_is_denied boolean NOT NULL DEFAULT false CHECK (NOT topic_is_denied),
    title_zh text NOT NULL,
    title_en text NOT NULL,
    FOREIGN KEY (topic, topic_is_denied) REFERENCES topic (code, is_denied)
);

CREATE TABLE honour (
    code text PRIMARY KEY,
    title_zh text NOT NULL,
    title_en text NOT NULL,
    grades text[] NOT NULL,
    validity_months integer NOT NULL CHECK (validity_months > 0),
    is_renewable boolean NOT NULL
);

CREATE TABLE record (
    id uuid NOT NULL,
    citizen_id uuid NOT NULL,
    version integer NOT NULL DEFAULT 1 CHECK (version > 0),
    indicator text REFERENCES indicator,
    honour text REFERENCES honour,
    source text NOT NULL,
    event_id text NOT NULL,
    event_on date NOT NULL,
    ends_on date CHECK (ends_on >= event_on),
    grade text,
    quantity bigint CHECK (quantity >= 0),
    document text,
    act_id text,
    state text NOT NULL CHECK (state IN ('active', 'suspended', 'repaired', 'corrected', 'superseded')),
    entered_at timestamptz NOT NULL,
    entered_by uuid,
    PRIMARY KEY (citizen_id, id),
    CONSTRAINT record_is_indicator_or_honour CHECK ((indicator IS NULL) <> (honour IS NULL))
) PARTITION BY HASH (citizen_id);

CREATE TABLE record_source_event (
    source text NOT NULL,
    event_id text NOT NULL,
    record_id uuid NOT NULL,
    citizen_id uuid NOT NULL,
    facts_digest bytea NOT NULL,
    PRIMARY KEY (source, event_id)
);
CREATE INDEX record_source_event_citizen ON record_source_event (citizen_id);
""" + "".join(
    f"CREATE TABLE record_{part} PARTITION OF record FOR VALUES WITH (MODULUS 16, REMAINDER {part});\n"
    for part in range(16)
)


async def forwards() -> MigrationManager:
    return sql_migration(ID, DESCRIPTION, SQL)
