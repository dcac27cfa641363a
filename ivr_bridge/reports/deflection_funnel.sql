-- name: deflection_funnel -> ivr_bridge.reports.deflection_funnel:Stopped
-- How far each call came, as the last step it reached, and why it went no further. Only who is
-- counted as moved has certainly read the message and written, whatever the provider reported; so
-- the callers who wrote here are those of `voice-to-chat`.
WITH reached AS (
    SELECT f.*,
           CASE WHEN NOT f.eligible THEN 1
                WHEN NOT f.offered THEN 2
                WHEN NOT f.accepted THEN 3
                WHEN f.fate = 'deflected' THEN 8
                WHEN COALESCE(f.status NOT IN ('sent', 'delivered', 'read'), true) THEN 4
                WHEN f.status = 'sent' THEN 5
                WHEN f.fate <> 'silent' THEN 6
                ELSE 7 END AS so_far
      FROM ivr_bridge.call_fate AS f
     WHERE f.workspace_id = :workspace AND f.first_seen_at >= :since AND f.first_seen_at < :until
       AND array_position(:lines::uuid[], f.line_id) IS NOT NULL
), finished AS (
    SELECT r.*, v.state,
           CASE WHEN r.so_far < 8 THEN r.so_far
                WHEN NOT answer.replied THEN 8
                WHEN v.state <> 'closed' THEN 9
                ELSE 10 END AS step
      FROM reached AS r
      -- The chat that the first message went to, which is a later one when the invitation had lapsed.
      -- By whole keys under LIMIT 1: whatever the statistics say, no other chat is read.
      LEFT JOIN LATERAL (
            SELECT x.* FROM handoff.entry AS x
             WHERE x.workspace_id = :workspace AND x.message_id = r.first_message_id LIMIT 1) AS n
        ON r.so_far = 8
      LEFT JOIN LATERAL (
            SELECT x.state FROM handoff.conversation AS x
             WHERE x.workspace_id = :workspace AND x.conversation_id = n.conversation_id LIMIT 1) AS v
        ON true
     CROSS JOIN LATERAL (
            SELECT EXISTS (SELECT FROM handoff.entry AS x
                             JOIN messaging.message AS m
                               ON m.workspace_id = x.workspace_id AND m.message_id = x.message_id
                            WHERE x.workspace_id = n.workspace_id AND x.conversation_id = n.conversation_id
                              AND x.seq > n.seq AND x.author IN ('bot', 'operator')
                              AND m.failed_at IS NULL) AS replied) AS answer
)
SELECT step,
       CASE step
           WHEN 1 THEN COALESCE(eligibility_reason, 'not_asked')
           WHEN 2 THEN 'not_offered'
           WHEN 3 THEN CASE WHEN declined THEN 'declined' ELSE 'no_answer' END
           WHEN 4 THEN CASE WHEN deflection_id IS NULL THEN 'not_requested'
                            WHEN outcome = 'pending' THEN 'pending'
                            WHEN outcome = 'continue' THEN reason
                            ELSE COALESCE(failed_class, 'unknown') END
           WHEN 5 THEN COALESCE(failed_class, 'undelivered')
           WHEN 6 THEN CASE fate WHEN 'answered' THEN 'answered_after'
                                 WHEN 'continue' THEN CASE WHEN reason = 'deadline' THEN 'late' ELSE reason END
                                 ELSE fate END
           WHEN 7 THEN CASE WHEN not_me THEN 'not_me' ELSE 'silent' END
           WHEN 8 THEN 'unanswered'
           WHEN 9 THEN CASE WHEN state = 'abandoned' THEN 'abandoned' ELSE 'open' END
       END AS reason,
       count(*) AS calls
  FROM finished
 GROUP BY 1, 2
 ORDER BY step, calls DESC, reason;
