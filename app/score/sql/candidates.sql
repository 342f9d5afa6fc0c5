-- From what is told to the records that may count: rules 3, 4 and 5.

-- Records that count on some day, with their last day ("until"; null: no end in sight).
-- Validity, which is the longest publication period of what is negative, counts from the event, that of a continuing act
-- from its end. A state, negative ones too, counts while it lasts, however long: its period does not begin before it has
-- ended, and from the day it ends on it no longer counts at all. The last day of a period of months is the day of the
-- same number (Civil Code, art. 202). "alone" is what a record would give by itself.
candidate AS MATERIALIZED (
    SELECT r.citizen_id, r.day, r.rule_book_id, r.adult_on, r.id, r.event_on, r.quantity, r.act_id,
           t.indicator, t.dimension, t.kind, t.ceiling, t.annual_cap, t.doubles, t.adds_up, t.breaks_good_faith,
           t.exclusive_group, t.supersedes, t.rung_edges, t.rung_points, p.until,
           r.event_on <= r.day AND (p.until IS NULL OR p.until >= r.day) AS is_in_force,
           CASE WHEN t.kind = 'ladder' THEN coalesce(t.rung_points[width_bucket(r.quantity, t.rung_edges)], 0)
                ELSE t.points END AS alone,
           CASE WHEN t.kind IN ('state', 'ceiling') THEN 0 ELSE extract(year FROM r.event_on)::integer END AS cap_year
    FROM told r
    JOIN rule_term t ON t.rule_book_id = r.rule_book_id AND t.indicator = r.indicator AND t.grade IN ('', r.grade)
    CROSS JOIN LATERAL (
        SELECT CASE WHEN t.kind IN ('state', 'ceiling') THEN r.ends_on - 1
                    ELSE (coalesce(r.ends_on, r.event_on) + make_interval(months => t.validity_months))::date
               END AS until
    ) p
    WHERE r.state = 'active'
      AND r.event_on >= r.adult_on
      AND t.kind <> 'clean'
      AND t.severity IS DISTINCT FROM 'minor'
      AND (t.consent_purpose IS NULL OR t.consent_purpose = ANY(r.consents))
      AND (p.until IS NULL OR p.until >= r.event_on)
),

-- What good faith and the next change need to know of them: is one active now that breaks good faith, since when is
-- there none, and on which day does a record begin or cease to count. One row for everybody, records or not.
record_days AS MATERIALIZED (
    SELECT citizen_id, any_value(day) AS day, any_value(rule_book_id) AS rule_book_id,
           bool_or(breaks_good_faith AND is_in_force) AS is_in_default,
           coalesce(max(until) FILTER (WHERE breaks_good_faith AND until < day) + 1, min(adult_on)) AS clean_since,
           least(min(event_on) FILTER (WHERE event_on > day), min(until) FILTER (WHERE until >= day) + 1) AS next_on
    FROM (
        SELECT citizen_id, day, rule_book_id, adult_on, breaks_good_faith, is_in_force, event_on, until FROM candidate
        UNION ALL
        SELECT citizen_id, day, rule_book_id, adult_on, false, false, NULL, NULL FROM who
    ) each
    GROUP BY citizen_id
)
