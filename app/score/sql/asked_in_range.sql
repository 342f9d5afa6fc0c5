-- Whom to score: citizens after id $1 up to id $2, on day $3 under rule book $4.
asked AS (
    SELECT id AS citizen_id, $3::date AS day, $4::integer AS rule_book_id FROM citizen WHERE id > $1 AND id <= $2
)
