-- The same for a range of citizens: the range is written here again, so that the table is read by it. An outer join with
-- its misses filtered by CASE is an inner one of which the planner does not believe that it yields next to nothing;
-- with such a guess it would put the large side of every later join into the hash table.
fact AS MATERIALIZED (
    SELECT w.n, w.day, w.adult_on, w.rule_book_id, r.event_on, r.id, r.version, r.ends_on, r.quantity, r.state,
           r.indicator, r.honour, r.grade, r.act_id
    FROM record r
    LEFT JOIN who w ON w.citizen_id = r.citizen_id
    WHERE r.citizen_id > $1 AND r.citizen_id <= $2 AND CASE WHEN w.n IS NULL THEN false ELSE true END
)
