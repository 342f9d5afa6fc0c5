-- From facts to the records that may count: rules 3, 4 and 5.

-- What is asked of a term for every record, found once: of those that records can count under, in the books at hand. A
-- simple term is touched by none of rules 1, 2 and 4, as far as it goes by the term.
term AS MATERIALIZED (
    SELECT no, rule_book_id, indicator, grade, points, is_bundled, is_lasting, breaks_good_faith, consent_purpose,
           make_interval(months => validity_months) AS validity, kind = 'ladder' AS is_ladder,
           NOT is_lasting AND (annual_cap IS NOT NULL OR kind = 'ladder') AS is_by_year,
           NOT (is_superseded OR doubles) AND exclusive_group IS NULL AND supersedes = '{}' AND kind <> 'ladder'
           AND (points <> 0 OR ceiling IS NOT NULL) AS is_simple, rung_edges, rung_points
    FROM rule_term
    WHERE kind <> 'clean' AND severity IS DISTINCT FROM 'minor' AND rule_book_id IN (SELECT rule_book_id FROM who)
),

-- Records that count on some day, with their last day ("until"; null: no end in sight).
-- Validity, which is the longest publication period of what is negative, counts from the event, that of a continuing act
-- from its end. A state, negative ones too, counts while it lasts, however long: its period does not begin before it has
-- ended, and from the day it ends on it no longer counts at all. The last day of a period of months is the day of the
-- same number (Civil Code, art. 202). "alone" is what a record would give by itself; "next_on" is when it begins or
-- ceases to count, "good_from" since when, having ceased, it no longer breaks good faith. A plain record is touched by
-- none of rules 1, 2 and 4: it counts by itself. So do those of a state, all of them or none, as one.
-- OFFSET 0 keeps each date from being computed anew wherever it is used; for CASE and the outer join see facts_in_range.
candidate AS MATERIALIZED (
    SELECT r.n, r.no, r.alone, r.cap_year, r.event_on, r.until, f.is_in_force, r.is_plain, r.is_bundled,
           r.breaks_good_faith AND f.is_in_force AS is_in_default,
           CASE WHEN r.breaks_good_faith AND r.until < r.day THEN r.until + 1 END AS good_from,
           least(CASE WHEN r.event_on > r.day THEN r.event_on END,
                 CASE WHEN r.until >= r.day THEN r.until + 1 END) AS next_on,
           r.id, r.quantity, r.act_id
    FROM (
        SELECT r.n, r.day, r.event_on, r.id, r.quantity, r.act_id, t.no, t.is_bundled, t.breaks_good_faith,
               CASE WHEN t.is_lasting THEN r.ends_on - 1
                    ELSE (coalesce(r.ends_on, r.event_on) + t.validity)::date
               END AS until,
               t.is_simple AND (r.act_id IS NULL OR t.is_bundled) AS is_plain,
               CASE WHEN t.is_ladder THEN coalesce(t.rung_points[width_bucket(r.quantity, t.rung_edges)], 0)
                    ELSE t.points END AS alone,
               CASE WHEN t.is_by_year THEN date_part('year', r.event_on)::integer ELSE 0 END AS cap_year
        FROM fact r
        LEFT JOIN term t ON t.rule_book_id = r.rule_book_id AND t.indicator = r.indicator
             AND t.grade IN ('', r.grade)
        WHERE CASE WHEN t.no IS NOT NULL AND r.event_on >= r.adult_on AND r.state = 'active'
                   THEN t.consent_purpose IS NULL OR (r.n, t.consent_purpose) IN (SELECT n, unnest(consents) FROM who)
                   ELSE false END
        OFFSET 0
    ) r
    CROSS JOIN LATERAL (SELECT r.event_on <= r.day AND (r.until IS NULL OR r.until >= r.day) AS is_in_force) f
    WHERE r.until IS NULL OR r.until >= r.event_on
),

-- What good faith and the next change need to know of them: is one active now that breaks good faith, since when is
-- there none, and on which day does a record begin or cease to count. One row for everybody, records or not.
record_days AS MATERIALIZED (
    SELECT w.n, w.day, w.rule_book_id, coalesce(c.is_in_default, false) AS is_in_default,
           coalesce(c.good_from, w.adult_on) AS clean_since, c.next_on
    FROM who w
    LEFT JOIN (
        SELECT n, bool_or(is_in_default) AS is_in_default, max(good_from) AS good_from, min(next_on) AS next_on
        FROM candidate
        GROUP BY n
    ) c ON c.n = w.n
)
