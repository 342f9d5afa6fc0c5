"""Limits count what stands, whenever they were set; a reversed redemption leaves its reference to the same scan."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.kit.db.migration import sql_migration

ID = "0019"
DESCRIPTION = "limits count what stands"

# The old code goes on beside this: what it stores has turn 0, and a place it counts is not yet whole, so the new code
# counts again. Counts of benefits whose limits may have changed are older than their limits from here on.
# Who left is looked for first, through all redemptions, while redeeming goes on. From the first ALTER on nothing is
# redeemed, reversed or listed until the end: the key of references is built anew, with 10 million redemptions in some
# twenty seconds. So it is the last statement.
SQL = """
CREATE TABLE former_account (
    citizen_id uuid PRIMARY KEY,
    cap_holder_id uuid NOT NULL,
    forget_at timestamptz NOT NULL
);
CREATE INDEX former_account_holder ON former_account (cap_holder_id);
INSERT INTO former_account (citizen_id, cap_holder_id, forget_at)
    SELECT DISTINCT ON (r.citizen_id) r.citizen_id, r.cap_holder_id,
        coalesce(t.forget_at, c.left_at + interval '365 days')
    FROM citizen c
    JOIN redemption r ON r.citizen_id = c.id AND r.cap_holder_id IS NOT NULL
    LEFT JOIN tombstone t ON t.cap_holder_id = r.cap_holder_id
    WHERE c.state = 'left' AND c.left_at IS NOT NULL;

ALTER TABLE benefit
    ADD COLUMN limits_version integer NOT NULL DEFAULT 0 CHECK (limits_version >= 0),
    ADD COLUMN limited_at timestamptz,
    ADD CHECK (limits_version = 0 OR limited_at IS NOT NULL);
UPDATE benefit SET limits_version = campaign.live_version, limited_at = now()
    FROM campaign WHERE campaign.id = benefit.campaign_id AND campaign.live_version > 1;

ALTER TABLE benefit_usage ADD COLUMN is_whole boolean NOT NULL DEFAULT false;
ALTER TABLE benefit_use
    ADD COLUMN period_ends_on date,
    ADD COLUMN limits_version integer NOT NULL DEFAULT 0;

ALTER TABLE redemption
    ADD COLUMN reference_turn smallint NOT NULL DEFAULT 0 CHECK (reference_turn >= 0),
    DROP CONSTRAINT redemption_reference,
    ADD CONSTRAINT redemption_reference UNIQUE (reference, institution_id, reference_turn);
"""


async def forwards() -> MigrationManager:
    return sql_migration(ID, DESCRIPTION, SQL)
