-- People who are given, not stored: $1 (a JSON array) on day $2 under rule book $3. Nobody's records are read.

-- The same rule 8: only adults have a score.
who AS MATERIALIZED (
    SELECT p.n::integer AS n, $2::date AS day, age.adult_on, b.id AS rule_book_id, p.id AS citizen_id, p.records,
           ARRAY(SELECT purpose FROM unnest(p.consents) AS purpose WHERE purpose = ANY(b.consent_purposes)
                 ORDER BY purpose COLLATE "C") AS consents
    FROM ROWS FROM (
        jsonb_to_recordset($1::jsonb) AS (id uuid, birth_on date, consents text[], records jsonb)
    ) WITH ORDINALITY AS p (id, birth_on, consents, records, n)
    JOIN rule_book b ON b.id = $3::integer
    CROSS JOIN LATERAL (
        SELECT (p.birth_on + interval '18 years')::date
               + (date_part('month', p.birth_on) = 2 AND date_part('day', p.birth_on) = 29)::integer AS adult_on
    ) age
    WHERE age.adult_on <= $2::date
),

fact AS MATERIALIZED (
    SELECT w.n, w.day, w.adult_on, w.rule_book_id, r.*
    FROM who w
    CROSS JOIN LATERAL jsonb_to_recordset(w.records) AS r (
        event_on date, id uuid, version integer, ends_on date, quantity bigint, state text, indicator text, honour text,
        grade text, act_id text)
)
