-- Whom to score: citizens after id $1 up to id $2, on day $3 under rule book $4, and the separate consents they gave.
-- From here on people have a number: a quicker key than an id in everything that follows.
asked AS (
    SELECT row_number() OVER (ORDER BY id)::integer AS n, id AS citizen_id, birth_on, state, $3::date AS day,
           $4::integer AS rule_book_id
    FROM citizen
    WHERE id > $1 AND id <= $2
),
consented AS (
    SELECT citizen_id, array_agg(purpose ORDER BY purpose COLLATE "C") AS consents
    FROM consent
    WHERE citizen_id > $1 AND citizen_id <= $2 AND withdrawn_at IS NULL
      AND (SELECT consent_purposes FROM rule_book WHERE id = $4::integer) @> ARRAY[purpose]
    GROUP BY citizen_id
)
