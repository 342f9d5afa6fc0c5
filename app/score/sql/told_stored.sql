-- Everything told about them: the one place where the record table is read.
told AS MATERIALIZED (
    SELECT w.*, r.*
    FROM who w
    CROSS JOIN LATERAL (
        SELECT id, version, state, indicator, honour, event_on, ends_on, grade, quantity, act_id
        FROM record WHERE citizen_id = w.citizen_id OFFSET 0
    ) r
)
