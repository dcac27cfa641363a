-- name: deflection_funnel
-- How far each call came, as the last step it reached and the reason why it went no further.
WITH calls AS (
    SELECT c.call_ref, c.line_id, c.offered_at, c.accepted_at, c.declined_at, c.answered_at
      FROM ivr_bridge.call AS c
     WHERE c.workspace_id = :workspace AND c.first_seen_at >= :from_at AND c.first_seen_at < :to_at
       AND (:line::uuid IS NULL OR c.line_id = :line)
), asked AS (
    SELECT DISTINCT ON (e.call_ref) e.call_ref, e.action, e.reason
      FROM ivr_bridge.eligibility AS e JOIN calls USING (call_ref)
     WHERE e.workspace_id = :workspace
     ORDER BY e.call_ref, e.action = 'offer' DESC, e.at DESC
), moved AS (
    -- The attempt that came furthest stands for its call.
    SELECT DISTINCT ON (d.call_ref) d.call_ref, d.outcome, d.reason, d.created_at, d.decided_at,
           d.contact_id, d.conversation_id, m.status, m.failed_class, m.message_id
      FROM ivr_bridge.deflection AS d JOIN calls USING (call_ref)
      LEFT JOIN messaging.message AS m
        ON m.workspace_id = :workspace AND m.message_id = COALESCE(d.message_id, d.answers_for)
     WHERE d.workspace_id = :workspace
     ORDER BY d.call_ref, d.outcome = 'hangup' DESC, m.message_id IS NOT NULL DESC, d.attempt DESC
), steps AS (
    SELECT c.call_ref, a.reason AS asked_reason, d.reason AS moved_reason, d.failed_class, d.outcome,
           c.declined_at, d.conversation_id,
           a.action = 'offer' OR (a.call_ref IS NULL AND d.call_ref IS NOT NULL) AS eligible,
           c.offered_at IS NOT NULL OR c.accepted_at IS NOT NULL OR c.declined_at IS NOT NULL
               OR d.call_ref IS NOT NULL AS offered,
           c.accepted_at IS NOT NULL OR d.call_ref IS NOT NULL AS accepted,
           d.status IN ('accepted', 'sent', 'delivered', 'read') AS sent,
           d.status IN ('delivered', 'read') OR w.wrote_at IS NOT NULL AS delivered,
           d.outcome = 'hangup' AND NOT COALESCE(c.answered_at > d.decided_at, false) AS hung_up,
           COALESCE(c.answered_at > d.decided_at, false) AS answered_after,
           w.wrote_at IS NOT NULL AS wrote,
           EXISTS (SELECT FROM messaging.thread AS t
                     JOIN messaging.message AS r ON r.workspace_id = t.workspace_id AND r.thread_id = t.thread_id
                    WHERE t.workspace_id = :workspace AND t.contact_id = d.contact_id
                      AND r.direction = 'out' AND r.author_kind IN ('bot', 'operator')
                      AND r.at >= w.wrote_at) AS answered,
           EXISTS (SELECT FROM handoff.conversation AS v
                    WHERE v.workspace_id = :workspace AND v.conversation_id = d.conversation_id
                      AND v.closed_at >= w.wrote_at) AS closed
      FROM calls AS c
      LEFT JOIN asked AS a USING (call_ref)
      LEFT JOIN moved AS d USING (call_ref)
      LEFT JOIN LATERAL (
            SELECT min(m.at) AS wrote_at FROM messaging.thread AS t
              JOIN messaging.message AS m ON m.workspace_id = t.workspace_id AND m.thread_id = t.thread_id
             WHERE t.workspace_id = :workspace AND t.contact_id = d.contact_id AND m.direction = 'in'
               AND m.at >= date_trunc('second', d.created_at)
               AND m.at <= d.decided_at + interval '24 hours') AS w ON true
), reached AS (
    SELECT CASE WHEN NOT COALESCE(eligible, false) THEN 'entered'
                WHEN NOT offered THEN 'eligible'
                WHEN NOT accepted THEN 'offered'
                WHEN NOT COALESCE(sent, false) THEN 'accepted'
                WHEN NOT COALESCE(delivered, false) THEN 'sent'
                WHEN NOT COALESCE(hung_up, false) THEN 'delivered'
                WHEN NOT wrote THEN 'hung_up'
                WHEN NOT answered THEN 'wrote'
                WHEN NOT closed THEN 'answered'
                ELSE 'closed' END AS step,
           asked_reason, moved_reason, failed_class, declined_at, answered_after
      FROM steps
)
SELECT step,
       CASE step
           WHEN 'entered' THEN COALESCE(asked_reason, 'not_asked')
           WHEN 'eligible' THEN 'not_offered'
           WHEN 'offered' THEN CASE WHEN declined_at IS NULL THEN 'silent' ELSE 'declined' END
           WHEN 'accepted' THEN COALESCE(moved_reason, 'not_requested')
           WHEN 'sent' THEN COALESCE(failed_class, 'undelivered')
           WHEN 'delivered' THEN CASE WHEN answered_after THEN 'answered_after' ELSE COALESCE(moved_reason, 'late') END
           WHEN 'hung_up' THEN 'silent'
           WHEN 'wrote' THEN 'unanswered'
           WHEN 'answered' THEN 'open' END AS reason,
       count(*) AS calls
  FROM reached
 GROUP BY 1, 2
 ORDER BY 1, 3 DESC, 2;
