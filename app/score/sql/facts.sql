-- What a snapshot keeps besides the value: honours held, and a fingerprint of everything that went in.

-- An honour holds until its validity is over or the source ended it; of one honour the strongest grade counts.
honour AS MATERIALIZED (
    SELECT r.citizen_id, r.day, r.event_on, r.grade, h.code, p.rank, p.until
    FROM told r
    JOIN honour h ON h.code = r.honour
    CROSS JOIN LATERAL (
        SELECT CASE WHEN cardinality(h.grades) = 0 THEN 1 ELSE array_position(h.grades, r.grade) END AS rank,
               least(r.ends_on - 1, (r.event_on + make_interval(months => h.validity_months))::date) AS until
    ) p
    WHERE r.state = 'active' AND r.event_on >= r.adult_on AND p.rank IS NOT NULL AND p.until >= r.event_on
),
honour_held AS (
    SELECT citizen_id, json_agg(json_build_object('code', code, 'grade', grade, 'rank', rank, 'until', until)
                                ORDER BY code COLLATE "C") AS honours
    FROM (
        SELECT DISTINCT ON (citizen_id, code) * FROM honour
        WHERE event_on <= day AND until >= day
        ORDER BY citizen_id, code, rank DESC, until DESC
    ) best
    GROUP BY citizen_id
),
honour_days AS (
    SELECT citizen_id,
           least(min(event_on) FILTER (WHERE event_on > day), min(until) FILTER (WHERE until >= day) + 1) AS next_on
    FROM honour
    GROUP BY citizen_id
),
good_faith_days AS (
    SELECT citizen_id, min(next_on) AS next_on FROM good_faith GROUP BY citizen_id
),
fingerprint AS (
    SELECT citizen_id, string_agg(id || ' ' || version || ' ' || state, ',' ORDER BY id) AS records
    FROM told
    GROUP BY citizen_id
)
