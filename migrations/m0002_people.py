"""Citizens and their sessions; institutions, their stores, terminals and keys; officials."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.kit.db.migration import sql_migration

ID = "0002"
DESCRIPTION = "citizen, partner, official"

SQL = """
CREATE TABLE citizen (
    id uuid PRIMARY KEY,
    account_number bigint NOT NULL UNIQUE CHECK (account_number BETWEEN 0 AND 999999999),
    state text NOT NULL CHECK (state IN ('new', 'active', 'frozen', 'left')),
    code_generation integer NOT NULL DEFAULT 0 CHECK (code_generation >= 0),
    openid_index bytea UNIQUE,
    openid_cipher bytea,
    id_number_index bytea UNIQUE,
    id_number_cipher bytea,
    person_index bytea,
    name_cipher bytea,
    phone_index bytea,
    phone_cipher bytea,
    birth_on date,
    district text CHECK (length(district) = 6),
    cap_holder_id uuid,
    created_at timestamptz NOT NULL,
    joined_at timestamptz,
    left_at timestamptz,
    CONSTRAINT citizen_active_is_known CHECK (state NOT IN ('active', 'frozen') OR (
        id_number_index IS NOT NULL AND id_number_cipher IS NOT NULL AND person_index IS NOT NULL
        AND name_cipher IS NOT NULL AND birth_on IS NOT NULL AND district IS NOT NULL
        AND cap_holder_id IS NOT NULL AND joined_at IS NOT NULL)),
    CONSTRAINT citizen_left_is_forgotten CHECK (state <> 'left' OR (
        openid_index IS NULL AND openid_cipher IS NULL AND id_number_index IS NULL AND id_number_cipher IS NULL
        AND person_index IS NULL AND name_cipher IS NULL AND phone_index IS NULL AND phone_cipher IS NULL
        AND birth_on IS NULL AND district IS NULL AND cap_holder_id IS NULL AND left_at IS NOT NULL))
) WITH (fillfactor = 90);
CREATE INDEX citizen_person ON citizen (person_index) WHERE person_index IS NOT NULL;

CREATE TABLE citizen_session (
    id uuid PRIMARY KEY,
    citizen_id uuid NOT NULL REFERENCES citizen,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz,
    revoked_because text,
    CHECK ((revoked_at IS NULL) = (revoked_because IS NULL))
) WITH (fillfactor = 90);
CREATE INDEX citizen_session_live ON citizen_session (citizen_id) WHERE revoked_at IS NULL;

CREATE TABLE refresh_token (
    token_hash bytea PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES citizen_session,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    replaced_at timestamptz
);
CREATE INDEX refresh_token_session ON refresh_token (session_id);

CREATE TABLE institution (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE,
    kind text NOT NULL CHECK (kind IN
        ('government', 'hospital', 'parking', 'library', 'transit', 'bank', 'merchant')),
    state text NOT NULL CHECK (state IN ('active', 'suspended')),
    created_at timestamptz NOT NULL
);

CREATE TABLE store (
    id uuid PRIMARY KEY,
    institution_id uuid NOT NULL REFERENCES institution,
    name text NOT NULL,
    state text NOT NULL CHECK (state IN ('active', 'suspended')),
    created_at timestamptz NOT NULL,
    UNIQUE (institution_id, name),
    UNIQUE (institution_id, id)
);

CREATE TABLE terminal (
    id uuid PRIMARY KEY,
    institution_id uuid NOT NULL,
    store_id uuid NOT NULL,
    name text NOT NULL,
    state text NOT NULL CHECK (state IN ('active', 'suspended')),
    created_at timestamptz NOT NULL,
    UNIQUE (store_id, name),
    FOREIGN KEY (institution_id, store_id) REFERENCES store (institution_id, id)
);

CREATE TABLE api_key (
    id uuid PRIMARY KEY,
    institution_id uuid NOT NULL REFERENCES institution,
    name text NOT NULL,
    secret_hash bytea NOT NULL UNIQUE,
    scopes text[] NOT NULL CHECK (scopes <@ ARRAY['scan', 'redeem', 'read'] AND cardinality(scopes) > 0),
    store_ids uuid[],
    state text NOT NULL CHECK (state IN ('active', 'suspended')),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    last_used_at timestamptz
);
CREATE INDEX api_key_institution ON api_key (institution_id);

CREATE TABLE official (
    id uuid PRIMARY KEY,
    username text NOT NULL UNIQUE CHECK (username ~ '^[a-z0-9][a-z0-9._-]{2,63}$'),
    institution_id uuid REFERENCES institution,
    roles text[] NOT NULL CHECK (cardinality(roles) > 0 AND roles <@
        ARRAY['editor', 'reviewer', 'caseworker', 'auditor', 'importer', 'administrator']),
    state text NOT NULL CHECK (state IN ('active', 'suspended')),
    password_hash text NOT NULL,
    totp_cipher bytea NOT NULL,
    totp_last_step bigint NOT NULL DEFAULT 0,
    failed_tries integer NOT NULL DEFAULT 0,
    locked_until timestamptz,
    token_generation integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL
);

INSERT INTO cache_version (name) VALUES ('directory'), ('catalogue');
"""


async def forwards() -> MigrationManager:
    return sql_migration(ID, DESCRIPTION, SQL)
