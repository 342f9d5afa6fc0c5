-- Who of them has a score: rule 8.

-- Only adults who opted in have a score. A person born on 29 February comes of age on 1 March.
who AS MATERIALIZED (
    SELECT a.n, a.day, age.adult_on, a.rule_book_id, a.citizen_id, coalesce(c.consents, '{}') AS consents
    FROM asked a
    LEFT JOIN consented c ON c.citizen_id = a.citizen_id
    CROSS JOIN LATERAL (
        SELECT (a.birth_on + interval '18 years')::date
               + (date_part('month', a.birth_on) = 2 AND date_part('day', a.birth_on) = 29)::integer AS adult_on
    ) age
    WHERE a.state IN ('active', 'frozen') AND age.adult_on <= a.day
)
