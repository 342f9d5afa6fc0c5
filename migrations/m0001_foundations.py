"""What happened (event), who did it (audit), and which cached catalogue is current."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.kit.db.audit import compute_first_head
from app.kit.db.migration import sql_migration

ID = "0001"
DESCRIPTION = "cache versions, audit chain, events"

SQL = """
CREATE TABLE cache_version (
    name text PRIMARY KEY,
    version bigint NOT NULL DEFAULT 1
);

CREATE TABLE audit_entry (
    number bigint PRIMARY KEY CHECK (number > 0),
    at timestamptz NOT NULL,
    actor_id uuid,
    actor text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    detail jsonb NOT NULL,
    previous_hash bytea NOT NULL,
    hash bytea NOT NULL UNIQUE
);

CREATE TABLE audit_head (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    number bigint NOT NULL CHECK (number >= 0),
    hash bytea NOT NULL,
    mac bytea NOT NULL
);
INSERT INTO audit_head (number, hash, mac) VALUES (0, ':hash', ':mac');

CREATE TABLE event_epoch (
    epoch smallint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    system_identifier bigint NOT NULL,
    began_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE event (
    id uuid NOT NULL,
    epoch smallint NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at timestamptz NOT NULL,
    type text NOT NULL,
    institution_id uuid,
    citizen_id uuid,
    subject_id uuid NOT NULL,
    data jsonb NOT NULL,
    PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
CREATE INDEX event_feed ON event (institution_id, epoch, xid, id) WHERE institution_id IS NOT NULL;
"""


async def forwards() -> MigrationManager:
    head = compute_first_head()  # signed with the city's own key
    sql = SQL.replace(":hash", rf"\x{head.hash.hex()}").replace(":mac", rf"\x{head.mac.hex()}")
    return sql_migration(ID, DESCRIPTION, sql)
