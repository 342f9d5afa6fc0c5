-- From contributions to the value: rule 7. A cap that does not exist is null, which least() and greatest() ignore.

-- First the annual caps, of the calendar year of the event; a state's cap (cap_year 0) is for all of it.
annual AS MATERIALIZED (
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
dimension AS MATERIALIZED (
    SELECT *, to_json(code)::text AS code_json FROM rule_dimension
    WHERE rule_book_id IN (SELECT rule_book_id FROM who)
),
dimension_points AS MATERIALIZED (
    SELECT w.citizen_id, d.code, d.code_json, d.position, coalesce(g.points, 0) AS before,
           greatest(least(coalesce(g.points, 0), d.cap), d.floor) AS points
    FROM who w
    JOIN dimension d ON d.rule_book_id = w.rule_book_id
    LEFT JOIN gained g ON g.citizen_id = w.citizen_id AND g.dimension = d.code
),
-- JSON is put together as text and read once: building it value by value was a fifth of scoring a city.
dimension_total AS (
    SELECT citizen_id, sum(points)::integer AS points,
           ('[' || string_agg('{"code": ' || code_json || ', "points": ' || points || '}', ', ' ORDER BY position)
            || ']')::jsonb AS dimensions
    FROM dimension_points
    GROUP BY citizen_id
),

-- Then the scale, and last the ceilings: the lowest one holds.
lowest_ceiling AS (
    SELECT citizen_id, min(ceiling) AS ceiling FROM contribution WHERE ceiling IS NOT NULL GROUP BY citizen_id
),
total AS MATERIALIZED (
    SELECT w.citizen_id, b.base, t.dimensions, c.ceiling, s.before, s.scaled, v.value,
           b.level_codes[greatest(width_bucket(v.value, b.level_edges), 1)] AS level
    FROM who w
    JOIN rule_book b ON b.id = w.rule_book_id
    JOIN dimension_total t ON t.citizen_id = w.citizen_id
    LEFT JOIN lowest_ceiling c ON c.citizen_id = w.citizen_id
    CROSS JOIN LATERAL (
        SELECT b.base + t.points AS before, greatest(least(b.base + t.points, b.scale_max), b.scale_min) AS scaled
    ) s
    CROSS JOIN LATERAL (SELECT least(s.scaled, c.ceiling) AS value) v
),

-- What the caps, the scale and the ceilings took or gave back, in the order they were applied.
adjustment AS MATERIALIZED (
    SELECT citizen_id, 1 AS step, 'annual_cap' AS code, indicator AS subject, nullif(cap_year, 0) AS year, points
    FROM annual
    UNION ALL
    SELECT citizen_id, 2, 'dimension_cap', code, NULL, points - before FROM dimension_points WHERE points <> before
    UNION ALL
    SELECT citizen_id, 3, 'scale', '', NULL, scaled - before FROM total WHERE scaled <> before
    UNION ALL
    SELECT citizen_id, 4, 'ceiling', ceiling::text, NULL, value - scaled FROM total WHERE value <> scaled
),

-- The points by indicator and by limit; with the base they sum to the value, and two of them explain a change. An
-- indicator's code needs no escaping: the catalogue has letters, digits and underscores only.
part_total AS (
    SELECT citizen_id, ('{' || string_agg(key || ': ' || points, ', ') || '}')::jsonb AS parts
    FROM (
        SELECT citizen_id, '"' || indicator || '"' AS key, sum(points) AS points
        FROM contribution
        GROUP BY citizen_id, indicator
        UNION ALL
        SELECT citizen_id, to_json(code || ':' || subject)::text, sum(points)
        FROM adjustment
        GROUP BY citizen_id, code, subject
    ) part
    GROUP BY citizen_id
)
