-- From citizens to the records that may count: rules 3, 4, 5 and 8.

-- Only adults who opted in have a score. A person born on 29 February comes of age on 1 March.
who AS MATERIALIZED (
    SELECT a.*, b.base, b.scale_min, b.scale_max, b.level_codes, b.level_edges, b.digest, age.adult_on,
           ARRAY(SELECT n.purpose FROM consent n
                 WHERE n.citizen_id = a.citizen_id AND n.withdrawn_at IS NULL AND n.purpose = ANY(b.consent_purposes)
                 ORDER BY n.purpose COLLATE "C") AS consents
    FROM asked a
    JOIN citizen c ON c.id = a.citizen_id
    JOIN rule_book b ON b.id = a.rule_book_id
    CROSS JOIN LATERAL (
        SELECT (c.birth_on + interval '18 years')::date
               + (extract(month FROM c.birth_on) = 2 AND extract(day FROM c.birth_on) = 29)::integer AS adult_on
    ) age
    WHERE c.state IN ('active', 'frozen') AND age.adult_on <= a.day
),

-- Everything told about them: the one place where the record table is read.
told AS MATERIALIZED (
    SELECT w.citizen_id, w.day, w.rule_book_id, w.adult_on, w.consents, r.id, r.version, r.state, r.indicator,
           r.honour, r.event_on, r.ends_on, r.grade, r.quantity, r.act_id
    FROM who w
    JOIN record r ON r.citizen_id = w.citizen_id
),

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
