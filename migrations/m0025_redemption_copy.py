"""Redemptions are copied into one table, shaped for growth, while redeeming goes on."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.kit.db.migration import sql_migration

ID = "0025"
DESCRIPTION = "one table of redemptions, its copy"

# Four hash partitions cost every look-up without the institution four descents. And a key whose first column is random
# touches a random page for each row: past some million rows that is a page read and, after every checkpoint, a page
# image of 8 kB in the log for each. So what may lead with time does: the Idempotency-Key with the day of its code, the
# citizen's list with the day in the city. ``slot_day`` is the day that the scan's id carries.
# Nobody waits for this copy: it reads a snapshot. The next migration brings what came since, and takes the table's place.
SQL = """
CREATE TABLE redemption_copy (
    id uuid NOT NULL,
    institution_id uuid NOT NULL,
    scan_id uuid NOT NULL,
    benefit_id uuid NOT NULL,
    citizen_id uuid NOT NULL,
    cap_holder_id uuid,
    store_id uuid NOT NULL,
    terminal_id uuid NOT NULL,
    amount_fen bigint CHECK (amount_fen > 0),
    discount_fen bigint CHECK (discount_fen BETWEEN 0 AND amount_fen),
    redeemed_at timestamptz NOT NULL,
    reversible_until timestamptz NOT NULL,
    slot_day date NOT NULL GENERATED ALWAYS AS (
        coalesce(timezone('UTC', uuid_extract_timestamp(scan_id)), timezone('UTC', redeemed_at))::date) STORED,
    redeemed_on date NOT NULL GENERATED ALWAYS AS (timezone('Asia/Shanghai', redeemed_at)::date) STORED,
    period_on date,
    campaign_version integer NOT NULL,
    reference_turn smallint NOT NULL DEFAULT 0 CHECK (reference_turn >= 0),
    step smallint,
    is_stock_counted boolean NOT NULL,
    state text NOT NULL CHECK (state IN ('redeemed', 'reversed')),
    idempotency_key text COLLATE "C" NOT NULL,
    reference text COLLATE "C" NOT NULL,
    benefit_code text NOT NULL,
    title text NOT NULL,
    request_digest bytea NOT NULL,
    answer bytea NOT NULL
);
INSERT INTO redemption_copy (
    id, institution_id, scan_id, benefit_id, citizen_id, cap_holder_id, store_id, terminal_id, amount_fen, discount_fen,
    redeemed_at, reversible_until, period_on, campaign_version, reference_turn, step, is_stock_counted, state,
    idempotency_key, reference, benefit_code, title, request_digest, answer)
SELECT
    id, institution_id, scan_id, benefit_id, citizen_id, cap_holder_id, store_id, terminal_id, amount_fen, discount_fen,
    redeemed_at, reversible_until, period_on, campaign_version, reference_turn, step, is_stock_counted, state,
    idempotency_key, reference, benefit_code, title, request_digest, answer
FROM redemption;
ALTER TABLE redemption_copy ADD CONSTRAINT redemption_copy_pkey PRIMARY KEY (institution_id, id);
CREATE UNIQUE INDEX redemption_copy_key ON redemption_copy (slot_day, idempotency_key, institution_id);
CREATE UNIQUE INDEX redemption_copy_reference ON redemption_copy (reference, institution_id, reference_turn);
CREATE UNIQUE INDEX redemption_copy_once ON redemption_copy (scan_id, benefit_id) WHERE state = 'redeemed';
CREATE INDEX redemption_copy_citizen ON redemption_copy (redeemed_on, citizen_id, id);
"""


async def forwards() -> MigrationManager:
    return sql_migration(ID, DESCRIPTION, SQL)
