-- From citizens to everything recorded about them: rule 8.

-- Only adults who opted in have a score. A person born on 29 February comes of age on 1 March.
who AS MATERIALIZED (
    SELECT a.*, b.base, b.scale_min, b.scale_max, b.level_codes, b.level_edges, b.digest, age.adult_on,
           ARRAY(SELECT n.purpose FROM consent n
                 WHERE n.citizen_id = a.citizen_id AND n.withdrawn_at IS NULL AND n.purpose = ANY(b.consent_purposes)
                 ORDER BY n.purpose COLLATE "C") AS consents
    FROM asked a
    JOIN citizen c ON c.id = a.citizen_id
    JOIN rule_book b ON b.id = a.rule_book_id
    CROSS JOIN LATERAL (
        SELECT (c.birth_on + interval '18 years')::date
               + (extract(month FROM c.birth_on) = 2 AND extract(day FROM c.birth_on) = 29)::integer AS adult_on
    ) age
    WHERE c.state IN ('active', 'frozen') AND age.adult_on <= a.day
),

-- Everything told about them: the one place where the record table is read.
told AS MATERIALIZED (
    SELECT w.citizen_id, w.day, w.rule_book_id, w.adult_on, w.consents, r.id, r.version, r.state, r.indicator,
           r.honour, r.event_on, r.ends_on, r.grade, r.quantity, r.act_id
    FROM who w
    JOIN record r ON r.citizen_id = w.citizen_id
)
