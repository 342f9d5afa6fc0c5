"""The copy takes the place of the partitioned table of redemptions."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.kit.db.migration import sql_migration

ID = "0026"
DESCRIPTION = "one table of redemptions, shaped for growth"

# From the first statement on nothing is redeemed, reversed or listed until the end. What has been stored since the copy
# was made is brought after, by its key and by no clock: the clocks are those of many machines. First what was reversed
# since, because the same scan may have been redeemed again under the same reference.
# The old code goes on beside this: it names no generated column; only a race it loses for a key it calls a bug (500),
# and its repeat is answered.
SQL = """
LOCK TABLE redemption, reversal, scan, benefit_use IN ACCESS EXCLUSIVE MODE;

UPDATE redemption_copy AS c SET state = 'reversed'
FROM reversal AS v
WHERE v.institution_id = c.institution_id AND v.redemption_id = c.id AND c.state = 'redeemed';
INSERT INTO redemption_copy (
    id, institution_id, scan_id, benefit_id, citizen_id, cap_holder_id, store_id, terminal_id, amount_fen, discount_fen,
    redeemed_at, reversible_until, period_on, campaign_version, reference_turn, step, is_stock_counted, state,
    idempotency_key, reference, benefit_code, title, request_digest, answer)
SELECT
    id, institution_id, scan_id, benefit_id, citizen_id, cap_holder_id, store_id, terminal_id, amount_fen, discount_fen,
    redeemed_at, reversible_until, period_on, campaign_version, reference_turn, step, is_stock_counted, state,
    idempotency_key, reference, benefit_code, title, request_digest, answer
FROM redemption AS r
WHERE NOT EXISTS (SELECT FROM redemption_copy AS c WHERE c.institution_id = r.institution_id AND c.id = r.id);

ALTER TABLE reversal DROP CONSTRAINT reversal_redemption_id_institution_id_fkey;
DROP TABLE redemption;
ALTER TABLE redemption_copy RENAME TO redemption;
ALTER TABLE redemption RENAME CONSTRAINT redemption_copy_pkey TO redemption_pkey;
ALTER INDEX redemption_copy_key RENAME TO redemption_key;
ALTER INDEX redemption_copy_reference RENAME TO redemption_reference;
ALTER INDEX redemption_copy_once RENAME TO redemption_once;
ALTER INDEX redemption_copy_citizen RENAME TO redemption_citizen;

ALTER TABLE reversal
    ALTER COLUMN idempotency_key TYPE text COLLATE "C",
    ADD CONSTRAINT reversal_redemption FOREIGN KEY (institution_id, redemption_id) REFERENCES redemption (institution_id, id);
ALTER TABLE scan ALTER COLUMN code_id TYPE text COLLATE "C";
ALTER TABLE benefit_use
    ADD COLUMN cap integer,
    DROP CONSTRAINT benefit_use_pkey,
    ADD PRIMARY KEY (period_on, cap_holder_id, benefit_id, step);
"""


async def forwards() -> MigrationManager:
    return sql_migration(ID, DESCRIPTION, SQL)
