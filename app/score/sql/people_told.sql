-- Told instead of stored: people $1 (a JSON array) on day $2 under rule book $3. Nobody's records are read.

-- The same rule 8: only adults have a score.
who AS MATERIALIZED (
    SELECT p.id AS citizen_id, $2::date AS day, b.id AS rule_book_id, age.adult_on, p.records,
           ARRAY(SELECT purpose FROM unnest(p.consents) AS purpose WHERE purpose = ANY(b.consent_purposes)
                 ORDER BY purpose COLLATE "C") AS consents
    FROM jsonb_to_recordset($1::jsonb) AS p (id uuid, birth_on date, consents text[], records jsonb)
    JOIN rule_book b ON b.id = $3::integer
    CROSS JOIN LATERAL (
        SELECT (p.birth_on + interval '18 years')::date
               + (extract(month FROM p.birth_on) = 2 AND extract(day FROM p.birth_on) = 29)::integer AS adult_on
    ) age
    WHERE age.adult_on <= $2::date
),

told AS MATERIALIZED (
    SELECT w.citizen_id, w.day, w.rule_book_id, w.adult_on, w.consents, r.id, r.version, r.state, r.indicator,
           r.honour, r.event_on, r.ends_on, r.grade, r.quantity, r.act_id
    FROM who w
    CROSS JOIN LATERAL jsonb_to_recordset(w.records) AS r (
        id uuid, version integer, state text, indicator text, honour text, event_on date, ends_on date, grade text,
        quantity bigint, act_id text)
)
