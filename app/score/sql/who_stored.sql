-- Who of them has a score: rule 8.

-- Only adults who opted in have a score. A person born on 29 February comes of age on 1 March.
-- LATERAL with OFFSET 0, here and for the records: large tables are asked one citizen at a time, whatever else is
-- joined by hashing.
who AS MATERIALIZED (
    SELECT a.citizen_id, a.day, a.rule_book_id, age.adult_on,
           ARRAY(SELECT n.purpose FROM consent n
                 WHERE n.citizen_id = a.citizen_id AND n.withdrawn_at IS NULL AND n.purpose = ANY(b.consent_purposes)
                 ORDER BY n.purpose COLLATE "C") AS consents
    FROM asked a
    CROSS JOIN LATERAL (SELECT birth_on, state FROM citizen WHERE id = a.citizen_id OFFSET 0) c
    JOIN rule_book b ON b.id = a.rule_book_id
    CROSS JOIN LATERAL (
        SELECT (c.birth_on + interval '18 years')::date
               + (extract(month FROM c.birth_on) = 2 AND extract(day FROM c.birth_on) = 29)::integer AS adult_on
    ) age
    WHERE c.state IN ('active', 'frozen') AND age.adult_on <= a.day
)
