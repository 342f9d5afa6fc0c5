-- From what is told to the records that may count: rules 3, 4 and 5.

-- Records that count on some day, with their last day ("until"; null: no end in sight).
-- Validity, which is the longest publication period of what is negative, counts from the event, that of a continuing act
-- from its end. A state, negative ones too, counts while it lasts, however long: its period does not begin before it has
-- ended, and from the day it ends on it no longer counts at all. The last day of a period of months is the day of the
-- same number (Civil Code, art. 202). "alone" is what a record would give by itself; "next_on" is when it begins or
-- ceases to count, "good_from" since when, having ceased, it no longer breaks good faith. A plain record is touched by
-- none of rules 1, 2 and 4: it counts by itself.
candidate AS MATERIALIZED (
    SELECT r.citizen_id, r.id, r.event_on, r.quantity, r.act_id, t.no, p.until, t.is_bundled, t.doubles, f.is_in_force,
           NOT (t.is_bundled OR t.is_superseded OR t.doubles) AND r.act_id IS NULL AND t.exclusive_group IS NULL
           AND t.supersedes = '{}' AND (t.points <> 0 OR t.ceiling IS NOT NULL) AS is_plain,
           t.breaks_good_faith AND f.is_in_force AS is_in_default,
           CASE WHEN t.breaks_good_faith AND p.until < r.day THEN p.until + 1 END AS good_from,
           least(CASE WHEN r.event_on > r.day THEN r.event_on END,
                 CASE WHEN p.until >= r.day THEN p.until + 1 END) AS next_on,
           CASE WHEN t.kind = 'ladder' THEN coalesce(t.rung_points[width_bucket(r.quantity, t.rung_edges)], 0)
                ELSE t.points END AS alone,
           CASE WHEN t.is_lasting THEN 0 ELSE date_part('year', r.event_on)::integer END AS cap_year
    FROM told r
    JOIN rule_term t ON t.rule_book_id = r.rule_book_id AND t.indicator = r.indicator
    CROSS JOIN LATERAL (
        SELECT CASE WHEN t.is_lasting THEN r.ends_on - 1
                    ELSE (coalesce(r.ends_on, r.event_on) + make_interval(months => t.validity_months))::date
               END AS until
    ) p
    CROSS JOIN LATERAL (SELECT r.event_on <= r.day AND (p.until IS NULL OR p.until >= r.day) AS is_in_force) f
    WHERE r.state = 'active'
      AND r.event_on >= r.adult_on
      AND t.grade IN ('', r.grade)
      AND t.kind <> 'clean'
      AND t.severity IS DISTINCT FROM 'minor'
      AND (t.consent_purpose IS NULL OR t.consent_purpose = ANY(r.consents))
      AND (p.until IS NULL OR p.until >= r.event_on)
),

-- What good faith and the next change need to know of them: is one active now that breaks good faith, since when is
-- there none, and on which day does a record begin or cease to count. One row for everybody, records or not.
record_days AS MATERIALIZED (
    SELECT w.citizen_id, w.day, w.rule_book_id, coalesce(c.is_in_default, false) AS is_in_default,
           coalesce(c.good_from, w.adult_on) AS clean_since, c.next_on
    FROM who w
    LEFT JOIN (
        SELECT citizen_id, bool_or(is_in_default) AS is_in_default, max(good_from) AS good_from, min(next_on) AS next_on
        FROM candidate
        GROUP BY citizen_id
    ) c ON c.citizen_id = w.citizen_id
)
