-- One row per citizen: the value, where it comes from, when it changes next, and the score it follows.
SELECT w.citizen_id, w.rule_book_id, w.day AS as_of, w.base, t.value,
       w.level_codes[greatest(width_bucket(t.value, w.level_edges), 1)] AS level,
       coalesce(t.contributions, '[]') AS contributions,
       coalesce(a.adjustments, '[]') AS adjustments,
       t.dimensions,
       coalesce(h.honours, '[]') AS honours,
       least(d.next_on, g.next_on, y.next_on) AS next_change_on,
       sha256(convert_to(concat_ws('|', encode(w.digest, 'hex'), coalesce(f.records, ''), array_to_string(w.consents, ','), w.day),
                         'UTF8')) AS inputs_hash,
       s.value AS from_value, s.level AS from_level, s.parts AS from_parts, s.inputs_hash AS from_hash
FROM who w
JOIN total t ON t.citizen_id = w.citizen_id
LEFT JOIN adjustment_total a ON a.citizen_id = w.citizen_id
LEFT JOIN record_days d ON d.citizen_id = w.citizen_id
LEFT JOIN good_faith_days g ON g.citizen_id = w.citizen_id
LEFT JOIN honour_held h ON h.citizen_id = w.citizen_id
LEFT JOIN honour_days y ON y.citizen_id = w.citizen_id
LEFT JOIN fingerprint f ON f.citizen_id = w.citizen_id
LEFT JOIN score_snapshot s ON s.citizen_id = w.citizen_id
