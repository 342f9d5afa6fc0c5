"""What an operator needs to say why a redemption was refused: its reference and its trace."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.kit.db.migration import sql_migration

ID = "0028"
DESCRIPTION = "reference and trace of tries to redeem"

# No row is read or rewritten: the access log is locked for the moment its catalogue entries take, however long it is.
# ON ONLY: the months that are there get no index, which to build would keep every till waiting; they are looked through,
# as only the newest is large and may have references. Months made from now on have it, made like their table.
# The old code goes on beside this: what it stores has no reference and no trace.
SQL = """
ALTER TABLE access_log
    ADD COLUMN reference text,
    ADD COLUMN trace_id uuid;
CREATE INDEX access_log_reference ON ONLY access_log (reference) WHERE reference IS NOT NULL;

CREATE TABLE refused_try (
    reference text NOT NULL,
    institution_id uuid NOT NULL,
    at timestamptz NOT NULL,
    id uuid NOT NULL,
    store_id uuid,
    terminal_id uuid,
    outcome text NOT NULL,
    trace_id uuid NOT NULL,
    PRIMARY KEY (reference, institution_id, at, id)
) PARTITION BY RANGE (at);
"""


async def forwards() -> MigrationManager:
    return sql_migration(ID, DESCRIPTION, SQL)
