-- What counts in the end, each by itself, as an explanation shows it: for one record, or for several; good faith is
-- for none. points_summed is the same, added up.
effect AS (
    SELECT n, no, alone AS points, cap_year, until, false AS is_repeat, id AS record_id, NULL::uuid[] AS record_ids
    FROM candidate
    WHERE is_plain AND is_in_force AND NOT is_bundled
    UNION ALL
    SELECT n, no, max(alone), 0, CASE WHEN bool_and(until IS NOT NULL) THEN max(until) END, false, NULL,
           array_sort(array_agg(id))
    FROM touched c
    WHERE is_plain
      AND NOT EXISTS (SELECT FROM outdone o WHERE o.n = c.n AND o.id = c.id)
    GROUP BY n, no
    UNION ALL
    SELECT n, no, points, cap_year, until, is_repeat, NULL, record_ids
    FROM winner
    WHERE NOT is_superseded
    UNION ALL
    SELECT n, no, points, cap_year, until, is_repeat, NULL, record_ids
    FROM winner w
    WHERE is_superseded
      AND NOT EXISTS (SELECT FROM superseded s WHERE s.n = w.n AND s.indicator = w.indicator)
    UNION ALL
    SELECT n, no, points, 0, NULL, false, NULL, '{}'
    FROM good_faith
    WHERE points <> 0
),
contribution AS MATERIALIZED (
    SELECT g.n, g.no, g.points, g.cap_year, CASE WHEN t.kind <> 'clean' THEN t.annual_cap END AS annual_cap, t.ceiling,
           t.rule_book_id, t.dimension, t.indicator, g.until, g.is_repeat, g.record_id, g.record_ids
    FROM effect g
    JOIN rule_term t ON t.no = g.no
)
