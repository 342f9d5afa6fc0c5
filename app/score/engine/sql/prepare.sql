INSERT INTO score_prepared (citizen_id, value, level, dimension_points, honours, part_points, rule_book_id, as_of,
                            next_change_on, inputs_hash, computed_at)
SELECT citizen_id, value, level, dimension_points, honours, part_points, rule_book_id, as_of, next_change_on,
       inputs_hash, $5::timestamptz
FROM scored
ORDER BY n
