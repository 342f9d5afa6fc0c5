-- The same for a range of citizens: the range stands here again, so that the table is read by it.
told AS MATERIALIZED (
    SELECT w.citizen_id, w.day, w.rule_book_id, w.adult_on, w.consents, r.id, r.version, r.state, r.indicator,
           r.honour, r.event_on, r.ends_on, r.grade, r.quantity, r.act_id
    FROM who w
    JOIN record r ON r.citizen_id = w.citizen_id AND r.citizen_id > $1 AND r.citizen_id <= $2
)
