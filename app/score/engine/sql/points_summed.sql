-- What counts in the end, as points_each has it, but added up by term and year before it is joined to its term: a score
-- is stored without its records, and most of them are plain.
effect AS (
    SELECT n, no, sum(alone)::integer AS points, cap_year
    FROM candidate
    WHERE is_plain AND is_in_force AND NOT is_bundled
    GROUP BY n, no, cap_year
    UNION ALL
    SELECT n, no, max(alone), 0
    FROM touched c
    WHERE is_plain
      AND NOT EXISTS (SELECT FROM outdone o WHERE o.n = c.n AND o.id = c.id)
    GROUP BY n, no
    UNION ALL
    SELECT n, no, points, cap_year FROM winner WHERE NOT is_superseded
    UNION ALL
    SELECT n, no, points, cap_year
    FROM winner w
    WHERE is_superseded
      AND NOT EXISTS (SELECT FROM superseded s WHERE s.n = w.n AND s.indicator = w.indicator)
    UNION ALL
    SELECT n, no, points, 0 FROM good_faith WHERE points <> 0
),
contribution AS MATERIALIZED (
    SELECT g.n, g.no, g.points, g.cap_year, CASE WHEN t.kind <> 'clean' THEN t.annual_cap END AS annual_cap, t.ceiling,
           t.rule_book_id, t.dimension, t.indicator
    FROM effect g
    JOIN rule_term t ON t.no = g.no
)
