-- Everything told about them: the one place where the record table is read.
told AS MATERIALIZED (
    SELECT w.citizen_id, w.day, w.rule_book_id, w.adult_on, w.consents, r.id, r.version, r.state, r.indicator,
           r.honour, r.event_on, r.ends_on, r.grade, r.quantity, r.act_id
    FROM who w
    JOIN record r ON r.citizen_id = w.citizen_id
)
