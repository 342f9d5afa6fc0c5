-- From candidates to contributions: rules 1, 2 and 4, ladders, and the presumption of good faith.

-- Rule 1: of the records of one act only the strongest goes on.
act AS (
    SELECT *, row_number() OVER (
        PARTITION BY citizen_id, coalesce(act_id, id::text)
        ORDER BY abs(alone) DESC, alone DESC, quantity DESC NULLS LAST, event_on,
                 indicator COLLATE "C", id) AS rank
    FROM candidate
    WHERE is_in_force
),

-- Rule 2: of a doubling indicator's records the first counts once, every later one twice; of one day, the strongest is
-- first. What has expired is not there to be repeated.
counted AS (
    SELECT *, doubles AND row_number() OVER (
        PARTITION BY citizen_id, indicator ORDER BY event_on, abs(alone) DESC, id) > 1 AS is_repeat
    FROM act
    WHERE rank = 1
),

-- What counts as one: a ladder's records of one year, the records of one state, otherwise each record by itself.
-- A ladder's points stand until the first of its records expires, a state's until the last one ends.
bundle AS (
    SELECT citizen_id, indicator, bundle_key,
           any_value(dimension) AS dimension, any_value(kind) AS kind, any_value(ceiling) AS ceiling,
           any_value(annual_cap) AS annual_cap, any_value(exclusive_group) AS exclusive_group,
           any_value(supersedes) AS supersedes, any_value(cap_year) AS cap_year, bool_or(is_repeat) AS is_repeat,
           array_agg(id ORDER BY event_on, id) AS record_ids, min(event_on) AS event_on,
           CASE WHEN any_value(kind) = 'ladder' THEN min(until)
                WHEN bool_and(until IS NOT NULL) THEN max(until) END AS until,
           CASE WHEN any_value(kind) = 'ladder' THEN coalesce(
                    (any_value(rung_points))[width_bucket(sum(quantity)::bigint, any_value(rung_edges))], 0)
                WHEN bool_or(is_repeat) THEN 2 * max(alone)
                ELSE max(alone) END AS points
    FROM (
        SELECT *, CASE WHEN kind = 'ladder' THEN cap_year::text
                       WHEN kind IN ('state', 'ceiling') AND NOT adds_up THEN ''
                       ELSE id::text END AS bundle_key
        FROM counted
    ) keyed
    GROUP BY citizen_id, indicator, bundle_key
),

-- Rule 4: within an exclusive group only the strongest counts, and of a ladder's years only the best.
-- Between equals: the milder ceiling, then what lasts longer.
rival AS (
    SELECT *, row_number() OVER (
        PARTITION BY citizen_id, exclusive_group, CASE
            WHEN exclusive_group IS NOT NULL THEN ''
            WHEN kind = 'ladder' THEN indicator
            ELSE indicator || ' ' || bundle_key END
        ORDER BY abs(points) DESC, points DESC, ceiling DESC NULLS FIRST, until DESC NULLS FIRST,
                 event_on, indicator COLLATE "C", record_ids[1]) AS rank
    FROM bundle
    WHERE points <> 0 OR ceiling IS NOT NULL
),

-- Rule 4, then: a weaker sibling gives way while both hold.
held AS (
    SELECT * FROM rival
    WHERE rank = 1
      AND (citizen_id, indicator) NOT IN (SELECT s.citizen_id, unnest(s.supersedes) FROM rival s WHERE s.rank = 1)
),

-- The presumption of good faith: full months since the last record that breaks it ceased to count, or since the
-- eighteenth birthday, as a ladder; nothing while one is active.
good_faith AS (
    SELECT w.citizen_id, t.indicator, t.dimension,
           coalesce(max(rung.points) FILTER (WHERE rung.reached_on <= w.day), 0) AS points,
           min(rung.reached_on) FILTER (WHERE rung.reached_on > w.day) AS next_on
    FROM record_days w
    JOIN rule_term t ON t.rule_book_id = w.rule_book_id AND t.kind = 'clean'
    CROSS JOIN LATERAL (
        SELECT r.points, (w.clean_since + make_interval(months => r.edge::integer))::date AS reached_on
        FROM unnest(t.rung_edges, t.rung_points) AS r (edge, points)
    ) rung
    WHERE NOT w.is_in_default
    GROUP BY w.citizen_id, t.indicator, t.dimension
),

contribution AS (
    SELECT citizen_id, record_ids, indicator, dimension, points, until, is_repeat, ceiling, annual_cap, cap_year
    FROM held
    UNION ALL
    SELECT citizen_id, '{}', indicator, dimension, points, NULL, false, NULL, NULL, 0
    FROM good_faith
    WHERE points <> 0
)
