"""A district is what a resident's card tells; other cards have none, and what was taken for theirs is forgotten."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.kit.db.migration import sql_migration

ID = "0023"
DESCRIPTION = "districts of resident cards only"

# The first six digits of a permanent residence card tell a nationality (9, province, ISO 3166-1 numeric); those of
# people from Taiwan, Hong Kong and Macao (71, 81, 82, 83) where they are from. A process of the old version stores them
# as a district still: after the last one has stopped the UPDATE may be run again by hand.
SQL = """
ALTER TABLE citizen DROP CONSTRAINT citizen_active_is_known;
UPDATE citizen SET district = NULL
 WHERE district ~ '^(9(1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5])|71|8[123])';
ALTER TABLE citizen ADD CONSTRAINT citizen_active_is_known CHECK (state NOT IN ('active', 'frozen') OR (
    id_number_index IS NOT NULL AND id_number_cipher IS NOT NULL AND person_index IS NOT NULL
    AND name_cipher IS NOT NULL AND birth_on IS NOT NULL AND cap_holder_id IS NOT NULL AND joined_at IS NOT NULL));
"""


async def forwards() -> MigrationManager:
    return sql_migration(ID, DESCRIPTION, SQL)
