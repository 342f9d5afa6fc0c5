-- The score with every contribution and adjustment, in the order they are shown.
SELECT s.citizen_id, s.value, s.level, s.rule_book_id, s.as_of, s.next_change_on, s.inputs_hash, t.base,
       coalesce(c.contributions, '[]') AS contributions, coalesce(a.adjustments, '[]') AS adjustments
FROM scored s
JOIN total t ON t.n = s.n
LEFT JOIN (
    SELECT c.n,
           json_agg(json_build_object('recordIds', r.ids, 'indicator', c.indicator, 'dimension', c.dimension,
                                      'points', c.points, 'until', c.until, 'isRepeat', c.is_repeat)
                    ORDER BY d.position, abs(c.points) DESC, c.indicator COLLATE "C", r.ids) AS contributions
    FROM contribution c
    JOIN dimension_points d ON d.n = c.n AND d.code = c.dimension
    CROSS JOIN LATERAL (SELECT coalesce(c.record_ids, ARRAY[c.record_id]) AS ids) r
    GROUP BY c.n
) c ON c.n = s.n
LEFT JOIN (
    SELECT n, json_agg(json_build_object('code', code, 'subject', subject, 'year', year, 'points', points)
                       ORDER BY step, subject COLLATE "C", year) AS adjustments
    FROM adjustment
    GROUP BY n
) a ON a.n = s.n
