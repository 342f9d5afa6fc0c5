-- Claims many codes for the stores that scanned them, with the citizens' access log, in one statement.
WITH item AS MATERIALIZED (
    SELECT * FROM unnest(
        $1::date[], $2::text[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::text[],
        $9::timestamptz[], $10::timestamptz[], $11::text[]
    ) WITH ORDINALITY AS given (
        slot_day, code_id, scan_id, institution_id, store_id, terminal_id, citizen_id, scenario,
        at, expires_at, told, n
    )
),
claimed AS (
    INSERT INTO scan (slot_day, code_id, id, institution_id, store_id, terminal_id, citizen_id, scenario,
                      scanned_at, expires_at)
    SELECT slot_day, code_id, scan_id, institution_id, store_id, terminal_id, citizen_id, scenario, at, expires_at
    FROM item
    ORDER BY slot_day, code_id
    ON CONFLICT (slot_day, code_id) DO UPDATE SET terminal_id = scan.terminal_id
    WHERE scan.store_id = EXCLUDED.store_id
    RETURNING slot_day, code_id, id, expires_at
),
settled AS MATERIALIZED (
    SELECT item.*, claimed.id AS claimed_id, claimed.expires_at AS claimed_until
    FROM item LEFT JOIN claimed USING (slot_day, code_id)
),
logged AS (
    INSERT INTO access_log (id, at, citizen_id, institution_id, store_id, terminal_id, action, scenario, outcome, told)
    SELECT uuidv7(), at, citizen_id, institution_id, store_id, terminal_id, 'scan', scenario,
        CASE WHEN claimed_id IS NULL THEN 'credit_code_used' ELSE 'scanned' END,
        CASE WHEN claimed_id IS NULL THEN '[]' ELSE told::jsonb END
    FROM settled
),
warned AS (
    INSERT INTO event (id, epoch, at, type, citizen_id, subject_id, data)
    SELECT uuidv7(), (SELECT max(epoch) FROM event_epoch), at, 'credit_code.refused.v1', citizen_id, citizen_id,
        jsonb_build_object('state', 'used', 'storeId', store_id)
    FROM settled WHERE claimed_id IS NULL
)
SELECT claimed_id AS scan_id, claimed_until AS expires_at FROM settled ORDER BY n
