-- Whom to score: citizens $1 on day $3 under rule book $4; the parameters of a range, where $2 is its end.
asked AS (
    SELECT a.n::integer AS n, c.id AS citizen_id, c.birth_on, c.state, $3::date AS day, $4::integer AS rule_book_id
    FROM unnest($1::uuid[]) WITH ORDINALITY AS a (id, n)
    CROSS JOIN LATERAL (SELECT id, birth_on, state FROM citizen WHERE id = a.id OFFSET 0) c
    WHERE $2::uuid IS NULL
)
