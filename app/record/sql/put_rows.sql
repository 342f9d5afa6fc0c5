-- Claims the events nobody has claimed and keeps their records; waits for whoever is claiming the same.
-- $1 … $12 are columns, a row for each record, in (source, event id) order: two that claim the same events cannot
-- deadlock. Returns the places of the rows that are new, and their records.
WITH told AS MATERIALIZED (
    SELECT uuidv7() AS id, given.*
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::date[], $7::date[], $8::text[],
                $9::bigint[], $10::text[], $11::text[], $12::bytea[])
        WITH ORDINALITY AS given (citizen_id, indicator, honour, source, event_id, event_on, ends_on, grade, quantity,
                                  document, act_id, facts_digest, place)
), claimed AS (
    INSERT INTO record_source_event (source, event_id, record_id, citizen_id, facts_digest)
    SELECT source, event_id, id, citizen_id, facts_digest FROM told ORDER BY place
    ON CONFLICT (source, event_id) DO NOTHING
    RETURNING record_id
), kept AS (
    INSERT INTO record (id, citizen_id, indicator, honour, source, event_id, event_on, ends_on, grade, quantity,
                        document, act_id, state, entered_at, entered_by)
    SELECT id, citizen_id, indicator, honour, source, event_id, event_on, ends_on, grade, quantity,
           document, act_id, 'active', $13::timestamptz, $14::uuid
    FROM told
    -- IS TRUE keeps it a look-up in a hash; as a join its plan would depend on how many rows are expected.
    WHERE (id IN (SELECT record_id FROM claimed)) IS TRUE
)
SELECT coalesce(array_agg(place::integer ORDER BY place), '{}') AS places,
       coalesce(array_agg(id ORDER BY place), '{}') AS record_ids
FROM told WHERE (id IN (SELECT record_id FROM claimed)) IS TRUE
