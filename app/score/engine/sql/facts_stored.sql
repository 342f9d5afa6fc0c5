-- The facts on record about them: the one place where the record table is read.
fact AS MATERIALIZED (
    SELECT w.n, w.day, w.adult_on, w.rule_book_id, r.*
    FROM who w
    CROSS JOIN LATERAL (
        SELECT event_on, id, version, ends_on, quantity, state, indicator, honour, grade, act_id
        FROM record WHERE citizen_id = w.citizen_id OFFSET 0
    ) r
)
