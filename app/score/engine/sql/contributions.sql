-- From candidates to contributions: rules 1, 2 and 4, ladders, and the presumption of good faith.
-- Each rule looks only at the records it is about, which are few: that is what makes a whole city fast.

-- The records in force that rules 1, 2 and 4 may touch, and those of plain states: few.
touched AS MATERIALIZED (
    SELECT n, no, alone, cap_year, event_on, until, is_plain, is_bundled, id, quantity, act_id
    FROM candidate
    WHERE is_in_force AND (is_bundled OR NOT is_plain)
),

-- Rule 1: of the records of one act only the strongest goes on; these do not.
outdone AS MATERIALIZED (
    SELECT n, id
    FROM (
        SELECT c.n, c.id, row_number() OVER (
            PARTITION BY c.n, c.act_id
            ORDER BY abs(c.alone) DESC, c.alone DESC, c.quantity DESC NULLS LAST, c.event_on,
                     t.indicator COLLATE "C", c.id) AS rank
        FROM touched c
        JOIN rule_term t ON t.no = c.no
        WHERE c.act_id IS NOT NULL
    ) ranked
    WHERE rank > 1
),

-- Rule 2: of a doubling indicator's records the first counts once, every later one twice; of one day, the strongest is
-- first. What has expired is not there to be repeated.
repeated AS MATERIALIZED (
    SELECT n, id
    FROM (
        SELECT c.n, c.id, row_number() OVER (
            PARTITION BY c.n, t.indicator ORDER BY c.event_on, abs(c.alone) DESC, c.id) AS rank
        FROM touched c
        JOIN rule_term t ON t.no = c.no
        WHERE NOT c.is_plain AND t.doubles
          AND NOT EXISTS (SELECT FROM outdone o WHERE o.n = c.n AND o.id = c.id)
    ) ranked
    WHERE rank > 1
),
counted AS MATERIALIZED (
    SELECT c.n, c.no, c.alone, c.cap_year, c.event_on, c.until, c.is_bundled, r.id IS NOT NULL AS is_repeat, c.id,
           c.quantity
    FROM touched c
    LEFT JOIN repeated r ON r.n = c.n AND r.id = c.id
    WHERE NOT c.is_plain
      AND NOT EXISTS (SELECT FROM outdone o WHERE o.n = c.n AND o.id = c.id)
),

-- What counts as one: a ladder's records of one year, the records of one state (those of a plain one are put together
-- at the end), otherwise each record by itself.
-- A ladder's points last until the first of its records expires, a state's until the last one ends.
bundle AS (
    SELECT n, no, cap_year, is_repeat, ARRAY[id] AS record_ids, event_on, until,
           CASE WHEN is_repeat THEN 2 * alone ELSE alone END AS points
    FROM counted
    WHERE NOT is_bundled
    UNION ALL
    SELECT b.n, b.no, b.cap_year, b.is_repeat, b.record_ids, b.event_on,
           CASE WHEN t.kind = 'ladder' THEN b.until_first
                WHEN b.has_end THEN b.until_last END,
           CASE WHEN t.kind = 'ladder' THEN coalesce(t.rung_points[width_bucket(b.quantity, t.rung_edges)], 0)
                WHEN b.is_repeat THEN 2 * b.alone
                ELSE b.alone END
    FROM (
        SELECT n, no, cap_year, bool_or(is_repeat) AS is_repeat, array_sort(array_agg(id)) AS record_ids,
               min(event_on) AS event_on, min(until) AS until_first, max(until) AS until_last,
               bool_and(until IS NOT NULL) AS has_end, sum(quantity)::bigint AS quantity, max(alone) AS alone
        FROM counted
        WHERE is_bundled
        GROUP BY n, no, cap_year
    ) b
    JOIN rule_term t ON t.no = b.no
),
effective AS MATERIALIZED (
    SELECT b.n, b.no, b.points, b.cap_year, b.event_on, b.until, b.is_repeat, b.record_ids, t.indicator, t.kind,
           t.ceiling, t.exclusive_group, t.supersedes, t.is_superseded
    FROM bundle b
    JOIN rule_term t ON t.no = b.no
    WHERE b.points <> 0 OR t.ceiling IS NOT NULL
),

-- Rule 4: within an exclusive group only the strongest counts, and of a ladder's years only the best.
-- Between equals: the milder ceiling, then what lasts longer.
winner AS MATERIALIZED (
    SELECT n, no, points, cap_year, until, is_repeat, record_ids, indicator, supersedes, is_superseded
    FROM effective
    WHERE exclusive_group IS NULL AND kind <> 'ladder'
    UNION ALL
    SELECT n, no, points, cap_year, until, is_repeat, record_ids, indicator, supersedes, is_superseded
    FROM (
        SELECT *, row_number() OVER (
            PARTITION BY n, coalesce(exclusive_group, ' ' || indicator)
            ORDER BY abs(points) DESC, points DESC, ceiling DESC NULLS FIRST, until DESC NULLS FIRST,
                     event_on, indicator COLLATE "C", record_ids[1]) AS rank
        FROM effective
        WHERE exclusive_group IS NOT NULL OR kind = 'ladder'
    ) rival
    WHERE rank = 1
),

-- Rule 4, then: a weaker sibling gives way while both hold.
superseded AS MATERIALIZED (
    SELECT DISTINCT n, unnest(supersedes) AS indicator FROM winner WHERE supersedes <> '{}'
),

-- The presumption of good faith: full months since the last record that breaks it ceased to count, or since the
-- eighteenth birthday, as a ladder; nothing while one is active. A month is full on the day of the same number, or on
-- the last of a shorter month.
good_faith AS MATERIALIZED (
    SELECT w.n, t.no, coalesce(t.rung_points[g.rung], 0) AS points,
           (w.clean_since + make_interval(months => t.rung_edges[g.rung + 1]::integer))::date AS next_on
    FROM record_days w
    JOIN rule_term t ON t.rule_book_id = w.rule_book_id AND t.kind = 'clean'
    CROSS JOIN LATERAL (
        SELECT ((date_part('year', w.day) - date_part('year', w.clean_since)) * 12
                + date_part('month', w.day) - date_part('month', w.clean_since))::integer AS begun
        OFFSET 0
    ) m
    CROSS JOIN LATERAL (
        SELECT width_bucket(
            (m.begun - ((w.clean_since + make_interval(months => m.begun))::date > w.day)::integer)::bigint,
            t.rung_edges) AS rung
    ) g
    WHERE NOT w.is_in_default
)
