"""Event ids are compared byte by byte, whatever language the database sorts by."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.kit.db.migration import sql_migration

ID = "0017"
DESCRIPTION = "byte order of source events"

# Every record of an import is looked up in this key and put into it, some forty comparisons: in the order of a locale
# they took a tenth of the time. It is also the order in which an import sends them, so that neighbours lie together.
# The key is built anew, with 12 million events for 19 seconds in which nothing is recorded: run it while imports rest,
# and start processes of the old version again afterwards.
SQL = """
ALTER TABLE record_source_event
    ALTER COLUMN source TYPE text COLLATE "C",
    ALTER COLUMN event_id TYPE text COLLATE "C";
"""


async def forwards() -> MigrationManager:
    return sql_migration(ID, DESCRIPTION, SQL)
