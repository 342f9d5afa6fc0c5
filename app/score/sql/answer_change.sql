-- The score, and the one it follows.
SELECT n.citizen_id, n.value, n.level, n.dimensions, n.honours, n.parts, n.rule_book_id, n.as_of, n.next_change_on,
       n.inputs_hash, s.value AS from_value, s.level AS from_level, s.parts AS from_parts, s.inputs_hash AS from_hash
FROM scored n
LEFT JOIN LATERAL (
    SELECT value, level, parts, inputs_hash FROM score_snapshot WHERE citizen_id = n.citizen_id OFFSET 0
) s ON true
