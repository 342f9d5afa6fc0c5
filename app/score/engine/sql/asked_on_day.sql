-- Whom to score: citizens $1 on day $2 under rule book $3 (null: the active one).
asked AS (
    SELECT a.n::integer AS n, c.id AS citizen_id, c.birth_on, c.state, $2::date AS day,
           coalesce($3::integer, (SELECT b.id FROM rule_book b WHERE b.state = 'active')) AS rule_book_id
    FROM unnest($1::uuid[]) WITH ORDINALITY AS a (id, n)
    CROSS JOIN LATERAL (SELECT id, birth_on, state FROM citizen WHERE id = a.id OFFSET 0) c
)
