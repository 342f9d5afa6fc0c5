SELECT c.id, c.institution_id, i.name AS institution_name, c.state, c.live_version, c.head_version, c.revision,
       c.paused_by_centre, c.stopped_at, c.created_at, v.version, v.state AS version_state, v.document, v.drafted_by,
       v.drafted_at, v.submitted_by, v.submitted_at, v.decided_by, v.decided_at, v.decision_note,
       (SELECT coalesce(jsonb_object_agg(b.code, b.id), '{}') FROM benefit b WHERE b.campaign_id = c.id) AS benefit_ids
  FROM campaign c
  JOIN institution i ON i.id = c.institution_id
  JOIN campaign_version v
