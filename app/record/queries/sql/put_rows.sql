-- Claims the events nobody has claimed and stores their records; waits while another transaction claims the same one.
-- $1 … $12 and $15 are columns as texts (unit separators between values, a record separator for NULL; NULL for a
-- column of nothing else), because arrays cost the client ten times as much. A row for each record, in (source,
-- event id) order: two that claim the same events cannot deadlock. The ids ($15) come with the rows: uuidv7() opens
-- /dev/urandom each time, a twelfth of this statement. Returns the places of the rows whose events were claimed before.
WITH arrived AS MATERIALIZED (
    SELECT given.*
    FROM unnest(string_to_array($15, E'\x1f')::uuid[], string_to_array($1, E'\x1f')::uuid[],
                string_to_array($2, E'\x1f', E'\x1e'), string_to_array($3, E'\x1f', E'\x1e'), string_to_array($4, E'\x1f'), string_to_array($5, E'\x1f'),
                string_to_array($6, E'\x1f')::date[], string_to_array($7, E'\x1f', E'\x1e')::date[],
                string_to_array($8, E'\x1f', E'\x1e'), string_to_array($9, E'\x1f', E'\x1e')::bigint[],
                string_to_array($10, E'\x1f', E'\x1e'), string_to_array($11, E'\x1f', E'\x1e'),
                string_to_array($12, E'\x1f')::bytea[])
        WITH ORDINALITY AS given (id, citizen_id, indicator, honour, source, event_id, event_on, ends_on, grade,
                                  quantity, document, act_id, facts_digest, place)
), claimed AS (
    INSERT INTO record_source_event (source, event_id, record_id, citizen_id, facts_digest)
    SELECT source, event_id, id, citizen_id, facts_digest FROM arrived ORDER BY place
    ON CONFLICT (source, event_id) DO NOTHING
    RETURNING record_id
), stored AS (
    INSERT INTO record (id, citizen_id, indicator, honour, source, event_id, event_on, ends_on, grade, quantity,
                        document, act_id, state, entered_at, entered_by)
    SELECT id, citizen_id, indicator, honour, source, event_id, event_on, ends_on, grade, quantity,
           document, act_id, 'active', $13::timestamptz, $14::uuid
    FROM arrived
    -- IS TRUE keeps it a look-up in a hash; as a join its plan would depend on how many rows are expected.
    WHERE (id IN (SELECT record_id FROM claimed)) IS TRUE
)
SELECT coalesce(array_agg(place::integer), '{}') FROM arrived WHERE (id IN (SELECT record_id FROM claimed)) IS NOT TRUE
