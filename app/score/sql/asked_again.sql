-- Whom to score again: citizens $1 as of the day and under the rule book of their current score.
asked AS (
    SELECT citizen_id, as_of AS day, rule_book_id FROM score_snapshot WHERE citizen_id = ANY($1::uuid[])
)
