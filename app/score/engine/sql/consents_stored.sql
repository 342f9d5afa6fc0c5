-- The separate consents they gave. LATERAL with OFFSET 0, here and elsewhere: large tables are asked one citizen at a
-- time, whatever else is joined by hashing.
consented AS (
    SELECT a.citizen_id, c.consents
    FROM asked a
    JOIN rule_book b ON b.id = a.rule_book_id
    CROSS JOIN LATERAL (
        SELECT array_agg(purpose ORDER BY purpose COLLATE "C") AS consents
        FROM consent
        WHERE citizen_id = a.citizen_id AND withdrawn_at IS NULL AND b.consent_purposes @> ARRAY[purpose]
        OFFSET 0
    ) c
)
