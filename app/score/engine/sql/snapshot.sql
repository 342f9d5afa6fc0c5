-- What a snapshot keeps besides the value: honours held, and a fingerprint of everything that went in.

-- An honour holds until its validity is over or the source ended it; of one honour the strongest grade counts.
honour AS MATERIALIZED (
    SELECT r.n, r.day, r.event_on, r.grade, h.code, p.rank, p.until
    FROM fact r
    JOIN honour h ON h.code = r.honour
    CROSS JOIN LATERAL (
        SELECT CASE WHEN cardinality(h.grades) = 0 THEN 1 ELSE array_position(h.grades, r.grade) END AS rank,
               least(r.ends_on - 1, (r.event_on + make_interval(months => h.validity_months))::date) AS until
    ) p
    WHERE r.honour IS NOT NULL AND r.state = 'active' AND r.event_on >= r.adult_on
      AND p.rank IS NOT NULL AND p.until >= r.event_on
),
honour_held AS (
    SELECT n, jsonb_agg(jsonb_build_object('code', code, 'grade', grade, 'rank', rank, 'until', until)
                        ORDER BY code COLLATE "C") AS honours
    FROM (
        SELECT DISTINCT ON (n, code) * FROM honour
        WHERE event_on <= day AND until >= day
        ORDER BY n, code, rank DESC, until DESC
    ) best
    GROUP BY n
),
honour_days AS (
    SELECT n,
           least(min(event_on) FILTER (WHERE event_on > day), min(until) FILTER (WHERE until >= day) + 1) AS next_on
    FROM honour
    GROUP BY n
),
good_faith_days AS (
    SELECT n, min(next_on) AS next_on FROM good_faith GROUP BY n
),
fingerprint AS (
    SELECT n,
           string_agg(CASE state WHEN 'active' THEN uuid_send(id) || int4send(version)
                      ELSE uuid_send(id) || int4send(version) || convert_to(state, 'UTF8') END, '|' ORDER BY id) AS records
    FROM fact
    GROUP BY n
),

-- One row per citizen as it is stored: the value, what it is made of, when it changes next, what went in.
scored AS (
    SELECT w.citizen_id, w.n, t.value, t.level, t.dimensions AS dimension_points,
           coalesce(h.honours, '[]') AS honours, coalesce(p.parts, '{}') AS part_points, w.rule_book_id, w.day AS as_of,
           least(d.next_on, g.next_on, y.next_on) AS next_change_on,
           sha256(b.digest || convert_to(concat_ws('|', '', w.day, array_to_string(w.consents, ','), ''), 'UTF8')
                  || coalesce(f.records, '')) AS inputs_hash
    FROM who w
    JOIN rule_book b ON b.id = w.rule_book_id
    JOIN total t ON t.n = w.n
    LEFT JOIN part_total p ON p.n = w.n
    LEFT JOIN record_days d ON d.n = w.n
    LEFT JOIN good_faith_days g ON g.n = w.n
    LEFT JOIN honour_held h ON h.n = w.n
    LEFT JOIN honour_days y ON y.n = w.n
    LEFT JOIN fingerprint f ON f.n = w.n
)
