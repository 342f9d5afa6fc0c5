-- The score, and the one it follows.
SELECT n.*, s.value AS from_value, s.level AS from_level, s.parts AS from_parts, s.inputs_hash AS from_hash
FROM scored n
LEFT JOIN score_snapshot s ON s.citizen_id = n.citizen_id
