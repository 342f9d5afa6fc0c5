-- Whom to score: citizens $1 on day $3 under rule book $4; the parameters of a range, where $2 is its end.
asked AS (
    SELECT id AS citizen_id, $3::date AS day, $4::integer AS rule_book_id
    FROM unnest($1::uuid[]) AS id
    WHERE $2::uuid IS NULL
)
