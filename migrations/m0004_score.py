"""Rule books as rows the engine joins, and what it computed."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.kit.db.migration import sql_migration

ID = "0004"
DESCRIPTION = "score"

SQL = """
CREATE TABLE rule_book (
    id integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    code text NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    state text NOT NULL CHECK (state IN ('active', 'retired', 'draft')),
    document jsonb NOT NULL,
    digest bytea NOT NULL,
    base integer NOT NULL,
    scale_min integer CHECK (scale_min <= base),
    scale_max integer CHECK (scale_max >= base),
    level_codes text[] NOT NULL,
    level_edges integer[] NOT NULL CHECK (cardinality(level_edges) = cardinality(level_codes)),
    consent_purposes text[] NOT NULL,
    UNIQUE (code, version)
);
CREATE UNIQUE INDEX rule_book_one_active ON rule_book (state) WHERE state = 'active';

CREATE TABLE rule_dimension (
    rule_book_id integer NOT NULL REFERENCES rule_book,
    code text NOT NULL,
    position smallint NOT NULL,
    floor integer,
    cap integer CHECK (cap >= floor),
    breaks_good_faith boolean NOT NULL,
    PRIMARY KEY (rule_book_id, code)
);

CREATE TABLE rule_term (
    rule_book_id integer NOT NULL REFERENCES rule_book,
    indicator text NOT NULL REFERENCES indicator,
    grade text NOT NULL,
    dimension text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('flat', 'graded', 'ladder', 'state', 'clean', 'ceiling')),
    points integer NOT NULL,
    ceiling integer CHECK (ceiling IS NOT NULL OR kind <> 'ceiling'),
    validity_months integer CHECK (validity_months > 0),
    severity text CHECK (severity IN ('minor', 'general', 'serious')),
    annual_cap integer,
    doubles boolean NOT NULL,
    adds_up boolean NOT NULL,
    breaks_good_faith boolean NOT NULL,
    exclusive_group text,
    supersedes text[] NOT NULL,
    consent_purpose text,
    rung_edges bigint[] NOT NULL,
    rung_points integer[] NOT NULL CHECK (cardinality(rung_points) = cardinality(rung_edges)),
    PRIMARY KEY (rule_book_id, indicator, grade),
    FOREIGN KEY (rule_book_id, dimension) REFERENCES rule_dimension
);

CREATE TABLE score_snapshot (
    citizen_id uuid PRIMARY KEY REFERENCES citizen,
    value integer NOT NULL,
    level text NOT NULL,
    dimensions jsonb NOT NULL,
    honours jsonb NOT NULL,
    parts jsonb NOT NULL,
    rule_book_id integer NOT NULL REFERENCES rule_book,
    as_of date NOT NULL,
    next_change_on date,
    inputs_hash bytea NOT NULL,
    computed_at timestamptz NOT NULL
) WITH (fillfactor = 85);
CREATE INDEX score_snapshot_due ON score_snapshot (next_change_on) WHERE next_change_on IS NOT NULL;

CREATE TABLE score_change (
    id uuid PRIMARY KEY,
    citizen_id uuid NOT NULL REFERENCES citizen,
    at timestamptz NOT NULL,
    from_value integer,
    to_value integer NOT NULL,
    from_level text,
    to_level text NOT NULL,
    reasons jsonb NOT NULL
);
CREATE INDEX score_change_citizen ON score_change (citizen_id, id DESC);
"""


async def forwards() -> MigrationManager:
    return sql_migration(ID, DESCRIPTION, SQL)
