-- Redeems many items in one statement. Each step feeds the next, so the order of locks is fixed:
-- codes, then stock, then caps, then redemptions by (institution, reference).
-- One outcome row per item, by status; nothing here raises but a lost race for a unique key.
-- An item is written down once (``item``) and joined again only to insert; between the steps go the few columns that
-- decide, since every step forms its rows anew. Lines under "limited" are for batches that take from a stock, lines
-- under "unlimited" for all others (``write_redeem``): a step without work costs every batch all the same.
-- Limits are passed in and are those of the campaign version they come from. ``benefit.limits_version`` is the version
-- since which the limits are as they are; a transaction that changes it waits for every statement like this one to end
-- (``fence_limits``).
-- 1. Earlier uses of an item's key and reference. Each is looked up by (SELECT true … LIMIT 1): for a join, or EXISTS,
-- the planner may read the whole table into a hash, and on a table that was empty when it planned, it does.
-- IS TRUE keeps the institution out of the choice of an index: while a table is empty, any index with it looks as good.
-- A repeat brings its reference again, so it is found among the redemptions of that reference, whenever it comes. Any
-- other use of its key is looked for on one day, that of the code.
WITH item AS MATERIALIZED (
    SELECT given.*, held.turns,
        CASE
            WHEN held.is_repeated THEN 'repeated'
            WHEN held.is_key_reused OR (
                SELECT true FROM redemption AS r
                WHERE r.slot_day = given.slot_day AND r.idempotency_key = given.idempotency_key
                    AND (r.institution_id = given.institution_id) IS TRUE
                LIMIT 1
            ) OR (
                SELECT true FROM reversal AS v
                WHERE v.idempotency_key = given.idempotency_key AND (v.institution_id = given.institution_id) IS TRUE
                LIMIT 1
            ) THEN 'idempotency_key_reused'
        END AS earlier,
        coalesce((SELECT b.limits_version FROM benefit AS b WHERE b.id = given.benefit_id), 0) AS limits_version
    FROM unnest(
        $1::uuid[], $2::uuid[], $3::text[], $4::bytea[], $5::text[], $6::date[], $7::text[], $8::uuid[], $9::uuid[],
        $10::uuid[], $11::smallint[], $12::date[], $13::date[], $14::integer[], $15::uuid[], $16::uuid[], $17::text[],
        $18::uuid[], $19::text[], $20::text[], $21::integer[], $22::bigint[], $23::bigint[], $24::bigint[],
        $25::timestamptz[], $26::timestamptz[], $27::timestamptz[], $28::bytea[]
    ) WITH ORDINALITY AS given (
        id, institution_id, idempotency_key, request_digest, reference, slot_day, code_id, scan_id, citizen_id,
        cap_holder_id, step, period_on, period_ends_on, cap, store_id, terminal_id, scenario, benefit_id,
        benefit_code, title, campaign_version, stock, amount_fen, discount_fen, at,
        scan_expires_at, reversible_until, answer, n
    )
    CROSS JOIN LATERAL (
        SELECT count(*) AS turns,
            bool_or(r.idempotency_key = given.idempotency_key AND r.request_digest = given.request_digest)
                AS is_repeated,
            bool_or(r.idempotency_key = given.idempotency_key) AS is_key_reused
        FROM redemption AS r
        WHERE r.reference = given.reference AND (r.institution_id = given.institution_id) IS TRUE
    ) AS held
),
-- 2. The code belongs to the store that scans it first; the same store re-enters its own scan.
claimed AS (
    INSERT INTO scan (slot_day, code_id, id, institution_id, store_id, terminal_id, citizen_id, scenario,
                      scanned_at, expires_at)
    SELECT slot_day, code_id, scan_id, institution_id, store_id, terminal_id, citizen_id, scenario, at, scan_expires_at
    FROM item WHERE code_id IS NOT NULL AND earlier IS NULL
    ORDER BY slot_day, code_id COLLATE "C"
    ON CONFLICT (slot_day, code_id) DO UPDATE SET terminal_id = scan.terminal_id
    WHERE scan.store_id = EXCLUDED.store_id
    RETURNING slot_day, code_id, id
),
-- An item by scanId has no code: its scan was read with the facts a moment ago, and scans never change.
opened AS MATERIALIZED (
    SELECT item.n, item.benefit_id, item.cap_holder_id, item.step, item.period_on, item.period_ends_on, item.cap,
--[ limited
        item.stock,
--]
        item.limits_version,
        CASE WHEN item.code_id IS NULL THEN item.scan_id ELSE claimed.id END AS scan_id,
        CASE
            WHEN item.earlier IS NOT NULL THEN item.earlier
            WHEN item.code_id IS NOT NULL AND claimed.id IS NULL THEN 'credit_code_used'
            WHEN (
                SELECT true FROM redemption AS r
                WHERE r.scan_id = coalesce(claimed.id, item.scan_id) AND r.benefit_id = item.benefit_id
                    AND r.state = 'redeemed'
                LIMIT 1
            ) THEN 'already_redeemed'
            -- a reversed redemption leaves its reference to the same scan and benefit
            WHEN item.turns > 0 AND (
                SELECT true FROM redemption AS r
                WHERE r.reference = item.reference AND (r.institution_id = item.institution_id) IS TRUE
                    AND (r.state = 'redeemed' OR r.scan_id <> coalesce(claimed.id, item.scan_id)
                        OR r.benefit_id <> item.benefit_id)
                LIMIT 1
            ) THEN 'reference_taken'
            WHEN item.limits_version > item.campaign_version THEN 'stale'
            -- where limits have changed in a period, or a count is older than they are, redemptions are counted first
            WHEN item.cap IS NOT NULL AND item.limits_version > 0 AND coalesce(
                (SELECT u.limits_version <> item.limits_version FROM benefit_use AS u
                 WHERE u.benefit_id = item.benefit_id AND u.cap_holder_id = item.cap_holder_id
                    AND u.step = item.step AND u.period_on = item.period_on),
                (SELECT b.limited_at >= item.period_on::timestamp AT TIME ZONE 'Asia/Shanghai'
                 FROM benefit AS b WHERE b.id = item.benefit_id)
            ) THEN 'uncounted'
--[ limited
            -- a person at the cap takes no place from the others: a look without locks, where places are few
            WHEN item.cap IS NOT NULL AND item.stock IS NOT NULL AND (
                SELECT u.used >= item.cap FROM benefit_use AS u
                WHERE u.benefit_id = item.benefit_id AND u.cap_holder_id = item.cap_holder_id
                    AND u.step = item.step AND u.period_on = item.period_on
            ) THEN 'cap_reached'
--]
        END AS refusal
    FROM item LEFT JOIN claimed ON claimed.slot_day = item.slot_day AND claimed.code_id = item.code_id
),
--[ limited
-- 3. Stock: the rows are locked in order; the items that fit are decided by the limit passed in.
candidate AS MATERIALIZED (
    SELECT opened.*, row_number() OVER (PARTITION BY benefit_id ORDER BY n) AS place
    FROM opened WHERE refusal IS NULL
),
stocked AS MATERIALIZED (
    SELECT benefit_id, used FROM benefit_usage
    WHERE is_whole AND benefit_id = ANY(ARRAY(SELECT benefit_id FROM candidate WHERE stock IS NOT NULL))
    ORDER BY benefit_id
    FOR UPDATE
),
fitting AS MATERIALIZED (
    SELECT candidate.* FROM candidate LEFT JOIN stocked USING (benefit_id)
    WHERE candidate.stock IS NULL OR stocked.used + candidate.place <= candidate.stock
),
--]
--[ unlimited
fitting AS NOT MATERIALIZED (SELECT * FROM opened WHERE refusal IS NULL),
-- This changes nothing: it takes the lock by which ``fence_limits`` knows of this statement, and this one of a fence.
fenced AS (UPDATE benefit_usage SET used = used WHERE false),
--]
-- 4. Caps: a count would race, a conditional upsert does not.
capped AS (
    INSERT INTO benefit_use AS u (benefit_id, cap_holder_id, step, period_on, period_ends_on, limits_version, cap, used)
    SELECT benefit_id, cap_holder_id, step, period_on, period_ends_on, limits_version, cap, 1 FROM fitting
    WHERE cap IS NOT NULL
    ORDER BY benefit_id, cap_holder_id, step, period_on
    ON CONFLICT (benefit_id, cap_holder_id, step, period_on) DO UPDATE SET used = u.used + 1, cap = EXCLUDED.cap
    WHERE u.used < EXCLUDED.cap
    RETURNING benefit_id, cap_holder_id
),
survivor AS MATERIALIZED (
    SELECT fitting.n, fitting.scan_id FROM fitting LEFT JOIN capped USING (benefit_id, cap_holder_id)
    WHERE fitting.cap IS NULL OR capped.benefit_id IS NOT NULL
),
-- 5. The effect, its event and its place in the access log, under one id.
redeemed AS (
    INSERT INTO redemption (
        id, institution_id, idempotency_key, request_digest, reference, reference_turn, scan_id, benefit_id, benefit_code,
        title, campaign_version, is_stock_counted, citizen_id, cap_holder_id, step, period_on, store_id,
        terminal_id, amount_fen, discount_fen, state, redeemed_at, reversible_until, answer)
    SELECT
        id, institution_id, idempotency_key, request_digest, reference, turns, survivor.scan_id, benefit_id, benefit_code,
        title, campaign_version, stock IS NOT NULL, citizen_id, cap_holder_id,
        CASE WHEN cap IS NOT NULL THEN step END, CASE WHEN cap IS NOT NULL THEN period_on END, store_id, terminal_id,
        amount_fen, discount_fen, 'redeemed', at, reversible_until, answer
    FROM survivor JOIN item USING (n)
    ORDER BY institution_id, reference COLLATE "C"
),
--[ limited
counted AS (
    UPDATE benefit_usage SET used = benefit_usage.used + taken.places
    FROM (
        SELECT benefit_id, count(*) AS places FROM survivor JOIN fitting USING (n)
        WHERE stock IS NOT NULL GROUP BY benefit_id
    ) AS taken
    WHERE benefit_usage.benefit_id = taken.benefit_id
),
--]
noted AS (
    INSERT INTO event (id, epoch, at, type, institution_id, citizen_id, subject_id, data)
    SELECT id, (SELECT max(epoch) FROM event_epoch), at, 'benefit.redeemed.v1', institution_id, citizen_id, id,
        jsonb_build_object('state', 'redeemed', 'benefitId', benefit_id, 'storeId', store_id, 'terminalId', terminal_id)
    FROM survivor JOIN item USING (n)
),
settled AS MATERIALIZED (
    SELECT opened.n,
        CASE
            WHEN survivor.n IS NOT NULL THEN 'redeemed'
            WHEN opened.refusal IS NOT NULL THEN opened.refusal
--[ limited
            WHEN fitting.n IS NOT NULL THEN 'cap_reached'
            WHEN stocked.benefit_id IS NULL THEN 'uncounted'
            -- a place freed by somebody's cap goes to the next: try again
            WHEN stocked.used + (
                SELECT count(*) FROM survivor AS s JOIN fitting AS f USING (n)
                WHERE f.benefit_id = opened.benefit_id) < opened.stock THEN 'again'
            ELSE 'stock_gone'
--]
--[ unlimited
            ELSE 'cap_reached'
--]
        END AS outcome
    FROM opened LEFT JOIN survivor USING (n)
--[ limited
    LEFT JOIN fitting USING (n) LEFT JOIN stocked ON stocked.benefit_id = opened.benefit_id
--]
),
-- An item refused in a statement whose outcome was lost comes here again, and its refusal is then logged twice.
logged AS (
    INSERT INTO access_log (id, at, citizen_id, institution_id, store_id, terminal_id, action, scenario, outcome, told)
    SELECT CASE WHEN outcome = 'redeemed' THEN id ELSE uuidv7() END,
        at, citizen_id, institution_id, store_id, terminal_id, 'redeem', scenario, outcome,
        CASE WHEN outcome = 'redeemed' THEN jsonb_build_array(benefit_code) ELSE '[]' END
    FROM settled JOIN item USING (n)
    WHERE outcome NOT IN ('repeated', 'again', 'stale', 'uncounted')
),
-- The citizen gets an event when their code is shown at a second store.
warned AS (
    INSERT INTO event (id, epoch, at, type, citizen_id, subject_id, data)
    SELECT uuidv7(), (SELECT max(epoch) FROM event_epoch), at, 'credit_code.refused.v1', citizen_id, citizen_id,
        jsonb_build_object('state', 'used', 'storeId', store_id)
    FROM settled JOIN item USING (n)
    WHERE outcome = 'credit_code_used'
)
SELECT outcome FROM settled ORDER BY n
