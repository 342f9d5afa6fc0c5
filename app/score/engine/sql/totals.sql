-- From contributions to the value: rule 7. A cap that does not exist is null, which least() and greatest() ignore.

-- First the annual caps, of the calendar year of the event; a state's cap (cap_year 0) is for all of it.
annual AS MATERIALIZED (
    SELECT n, indicator, no, rule_book_id, dimension, cap_year, adjustment AS points
    FROM (
        SELECT n, indicator, min(no) AS no, rule_book_id, dimension, cap_year,
               (CASE WHEN annual_cap > 0 THEN least(sum(points), annual_cap)
                     ELSE greatest(sum(points), annual_cap) END - sum(points))::integer AS adjustment
        FROM contribution
        WHERE annual_cap IS NOT NULL
        GROUP BY n, indicator, rule_book_id, dimension, cap_year, annual_cap
    ) capped
    WHERE adjustment <> 0
),

-- Then the dimension caps, of dimensions that have points: what another one gives is 0, but where a floor or a cap of a
-- book lies beyond it.
dimension AS MATERIALIZED (
    SELECT *, greatest(least(0, cap), floor) AS unmoved FROM rule_dimension
    WHERE rule_book_id IN (SELECT rule_book_id FROM who)
),
gained AS (
    SELECT n, rule_book_id, dimension, sum(points)::integer AS points
    FROM (
        SELECT n, rule_book_id, dimension, points FROM contribution
        UNION ALL
        SELECT n, rule_book_id, dimension, points FROM annual
        UNION ALL
        SELECT w.n, w.rule_book_id, d.code, 0
        FROM who w
        JOIN dimension d ON d.rule_book_id = w.rule_book_id
        WHERE d.unmoved <> 0
    ) each
    GROUP BY n, rule_book_id, dimension
),
dimension_points AS MATERIALIZED (
    SELECT g.n, d.code, d.position, g.points AS before, greatest(least(g.points, d.cap), d.floor) AS points
    FROM gained g
    JOIN dimension d ON d.rule_book_id = g.rule_book_id AND d.code = g.dimension
),
-- Packed as parts.unpack_dimensions reads it: building JSON was a fifth of scoring a city.
dimension_total AS (
    SELECT n, sum(points)::integer AS points,
           array_agg((position::bigint << 32) + points ORDER BY position) FILTER (WHERE points <> 0) AS dimensions
    FROM dimension_points
    GROUP BY n
),

-- Then the scale, and last the ceilings: the lowest one holds.
lowest_ceiling AS (
    SELECT n, min(ceiling) AS ceiling FROM contribution WHERE ceiling IS NOT NULL GROUP BY n
),
total AS MATERIALIZED (
    SELECT w.n, b.base, coalesce(t.dimensions, '{}') AS dimensions, c.ceiling, s.before, s.scaled, v.value,
           b.level_codes[greatest(width_bucket(v.value, b.level_edges), 1)] AS level
    FROM who w
    JOIN rule_book b ON b.id = w.rule_book_id
    LEFT JOIN dimension_total t ON t.n = w.n
    LEFT JOIN lowest_ceiling c ON c.n = w.n
    CROSS JOIN LATERAL (
        SELECT g.before, greatest(least(g.before, b.scale_max), b.scale_min) AS scaled
        FROM (SELECT b.base + coalesce(t.points, 0) AS before) g
    ) s
    CROSS JOIN LATERAL (SELECT least(s.scaled, c.ceiling) AS value) v
),

-- What the caps, the scale and the ceilings took or gave back, in the order they were applied. "key" is the subject as
-- a number: the indicator's first term, the dimension's place, the ceiling itself.
adjustment AS (
    SELECT n, 1 AS step, 'annual_cap' AS code, indicator AS subject, no AS key, nullif(cap_year, 0) AS year, points
    FROM annual
    UNION ALL
    SELECT n, 2, 'dimension_cap', code, position, NULL, points - before FROM dimension_points WHERE points <> before
    UNION ALL
    SELECT n, 3, 'scale', '', 0, NULL, scaled - before FROM total WHERE scaled <> before
    UNION ALL
    SELECT n, 4, 'ceiling', ceiling::text, ceiling, NULL, value - scaled FROM total WHERE value <> scaled
),

-- The points by term and by limit, packed as parts.unpack_parts reads them, which adds up what is of one; with the base
-- they sum to the value, and two of them explain a change.
part_total AS (
    SELECT n, array_agg(part) AS parts
    FROM (
        SELECT n, (no::bigint << 32) + points AS part FROM contribution
        UNION ALL
        SELECT n, (step::bigint << 60) + (key::bigint << 32) + points FROM adjustment
    ) each
    GROUP BY n
)
