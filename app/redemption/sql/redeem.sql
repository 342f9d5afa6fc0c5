-- Redeems many items in one statement. Each step feeds the next, so the order of locks is fixed:
-- codes, then stock, then caps, then redemptions by (institution, reference).
-- One outcome row per item, by status; nothing here raises but a lost race for a unique key.
-- Limits are passed in and hold for the version they come from: ``benefit.limits_version`` says since which version they
-- are as they are, and who changes it waits for every statement like this one to end (``fence_limits``).
WITH item AS MATERIALIZED (
    SELECT * FROM unnest(
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
),
-- 1. Earlier answers to the same key. A look-up each, as LIMIT says: a join planned for an empty table reads it all.
-- IS TRUE keeps the institution out of the choice of an index: met empty, any index that has it looks as good.
earlier AS MATERIALIZED (
    SELECT item.n, found.is_same, found.answer
    FROM item CROSS JOIN LATERAL (
        SELECT r.request_digest = item.request_digest AS is_same, r.answer FROM redemption AS r
        WHERE r.idempotency_key = item.idempotency_key AND (r.institution_id = item.institution_id) IS TRUE
        UNION ALL
        SELECT false, NULL FROM reversal AS v
        WHERE v.idempotency_key = item.idempotency_key AND (v.institution_id = item.institution_id) IS TRUE
        LIMIT 1
    ) AS found
),
fresh AS MATERIALIZED (
    SELECT item.* FROM item WHERE NOT EXISTS (SELECT FROM earlier WHERE earlier.n = item.n)
),
-- 2. The code belongs to the store that scans it first; the same store re-enters its own scan.
claimed AS (
    INSERT INTO scan (slot_day, code_id, id, institution_id, store_id, terminal_id, citizen_id, scenario,
                      scanned_at, expires_at)
    SELECT slot_day, code_id, scan_id, institution_id, store_id, terminal_id, citizen_id, scenario, at, scan_expires_at
    FROM fresh WHERE code_id IS NOT NULL
    ORDER BY slot_day, code_id
    ON CONFLICT (slot_day, code_id) DO UPDATE SET terminal_id = scan.terminal_id
    WHERE scan.store_id = EXCLUDED.store_id
    RETURNING slot_day, code_id, id
),
-- An item by scanId has no code: its scan was read with the facts a moment ago, and scans never change.
opened AS MATERIALIZED (
    SELECT fresh.*, CASE WHEN fresh.code_id IS NULL THEN fresh.scan_id ELSE claimed.id END AS opened_scan_id
    FROM fresh LEFT JOIN claimed USING (slot_day, code_id)
),
-- What holds of the benefit, and who has had the reference: a reversed redemption leaves it to the same scan.
known AS (
    SELECT opened.*, coalesce(limits.version, 0) AS limits_version, limits.limited_at, holders.turns, holders.is_taken
    FROM opened
    LEFT JOIN LATERAL (
        SELECT b.limits_version AS version, b.limited_at FROM benefit AS b WHERE b.id = opened.benefit_id LIMIT 1
    ) AS limits ON true
    CROSS JOIN LATERAL (
        SELECT count(*) AS turns, bool_or(
            r.state = 'redeemed' OR r.scan_id <> opened.opened_scan_id OR r.benefit_id <> opened.benefit_id) AS is_taken
        FROM redemption AS r
        WHERE (r.institution_id = opened.institution_id) IS TRUE AND r.reference = opened.reference
    ) AS holders
),
judged AS MATERIALIZED (
    SELECT known.*,
        CASE
            WHEN opened_scan_id IS NULL THEN 'credit_code_used'
            WHEN EXISTS (
                SELECT FROM redemption AS r
                WHERE (r.institution_id = known.institution_id) IS TRUE AND r.scan_id = known.opened_scan_id
                    AND r.benefit_id = known.benefit_id AND r.state = 'redeemed'
                LIMIT 1) THEN 'already_redeemed'
            WHEN is_taken THEN 'reference_taken'
            WHEN limits_version > campaign_version THEN 'stale'
        END AS refusal
    FROM known
),
-- 3. Who is at the cap already takes no place: a look without locks, where places are few or limits have changed.
-- Where limits have changed in a period, or a count is older than they are, what stands has to be counted first.
looked AS MATERIALIZED (
    SELECT judged.n, seen.is_current AND seen.used >= judged.cap AS is_at_cap,
        judged.cap IS NOT NULL AND judged.limits_version > 0 AND CASE
            WHEN seen.is_current IS NULL
            THEN judged.limited_at >= judged.period_on::timestamp AT TIME ZONE 'Asia/Shanghai'
            ELSE NOT seen.is_current END AS is_uncounted
    FROM judged
    LEFT JOIN LATERAL (
        SELECT u.limits_version = judged.limits_version AS is_current, u.used
        FROM benefit_use AS u
        WHERE judged.cap IS NOT NULL AND (judged.stock IS NOT NULL OR judged.limits_version > 0)
            AND u.benefit_id = judged.benefit_id AND u.cap_holder_id = judged.cap_holder_id
            AND u.step = judged.step AND u.period_on = judged.period_on
        LIMIT 1
    ) AS seen ON true
    WHERE judged.refusal IS NULL
),
candidate AS MATERIALIZED (
    SELECT judged.*, row_number() OVER (PARTITION BY benefit_id ORDER BY n) AS place
    FROM judged JOIN looked USING (n)
    WHERE is_at_cap IS NOT TRUE AND is_uncounted IS NOT TRUE
),
-- 4. Stock: the rows are locked in order; who fits is decided against the limit passed in.
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
-- 5. Caps: a count would race, a conditional upsert does not.
capped AS (
    INSERT INTO benefit_use AS u (benefit_id, cap_holder_id, step, period_on, period_ends_on, limits_version, used)
    SELECT benefit_id, cap_holder_id, step, period_on, period_ends_on, limits_version, 1 FROM fitting
    WHERE cap IS NOT NULL
    ORDER BY benefit_id, cap_holder_id, step, period_on
    ON CONFLICT (benefit_id, cap_holder_id, step, period_on) DO UPDATE SET used = u.used + 1
    WHERE u.used < (
        SELECT f.cap FROM fitting AS f
        WHERE f.benefit_id = EXCLUDED.benefit_id AND f.cap_holder_id = EXCLUDED.cap_holder_id)
    RETURNING benefit_id, cap_holder_id
),
survivor AS MATERIALIZED (
    SELECT fitting.* FROM fitting
    WHERE cap IS NULL OR EXISTS (
        SELECT FROM capped
        WHERE capped.benefit_id = fitting.benefit_id AND capped.cap_holder_id = fitting.cap_holder_id)
),
-- 6. The effect, its event and its place in the access log.
redeemed AS (
    INSERT INTO redemption (
        id, institution_id, idempotency_key, request_digest, reference, reference_turn, scan_id, benefit_id,
        benefit_code, title, campaign_version, is_stock_counted, citizen_id, cap_holder_id, step, period_on, store_id, terminal_id,
        amount_fen, discount_fen, state, redeemed_at, reversible_until, answer)
    SELECT
        id, institution_id, idempotency_key, request_digest, reference, turns, opened_scan_id, benefit_id,
        benefit_code, title, campaign_version, stock IS NOT NULL, citizen_id, cap_holder_id,
        CASE WHEN cap IS NOT NULL THEN step END, CASE WHEN cap IS NOT NULL THEN period_on END, store_id, terminal_id,
        amount_fen, discount_fen, 'redeemed', at, reversible_until, answer
    FROM survivor
    ORDER BY institution_id, reference
),
counted AS (
    UPDATE benefit_usage SET used = benefit_usage.used + taken.places
    FROM (SELECT benefit_id, count(*) AS places FROM survivor WHERE stock IS NOT NULL GROUP BY benefit_id) AS taken
    WHERE benefit_usage.benefit_id = taken.benefit_id
),
told_event AS (
    INSERT INTO event (id, epoch, at, type, institution_id, citizen_id, subject_id, data)
    SELECT uuidv7(), (SELECT max(epoch) FROM event_epoch), at, 'benefit.redeemed.v1', institution_id, citizen_id, id,
        jsonb_build_object('state', 'redeemed', 'benefitId', benefit_id, 'storeId', store_id, 'terminalId', terminal_id)
    FROM survivor
),
settled AS MATERIALIZED (
    SELECT item.n,
        CASE
            WHEN earlier.n IS NOT NULL THEN CASE WHEN earlier.is_same THEN 'replayed' ELSE 'idempotency_key_reused' END
            WHEN judged.refusal IS NOT NULL THEN judged.refusal
            WHEN survivor.n IS NOT NULL THEN 'redeemed'
            WHEN fitting.n IS NOT NULL OR looked.is_at_cap THEN 'cap_reached'
            WHEN looked.is_uncounted OR stocked.benefit_id IS NULL THEN 'uncounted'
            -- a place freed by somebody's cap goes to the next: try again
            WHEN stocked.used + (
                SELECT count(*) FROM survivor AS s WHERE s.benefit_id = item.benefit_id) < item.stock THEN 'again'
            ELSE 'stock_gone'
        END AS outcome,
        earlier.answer
    FROM item
    LEFT JOIN earlier USING (n)
    LEFT JOIN judged USING (n)
    LEFT JOIN looked USING (n)
    LEFT JOIN fitting USING (n)
    LEFT JOIN survivor USING (n)
    LEFT JOIN stocked ON stocked.benefit_id = item.benefit_id
),
logged AS (
    INSERT INTO access_log (id, at, citizen_id, institution_id, store_id, terminal_id, action, scenario, outcome, told)
    SELECT uuidv7(), item.at, item.citizen_id, item.institution_id, item.store_id, item.terminal_id, 'redeem',
        item.scenario, settled.outcome,
        CASE WHEN settled.outcome = 'redeemed' THEN jsonb_build_array(item.benefit_code) ELSE '[]' END
    FROM item JOIN settled USING (n)
    WHERE settled.outcome NOT IN ('replayed', 'again', 'stale', 'uncounted')
),
-- The citizen is told when a code is shown at a second store.
warned AS (
    INSERT INTO event (id, epoch, at, type, citizen_id, subject_id, data)
    SELECT uuidv7(), (SELECT max(epoch) FROM event_epoch), item.at, 'credit_code.refused.v1', item.citizen_id,
        item.citizen_id, jsonb_build_object('state', 'used', 'storeId', item.store_id)
    FROM item JOIN settled USING (n)
    WHERE settled.outcome = 'credit_code_used'
)
SELECT outcome, answer FROM settled ORDER BY n
