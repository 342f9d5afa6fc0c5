-- From contributions to the value: rule 7. A cap that does not exist is null, which least() and greatest() ignore.

-- First the annual caps, of the calendar year of the event; a state's cap (cap_year 0) is for all of it.
annual AS (
    SELECT citizen_id, indicator, dimension, cap_year, adjustment AS points
    FROM (
        SELECT citizen_id, indicator, dimension, cap_year,
               (CASE WHEN annual_cap > 0 THEN least(sum(points), annual_cap)
                     ELSE greatest(sum(points), annual_cap) END - sum(points))::integer AS adjustment
        FROM contribution
        WHERE annual_cap IS NOT NULL
        GROUP BY citizen_id, indicator, dimension, cap_year, annual_cap
    ) capped
    WHERE adjustment <> 0
),

-- Then the dimension caps.
gained AS (
    SELECT citizen_id, dimension, sum(points)::integer AS points
    FROM (
        SELECT citizen_id, dimension, points FROM contribution
        UNION ALL
        SELECT citizen_id, dimension, points FROM annual
    ) each
    GROUP BY citizen_id, dimension
),
dimension_points AS (
    SELECT w.citizen_id, d.code, d.position, coalesce(g.points, 0) AS before,
           greatest(least(coalesce(g.points, 0), d.cap), d.floor) AS points
    FROM who w
    JOIN rule_dimension d ON d.rule_book_id = w.rule_book_id
    LEFT JOIN gained g ON g.citizen_id = w.citizen_id AND g.dimension = d.code
),
dimension_total AS (
    SELECT citizen_id, sum(points)::integer AS points,
           json_agg(json_build_object('code', code, 'points', points) ORDER BY position) AS dimensions
    FROM dimension_points
    GROUP BY citizen_id
),

-- Then the scale, and last the ceilings: the lowest one holds.
contribution_total AS (
    SELECT c.citizen_id, min(c.ceiling) AS ceiling,
           json_agg(json_build_object('recordIds', c.record_ids, 'indicator', c.indicator, 'dimension', c.dimension,
                                      'points', c.points, 'until', c.until, 'isRepeat', c.is_repeat)
                    ORDER BY d.position, abs(c.points) DESC, c.indicator COLLATE "C", c.record_ids) AS contributions
    FROM contribution c
    JOIN dimension_points d ON d.citizen_id = c.citizen_id AND d.code = c.dimension
    GROUP BY c.citizen_id
),
total AS (
    SELECT w.citizen_id, t.dimensions, c.contributions, c.ceiling, s.before, s.scaled,
           least(s.scaled, c.ceiling) AS value
    FROM who w
    JOIN dimension_total t ON t.citizen_id = w.citizen_id
    LEFT JOIN contribution_total c ON c.citizen_id = w.citizen_id
    CROSS JOIN LATERAL (
        SELECT w.base + t.points AS before, greatest(least(w.base + t.points, w.scale_max), w.scale_min) AS scaled
    ) s
),

-- What the caps, the scale and the ceilings took or gave back, in the order they were applied.
adjustment_total AS (
    SELECT citizen_id, json_agg(json_build_object('code', code, 'subject', subject, 'year', year, 'points', points)
                                ORDER BY step, subject COLLATE "C", year) AS adjustments
    FROM (
        SELECT citizen_id, 1 AS step, 'annual_cap' AS code, indicator AS subject, nullif(cap_year, 0) AS year, points
        FROM annual
        UNION ALL
        SELECT citizen_id, 2, 'dimension_cap', code, NULL, points - before FROM dimension_points WHERE points <> before
        UNION ALL
        SELECT citizen_id, 3, 'scale', '', NULL, scaled - before FROM total WHERE scaled <> before
        UNION ALL
        SELECT citizen_id, 4, 'ceiling', ceiling::text, NULL, value - scaled FROM total WHERE value <> scaled
    ) each
    GROUP BY citizen_id
)
