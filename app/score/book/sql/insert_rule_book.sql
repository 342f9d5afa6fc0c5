-- Stores rule book document $1 in state $2 and spreads it into the rows the engine joins, one per indicator and grade.
WITH book AS (
    INSERT INTO rule_book (code, version, state, document, digest, base, scale_min, scale_max, level_codes, level_edges,
                           consent_purposes)
    SELECT d.document ->> 'code', (d.document ->> 'version')::integer, $2, d.document,
           sha256(convert_to(d.document::text, 'UTF8')),
           (d.document #>> '{scale,base}')::integer,
           (d.document #>> '{scale,min}')::integer,
           (d.document #>> '{scale,max}')::integer,
           ARRAY(SELECT l ->> 'code' FROM jsonb_array_elements(d.document -> 'levels') WITH ORDINALITY AS _ (l, n)
                 ORDER BY n),
           ARRAY(SELECT (l ->> 'atLeast')::integer
                 FROM jsonb_array_elements(d.document -> 'levels') WITH ORDINALITY AS _ (l, n) ORDER BY n),
           ARRAY(SELECT lower(i ->> 'code') FROM jsonb_array_elements(d.document -> 'indicators') AS i
                 WHERE i ->> 'consent' = 'separate' ORDER BY 1)
    FROM (SELECT $1::jsonb AS document) d
    RETURNING id, document
),
dimension AS (
    INSERT INTO rule_dimension (rule_book_id, code, position, floor, cap, breaks_good_faith)
    SELECT b.id, d ->> 'code', n, (d ->> 'floor')::integer, (d ->> 'cap')::integer,
           coalesce((d ->> 'breaksGoodFaith')::boolean, false)
    FROM book b, jsonb_array_elements(b.document -> 'dimensions') WITH ORDINALITY AS _ (d, n)
    RETURNING code, breaks_good_faith
),
term AS (
    INSERT INTO rule_term (rule_book_id, indicator, grade, dimension, kind, points, ceiling, validity_months, severity,
                           annual_cap, doubles, adds_up, breaks_good_faith, exclusive_group, supersedes,
                           consent_purpose, is_superseded, rung_edges, rung_points)
    SELECT b.id, i.code, coalesce(v ->> 'grade', ''), i.dimension, i.kind,
           (v ->> 'points')::integer,
           (v ->> 'ceiling')::integer,
           coalesce((v ->> 'validityMonths')::integer, i."validityMonths"),
           coalesce(v ->> 'severity', i.severity),
           i."annualCap", coalesce(i.doubles, false), coalesce(i."addsUp", false), d.breaks_good_faith,
           i."exclusiveGroup", coalesce(i.supersedes, '{}'),
           CASE WHEN i.consent = 'separate' THEN lower(i.code) END,
           EXISTS (SELECT FROM jsonb_array_elements(b.document -> 'indicators') AS o WHERE o -> 'supersedes' ? i.code),
           CASE WHEN i.kind IN ('ladder', 'clean')
                THEN ARRAY(SELECT (r ->> 'atLeast')::bigint FROM jsonb_array_elements(i.values) AS r ORDER BY 1)
                ELSE '{}' END,
           CASE WHEN i.kind IN ('ladder', 'clean')
                THEN ARRAY(SELECT (r ->> 'points')::integer FROM jsonb_array_elements(i.values) AS r
                           ORDER BY (r ->> 'atLeast')::bigint)
                ELSE '{}' END
    FROM book b
    CROSS JOIN jsonb_to_recordset(b.document -> 'indicators') AS i (
        code text, dimension text, kind text, values jsonb, "annualCap" integer, "validityMonths" integer,
        severity text, doubles boolean, "addsUp" boolean, "exclusiveGroup" text, supersedes text[], consent text)
    JOIN dimension d ON d.code = i.dimension
    CROSS JOIN LATERAL jsonb_array_elements(
        CASE WHEN i.kind = 'graded' THEN i.values ELSE jsonb_build_array(i.values -> 0) END) AS v
)
SELECT id FROM book
