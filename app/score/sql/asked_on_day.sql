-- Whom to score: citizens $1 on day $2 under rule book $3 (null: the active one).
asked AS (
    SELECT id AS citizen_id, $2::date AS day,
           coalesce($3::integer, (SELECT b.id FROM rule_book b WHERE b.state = 'active')) AS rule_book_id
    FROM unnest($1::uuid[]) AS id
)
