-- From contributions to the value: rule 7. A cap that does not exist is null, which least() and greatest() ignore.

-- First the annual caps, of the calendar year of the event; a state's cap (cap_year 0) is for all of it.
annual AS MATERIALIZED (
    SELECT n, indicator, dimension, cap_year, adjustment AS points
    FROM (
        SELECT n, indicator, dimension, cap_year,
               (CASE WHEN annual_cap > 0 THEN least(sum(points), annual_cap)
                     ELSE greatest(sum(points), annual_cap) END - sum(points))::integer AS adjustment
        FROM contribution
        WHERE annual_cap IS NOT NULL
        GROUP BY n, indicator, dimension, cap_year, annual_cap
    ) capped
    WHERE adjustment <> 0
),

-- Then the dimension caps.
gained AS (
    SELECT n, dimension, sum(points)::integer AS points
    FROM (
        SELECT n, dimension, points FROM contribution
        UNION ALL
        SELECT n, dimension, points FROM annual
    ) each
    GROUP BY n, dimension
),
dimension AS MATERIALIZED (
    SELECT *, '{"code": ' || to_json(code)::text || ', "points": ' AS prefix FROM rule_dimension
    WHERE rule_book_id IN (SELECT rule_book_id FROM who)
),
dimension_points AS MATERIALIZED (
    SELECT w.n, d.code, d.prefix, d.position, coalesce(g.points, 0) AS before,
           greatest(least(coalesce(g.points, 0), d.cap), d.floor) AS points
    FROM who w
    JOIN dimension d ON d.rule_book_id = w.rule_book_id
    LEFT JOIN gained g ON g.n = w.n AND g.dimension = d.code
),
-- JSON is put together as text and read once: building it value by value was a fifth of scoring a city.
dimension_total AS (
    SELECT n, sum(points)::integer AS points,
           ('[' || string_agg(prefix || points, '}, ' ORDER BY position) || '}]')::jsonb AS dimensions
    FROM dimension_points
    GROUP BY n
),

-- Then the scale, and last the ceilings: the lowest one holds.
lowest_ceiling AS (
    SELECT n, min(ceiling) AS ceiling FROM contribution WHERE ceiling IS NOT NULL GROUP BY n
),
total AS MATERIALIZED (
    SELECT w.n, b.base, t.dimensions, c.ceiling, s.before, s.scaled, v.value,
           b.level_codes[greatest(width_bucket(v.value, b.level_edges), 1)] AS level
    FROM who w
    JOIN rule_book b ON b.id = w.rule_book_id
    JOIN dimension_total t ON t.n = w.n
    LEFT JOIN lowest_ceiling c ON c.n = w.n
    CROSS JOIN LATERAL (
        SELECT b.base + t.points AS before, greatest(least(b.base + t.points, b.scale_max), b.scale_min) AS scaled
    ) s
    CROSS JOIN LATERAL (SELECT least(s.scaled, c.ceiling) AS value) v
),

-- What the caps, the scale and the ceilings took or gave back, in the order they were applied.
adjustment AS MATERIALIZED (
    SELECT n, 1 AS step, 'annual_cap' AS code, indicator AS subject, nullif(cap_year, 0) AS year, points
    FROM annual
    UNION ALL
    SELECT n, 2, 'dimension_cap', code, NULL, points - before FROM dimension_points WHERE points <> before
    UNION ALL
    SELECT n, 3, 'scale', '', NULL, scaled - before FROM total WHERE scaled <> before
    UNION ALL
    SELECT n, 4, 'ceiling', ceiling::text, NULL, value - scaled FROM total WHERE value <> scaled
),

-- The points by indicator and by limit; with the base they sum to the value, and two of them explain a change. An
-- indicator's code needs no escaping: the catalogue has letters, digits and underscores only.
part_total AS (
    SELECT n, ('{' || string_agg(key || ': ' || points, ', ') || '}')::jsonb AS parts
    FROM (
        SELECT n, '"' || indicator || '"' AS key, sum(points) AS points
        FROM contribution
        GROUP BY n, indicator
        UNION ALL
        SELECT n, to_json(code || ':' || subject)::text, sum(points)
        FROM adjustment
        GROUP BY n, code, subject
    ) part
    GROUP BY n
)
