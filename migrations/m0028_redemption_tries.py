"""What an operator needs to say why a redemption was refused, by its reference and without its citizen."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.kit.db.migration import sql_migration

ID = "0028"
DESCRIPTION = "refused tries to redeem"

# A table of its own, whose months are dropped: the access log is for ever, and its lines are not to be found by an order.
SQL = """
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
