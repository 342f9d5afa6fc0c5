"""City-app events wait, encrypted, until the worker counts them: how long an answer takes says nothing of its person."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.kit.db.migration import sql_migration

ID = "0021"
DESCRIPTION = "point inbox"

# A row is there for as long as the worker takes, whoever it is about; of strangers nothing is left then.

SQL = """
CREATE TABLE point_inbox (
    id uuid PRIMARY KEY,
    cipher bytea NOT NULL,
    received_at timestamptz NOT NULL,
    failures smallint NOT NULL DEFAULT 0 CHECK (failures >= 0)
);
"""


async def forwards() -> MigrationManager:
    return sql_migration(ID, DESCRIPTION, SQL)
