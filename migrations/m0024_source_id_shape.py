"""What the ids of a source look like, learnt as they come, so that lost zeros are noticed."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.kit.db.migration import sql_migration

ID = "0024"
DESCRIPTION = "shapes of sources' ids"

# ``digits`` is null where the ids of a source are not all digits of one length: nothing is doubted there.
SQL = """
CREATE TABLE source_id_shape (
    source text NOT NULL,
    field text NOT NULL CHECK (field IN ('eventId', 'actId')),
    digits smallint CHECK (digits > 0),
    rows bigint NOT NULL CHECK (rows > 0),
    begins_with_zero boolean NOT NULL,
    PRIMARY KEY (source, field)
);
"""


async def forwards() -> MigrationManager:
    return sql_migration(ID, DESCRIPTION, SQL)
