"""What indicators, limits and dimensions gave a score, packed into arrays instead of JSON."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.kit.db.migration import sql_migration

ID = "0027"
DESCRIPTION = "points of scores as arrays"

# No row is rewritten and none is read: both tables are locked for the moment their catalogue entries take, however many
# scores there are, so nothing waits for it. A score lies in one of the two forms and is read in either; it takes the new
# one when it is computed next: when something moves it, with the next switch, or for everybody by `huixin score
# recompute`, for which nobody waits either. NOT VALID keeps the check from reading every row; what was there before
# satisfies it. Both tables call it the same: a switch may have swapped them by the time it is dropped.
# The old code goes on beside this. What it stores is read like everything from before. A score the new code has stored
# it can use at the till, where the value counts; it can neither show its dimensions nor compute it anew: that fails, by
# the check, rather than tell wrong reasons, and is done by the new code.
SQL = """
ALTER TABLE score_snapshot
    ADD COLUMN dimension_points bigint[],
    ADD COLUMN part_points bigint[],
    ALTER COLUMN dimensions DROP NOT NULL,
    ALTER COLUMN parts DROP NOT NULL,
    ADD CONSTRAINT score_one_form CHECK (
        num_nonnulls(dimensions, dimension_points) = 1 AND num_nonnulls(parts, part_points) = 1) NOT VALID;
ALTER TABLE score_prepared
    ADD COLUMN dimension_points bigint[],
    ADD COLUMN part_points bigint[],
    ALTER COLUMN dimensions DROP NOT NULL,
    ALTER COLUMN parts DROP NOT NULL,
    ADD CONSTRAINT score_one_form CHECK (
        num_nonnulls(dimensions, dimension_points) = 1 AND num_nonnulls(parts, part_points) = 1) NOT VALID;
"""


async def forwards() -> MigrationManager:
    return sql_migration(ID, DESCRIPTION, SQL)
