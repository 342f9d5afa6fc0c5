-- Claims many codes for the stores that scanned them, with the citizens' access log, in one statement.
-- A code that is scanned again adds a line, or a warning, only when the terminal learns something else than it did within
-- the lifetime of a scan ($12): a till that keeps pressing the trigger does not fill the citizen's log.
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
    RETURNING new.slot_day, new.code_id, new.id, new.expires_at, old.id IS NULL AS is_first
),
outcome AS MATERIALIZED (
    SELECT item.*, claimed.id AS claimed_id, claimed.expires_at AS claimed_until, claimed.is_first,
        CASE WHEN claimed.id IS NULL THEN 'credit_code_used' ELSE 'scanned' END AS outcome,
        CASE WHEN claimed.id IS NULL THEN '[]' ELSE item.told END::jsonb AS disclosed
    FROM item LEFT JOIN claimed USING (slot_day, code_id)
),
settled AS MATERIALIZED (
    SELECT outcome.*, CASE WHEN is_first THEN true ELSE NOT EXISTS (
        SELECT FROM access_log AS earlier
        WHERE earlier.citizen_id = outcome.citizen_id AND earlier.at >= outcome.at - $12::interval
            AND earlier.action = 'scan' AND earlier.outcome = outcome.outcome AND earlier.told = outcome.disclosed
            AND earlier.terminal_id = outcome.terminal_id AND earlier.scenario IS NOT DISTINCT FROM outcome.scenario
    ) END AS is_news
    FROM outcome
),
logged AS (
    INSERT INTO access_log (id, at, citizen_id, institution_id, store_id, terminal_id, action, scenario, outcome, told)
    SELECT uuidv7(), at, citizen_id, institution_id, store_id, terminal_id, 'scan', scenario,
        outcome, disclosed
    FROM settled WHERE is_news
),
warned AS (
    INSERT INTO event (id, epoch, at, type, citizen_id, subject_id, data)
    SELECT uuidv7(), (SELECT max(epoch) FROM event_epoch), at, 'credit_code.refused.v1', citizen_id, citizen_id,
        jsonb_build_object('state', 'used', 'storeId', store_id)
    FROM settled WHERE claimed_id IS NULL AND is_news
)
SELECT claimed_id AS scan_id, claimed_until AS expires_at FROM settled ORDER BY n
