"""Scans, redemptions and how much of each benefit is used; the tombstones of those who left."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.kit.db.migration import sql_migration

ID = "0006"
DESCRIPTION = "redemption, membership"
PARTS = 4

# Every unique key leads with the column that tells rows apart, and the list index has a predicate only lists repeat.
# An empty table has no statistics: the planner then sees no difference between a key and an index that begins with the
# institution, keeps that plan, and reads all of an institution's rows for each look-up until the next ANALYZE.

SQL = """
CREATE TABLE scan (
    slot_day date NOT NULL,
    code_id text NOT NULL CHECK (length(code_id) = 20),
    id uuid NOT NULL,
    institution_id uuid NOT NULL,
    store_id uuid NOT NULL,
    terminal_id uuid NOT NULL,
    citizen_id uuid NOT NULL,
    scenario text,
    scanned_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (code_id, slot_day),
    UNIQUE (id, slot_day)
) PARTITION BY RANGE (slot_day);

CREATE TABLE benefit_usage (
    benefit_id uuid PRIMARY KEY,
    used bigint NOT NULL DEFAULT 0 CHECK (used >= 0)
) WITH (fillfactor = 10);

CREATE TABLE benefit_use (
    benefit_id uuid NOT NULL,
    cap_holder_id uuid NOT NULL,
    step smallint NOT NULL,
    period_on date NOT NULL,
    used integer NOT NULL CHECK (used >= 0),
    PRIMARY KEY (benefit_id, cap_holder_id, step, period_on)
) PARTITION BY RANGE (period_on);
CREATE TABLE benefit_use_ever PARTITION OF benefit_use FOR VALUES FROM (MINVALUE) TO ('2001-01-01');

CREATE TABLE redemption (
    id uuid NOT NULL,
    institution_id uuid NOT NULL,
    idempotency_key text NOT NULL,
    request_digest bytea NOT NULL,
    reference text NOT NULL,
    scan_id uuid NOT NULL,
    benefit_id uuid NOT NULL,
    benefit_code text NOT NULL,
    title text NOT NULL,
    campaign_version integer NOT NULL,
    is_stock_counted boolean NOT NULL,
    citizen_id uuid NOT NULL,
    cap_holder_id uuid,
    step smallint,
    period_on date,
    store_id uuid NOT NULL,
    terminal_id uuid NOT NULL,
    amount_fen bigint CHECK (amount_fen > 0),
    discount_fen bigint CHECK (discount_fen BETWEEN 0 AND amount_fen),
    state text NOT NULL CHECK (state IN ('redeemed', 'reversed')),
    redeemed_at timestamptz NOT NULL,
    reversible_until timestamptz NOT NULL,
    answer bytea NOT NULL,
    PRIMARY KEY (id, institution_id),
    CONSTRAINT redemption_key UNIQUE (idempotency_key, institution_id),
    CONSTRAINT redemption_reference UNIQUE (reference, institution_id)
) PARTITION BY HASH (institution_id);
CREATE UNIQUE INDEX redemption_once ON redemption (scan_id, benefit_id, institution_id) WHERE state = 'redeemed';
CREATE INDEX redemption_citizen ON redemption (citizen_id, id DESC);
CREATE INDEX redemption_list ON redemption (institution_id, redeemed_at, id) WHERE redeemed_at > '2020-01-01';

CREATE TABLE reversal (
    id uuid NOT NULL,
    institution_id uuid NOT NULL,
    redemption_id uuid NOT NULL,
    idempotency_key text NOT NULL,
    request_digest bytea NOT NULL,
    reason text NOT NULL,
    reversed_at timestamptz NOT NULL,
    answer bytea NOT NULL,
    PRIMARY KEY (redemption_id, institution_id),
    CONSTRAINT reversal_key UNIQUE (idempotency_key, institution_id),
    FOREIGN KEY (redemption_id, institution_id) REFERENCES redemption (id, institution_id)
);

CREATE TABLE tombstone (
    person_hash bytea PRIMARY KEY,
    cap_holder_id uuid NOT NULL,
    left_at timestamptz NOT NULL,
    forget_at timestamptz NOT NULL CHECK (forget_at > left_at)
);
""" + "".join(
    f"CREATE TABLE redemption_{part} PARTITION OF redemption FOR VALUES WITH (MODULUS {PARTS}, REMAINDER {part});\n"
    for part in range(PARTS)
)


async def forwards() -> MigrationManager:
    return sql_migration(ID, DESCRIPTION, SQL)
