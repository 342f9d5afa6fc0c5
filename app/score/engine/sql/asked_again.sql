-- Whom to score again: citizens $1 as of the day and under the rule book of their current score.
asked AS (
    SELECT row_number() OVER ()::integer AS n, c.id AS citizen_id, c.birth_on, c.state, s.as_of AS day, s.rule_book_id
    FROM score_snapshot s
    CROSS JOIN LATERAL (SELECT id, birth_on, state FROM citizen WHERE id = s.citizen_id OFFSET 0) c
    WHERE s.citizen_id = ANY($1::uuid[])
)
