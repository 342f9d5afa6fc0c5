-- The score with every contribution and adjustment, in the order they are shown.
SELECT n.citizen_id, n.value, n.level, n.dimensions, n.rule_book_id, n.as_of, n.next_change_on, n.inputs_hash, t.base,
       coalesce(c.contributions, '[]') AS contributions, coalesce(a.adjustments, '[]') AS adjustments
FROM scored n
JOIN total t ON t.citizen_id = n.citizen_id
LEFT JOIN (
    SELECT c.citizen_id,
           json_agg(json_build_object('recordIds', c.record_ids, 'indicator', c.indicator, 'dimension', c.dimension,
                                      'points', c.points, 'until', c.until, 'isRepeat', c.is_repeat)
                    ORDER BY d.position, abs(c.points) DESC, c.indicator COLLATE "C", c.record_ids) AS contributions
    FROM contribution c
    JOIN dimension_points d ON d.citizen_id = c.citizen_id AND d.code = c.dimension
    GROUP BY c.citizen_id
) c ON c.citizen_id = n.citizen_id
LEFT JOIN (
    SELECT citizen_id, json_agg(json_build_object('code', code, 'subject', subject, 'year', year, 'points', points)
                                ORDER BY step, subject COLLATE "C", year) AS adjustments
    FROM adjustment
    GROUP BY citizen_id
) a ON a.citizen_id = n.citizen_id
