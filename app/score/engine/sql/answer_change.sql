-- The score, and the one it follows. What is packed travels as text: a list would be taken apart number by number.
SELECT n.citizen_id, n.value, n.level, n.dimension_points::text, n.honours, n.part_points::text, n.rule_book_id, n.as_of,
       n.next_change_on, n.inputs_hash, s.value AS from_value, s.level AS from_level, s.parts AS from_parts,
       s.rule_book_id AS from_rule_book_id, s.inputs_hash AS from_hash
FROM scored n
LEFT JOIN LATERAL (
    SELECT value, level, coalesce(part_points::text, parts::text) AS parts, rule_book_id, inputs_hash
    FROM score_snapshot WHERE citizen_id = n.citizen_id OFFSET 0
) s ON true
