-- name: attempts -> ivr_bridge.store:Attempt
-- Every attempt of a call, first to last, with what its message looks like.
SELECT d.deflection_id, d.attempt, d.outcome, d.message_id, d.channel,
       extract(epoch FROM clock_timestamp() - COALESCE(d.decided_at, d.pending_until))::float8 AS over_for_s
  FROM ivr_bridge.deflection AS d
 WHERE d.workspace_id = :workspace AND d.call_ref = :call_ref
 ORDER BY d.attempt;

-- name: add
-- Attempts, each with everything that is known when it begins; decided at once when the rules refuse
-- it. One without an id is left out: another part of the statement decided so.
INSERT INTO ivr_bridge.deflection
       (workspace_id, deflection_id, call_ref, line_id, attempt, pending_until, confirm, grace_ms,
        positive, can_poll, reachability, channel, account_id, contact_id, message_id, answers_for,
        conversation_id, resumed, chat_wait_s, rescue_after_s, ttl_s, consent, asked, trace,
        outcome, reason, proof, evidence_source, evidence_at, began_ms, crossed_over, decided_at,
        decided_by)
SELECT :workspace, a.deflection_id, a.call_ref, a.line_id, a.attempt,
       clock_timestamp() + make_interval(secs => a.pending_s), a.confirm, a.grace_ms,
       a.positive, a.can_poll, a.reachability, a.channel, a.account_id, a.contact_id, a.message_id,
       a.answers_for, a.conversation_id, a.resumed, a.chat_wait_s, a.rescue_after_s, a.ttl_s,
       a.consent::jsonb, a.asked::jsonb, a.trace::jsonb, a.outcome, a.reason, a.proof,
       a.evidence_source, a.evidence_at, a.began_ms, a.crossed_over,
       CASE WHEN a.outcome <> 'pending' THEN clock_timestamp() END,
       CASE WHEN a.outcome <> 'pending' THEN 'rules' END
  FROM unnest(:deflections::uuid[], :call_refs::uuid[], :lines::uuid[], :attempts::integer[],
              :pendings_s::float8[], :confirms::text[], :graces_ms::integer[], :positives::boolean[],
              :can_poll::boolean[], :reachabilities::text[], :channels::text[], :accounts::uuid[],
              :contacts::uuid[], :messages::uuid[], :answer_for::uuid[], :conversations::uuid[],
              :resumed::boolean[], :chat_waits_s::integer[], :rescues_after_s::integer[],
              :ttls_s::integer[], :consents::text[], :asked::text[], :traces::text[],
              :outcomes::text[], :reasons::text[], :proofs::text[], :evidence_sources::text[], :evidence_ats::timestamptz[],
              :began_ms::integer[], :crossed_over::boolean[])
       AS a (deflection_id, call_ref, line_id, attempt, pending_s, confirm, grace_ms, positive,
             can_poll, reachability, channel, account_id, contact_id, message_id, answers_for,
             conversation_id, resumed, chat_wait_s, rescue_after_s, ttl_s, consent, asked, trace,
             outcome, reason, proof, evidence_source, evidence_at, began_ms, crossed_over)
 WHERE a.deflection_id IS NOT NULL
RETURNING deflection_id;

-- name: deflection -> ivr_bridge.store:Row
-- One attempt, as it stands, with its message. CASE, because under row-level security PostgreSQL takes
-- COALESCE for something that could leak rows, and reads every message rather than the one.
SELECT d.deflection_id, d.call_ref, d.line_id, d.outcome, d.reason, d.proof, d.confirm, d.grace_ms,
       d.positive, d.can_poll, d.reachability, d.channel, d.contact_id, d.conversation_id,
       COALESCE(d.message_id, d.answers_for) AS message_id, d.answers_for IS NOT NULL AS borrowed,
       d.resumed, d.chat_wait_s, d.rescue_after_s, d.pending_until < clock_timestamp() AS expired,
       extract(epoch FROM COALESCE(d.decided_at, d.pending_until) - clock_timestamp())::float8
           + d.rescue_after_s AS rescue_in_s,
       m.status, m.failed_class, d.fallback
  FROM ivr_bridge.deflection AS d
  LEFT JOIN messaging.message AS m
    ON m.workspace_id = d.workspace_id
   AND m.message_id = CASE WHEN d.message_id IS NULL THEN d.answers_for ELSE d.message_id END
 WHERE d.workspace_id = :workspace AND d.deflection_id = :deflection;

-- name: rests_on
-- The opening that an attempt rests on now, held: it may have gone on to a second one.
SELECT message_id FROM ivr_bridge.deflection
 WHERE workspace_id = :workspace AND deflection_id = :deflection FOR NO KEY UPDATE;

-- name: decide
-- Decisions: the first one about an attempt stands, whoever makes it. Asked for by its moment, not by
-- `pending`: the index of what is pending holds everything that was decided since the last vacuum, too.
UPDATE ivr_bridge.deflection AS d
   SET outcome = a.outcome, reason = a.reason, proof = a.proof, decided_at = clock_timestamp(),
       decided_by = a.decided_by
  FROM unnest(:deflections::uuid[], :outcomes::text[], :reasons::text[], :proofs::text[], :by::text[])
       AS a (deflection_id, outcome, reason, proof, decided_by)
 WHERE d.workspace_id = :workspace AND d.deflection_id = a.deflection_id AND d.decided_at IS NULL
RETURNING d.deflection_id;

-- name: watch
-- The call goes on while its message may still arrive: whoever hears of it is to say so.
UPDATE messaging.message SET watch = true
 WHERE workspace_id = :workspace AND message_id = :message AND failed_at IS NULL AND NOT watch;

-- name: tell_conversation
-- The people and the bot behind the chat see that the caller is still on the line.
UPDATE handoff.conversation
   SET card = jsonb_set(card, '{outcome}', to_jsonb(:outcome::text)), changed_xid = pg_current_xact_id()
 WHERE workspace_id = :workspace AND conversation_id = :conversation AND card IS NOT NULL
   AND card ->> 'deflection_id' = :deflection;

-- name: standings
-- Where the messages stand that calls in progress wait for.
SELECT message_id, status, failed_at IS NOT NULL AS failed
  FROM messaging.message
 WHERE workspace_id = :workspace AND message_id = ANY (:messages::uuid[]);

-- name: add_fact
-- Something turned out later; told twice, it stands once.
INSERT INTO ivr_bridge.fact (workspace_id, deflection_id, fact, at, detail)
SELECT :workspace, :deflection, :fact, COALESCE(:at::timestamptz, clock_timestamp()), :detail
 WHERE EXISTS (SELECT FROM ivr_bridge.deflection
                WHERE workspace_id = :workspace AND deflection_id = :deflection)
    ON CONFLICT DO NOTHING
RETURNING deflection_id;

-- name: complained
-- Whose caller said *Not me*, and to which template.
SELECT l.name AS line, m.content -> 'template' ->> 'name' AS template
  FROM ivr_bridge.deflection AS d
  JOIN ivr_bridge.line AS l ON l.workspace_id = d.workspace_id AND l.line_id = d.line_id
  LEFT JOIN messaging.message AS m ON m.workspace_id = d.workspace_id AND m.message_id = d.message_id
 WHERE d.workspace_id = :workspace AND d.deflection_id = :deflection;

-- name: by_message
-- The attempt that put this message on the wire, and those that answered from it.
SELECT deflection_id, outcome FROM ivr_bridge.deflection
 WHERE workspace_id = :workspace AND (message_id = :message OR answers_for = :message)
 ORDER BY attempt;

-- name: overdue
-- Attempts that nobody decided in time: their process died, or never came to it.
SELECT deflection_id FROM ivr_bridge.deflection
 WHERE workspace_id = :workspace AND outcome = 'pending'
   AND pending_until < clock_timestamp() - interval '1 second'
 ORDER BY pending_until LIMIT 200;

-- name: orphaned_openings
-- Openings whose sender is gone, by the database's clock.
SELECT message_id FROM messaging.message
 WHERE workspace_id = :workspace AND purpose = 'opening' AND leased_until < clock_timestamp()
 LIMIT 200;

-- name: learn_pace
-- How long each account's provider took lately, from the deliveries of its latest openings. What has
-- not been reported yet counts with its age: silence must not look like speed. Of few openings the two
-- slowest say nothing about the next one (a phone that is off, a report that was lost): the share that
-- must be this fast grows with their number, up to 95 of 100. A provider that took twenty openings and
-- reported nothing about any is thought to have fallen silent.
WITH recent AS (
    SELECT message_id, account_id, failed_at FROM messaging.message
     WHERE workspace_id = :workspace AND message_id > :since AND purpose = 'opening'
     ORDER BY message_id DESC LIMIT 1000
), timed AS (
    SELECT r.account_id, r.failed_at IS NOT NULL AS failed,
           extract(epoch FROM clock_timestamp() - s.recorded_at) * 1000 AS age_ms,
           extract(epoch FROM a.recorded_at - s.recorded_at) * 1000 AS accepted_ms,
           extract(epoch FROM w.sent_at - s.recorded_at) * 1000 AS sent_ms,
           extract(epoch FROM w.delivered_at - s.recorded_at) * 1000 AS delivered_ms,
           w.reported
      FROM recent AS r
      JOIN messaging.delivery AS s
        ON s.workspace_id = :workspace AND s.message_id = r.message_id AND s.status = 'sending'
      LEFT JOIN messaging.delivery AS a
        ON a.workspace_id = :workspace AND a.message_id = r.message_id AND a.status = 'accepted'
     CROSS JOIN LATERAL (
            SELECT min(d.recorded_at) FILTER (WHERE d.status IN ('sent', 'delivered', 'read')) AS sent_at,
                   min(d.recorded_at) FILTER (WHERE d.status IN ('delivered', 'read')) AS delivered_at,
                   count(*) > 0 AS reported
              FROM messaging.delivery AS d
             WHERE d.workspace_id = :workspace AND d.message_id = r.message_id AND d.source = 'webhook') AS w
), counted AS (
    SELECT account_id, failed, age_ms, accepted_ms, sent_ms, delivered_ms, reported,
           count(*) FILTER (WHERE NOT failed AND (sent_ms IS NOT NULL OR age_ms > 2000))
               OVER (PARTITION BY account_id) AS heard
      FROM timed
), shares AS (
    SELECT account_id, failed, age_ms, accepted_ms, sent_ms, delivered_ms, reported,
           CASE WHEN heard >= 5 THEN LEAST(0.95, (heard - 3)::float8 / (heard - 1)) END AS share
      FROM counted
), learnt AS (
    SELECT account_id, count(*) AS samples,
           percentile_cont(share) WITHIN GROUP (ORDER BY COALESCE(accepted_ms, LEAST(age_ms, 20000)))
               FILTER (WHERE NOT failed AND (accepted_ms IS NOT NULL OR age_ms > 1000)) AS accepted_ms,
           percentile_cont(share) WITHIN GROUP (ORDER BY COALESCE(sent_ms, LEAST(age_ms, 20000)))
               FILTER (WHERE NOT failed AND (sent_ms IS NOT NULL OR age_ms > 2000)) AS sent_ms,
           -- Phones that are off say nothing about the provider: only what was delivered counts.
           percentile_cont(share) WITHIN GROUP (ORDER BY delivered_ms)
               FILTER (WHERE delivered_ms <= 60000) AS delivered_ms,
           count(*) FILTER (WHERE NOT failed AND age_ms BETWEEN 5000 AND 60000) >= 20
               AND count(*) FILTER (WHERE age_ms <= 60000 AND reported) = 0 AS silent,
           count(*) FILTER (WHERE age_ms <= 60000 AND reported) > 0 AS speaks
      FROM shares GROUP BY account_id, share
)
INSERT INTO ivr_bridge.account_pace AS p
       (workspace_id, account_id, accepted_ms, sent_ms, delivered_ms, samples, silent_until)
SELECT :workspace, account_id,
       CASE WHEN samples >= 5 THEN accepted_ms::integer END,
       CASE WHEN samples >= 5 THEN sent_ms::integer END,
       CASE WHEN samples >= 5 THEN delivered_ms::integer END, samples,
       CASE WHEN silent THEN clock_timestamp() + interval '60 seconds' END
  FROM learnt
    ON CONFLICT (workspace_id, account_id) DO UPDATE
   SET accepted_ms = excluded.accepted_ms, sent_ms = excluded.sent_ms,
       delivered_ms = excluded.delivered_ms, samples = excluded.samples,
       silent_until = CASE WHEN (SELECT speaks FROM learnt WHERE account_id = p.account_id) THEN NULL
                           ELSE GREATEST(excluded.silent_until, p.silent_until) END,
       updated_at = clock_timestamp()
RETURNING account_id, silent_until > clock_timestamp() AS silent;

-- name: forget_pace
-- An account that sent nothing lately has shown nothing: the cautious guess counts again, so that a
-- slow hour does not stop offers for good.
UPDATE ivr_bridge.account_pace
   SET accepted_ms = NULL, sent_ms = NULL, delivered_ms = NULL, samples = 0, updated_at = clock_timestamp()
 WHERE workspace_id = :workspace AND samples > 0 AND updated_at < clock_timestamp() - interval '1 minute';

-- name: stranded -> ivr_bridge.rescues.case:Case
-- Everything that decides whether a caller needs a rescue. Read after the message is held. CASE for
-- the reason given at `deflection`. Of a caller who was taken to have left, an answer that was told
-- later says otherwise; the fact stays, as all do.
SELECT d.deflection_id, d.call_ref, d.line_id, d.outcome, d.reason, d.contact_id, d.conversation_id,
       d.rescue_after_s, c.call_id, c.caller, m.status, m.failed_class, l.callback_queue, l.country,
       l.title AS line_title, COALESCE(l.terms ->> 'brand', w.title) AS brand, d.channel, l.account, l.flow, l.queue, l.terms,
       extract(epoch FROM clock_timestamp() - d.created_at)::float8 AS age_s, d.ttl_s,
       (SELECT n.number FROM ivr_bridge.line_number AS n
         WHERE n.workspace_id = d.workspace_id AND n.line_id = d.line_id
         ORDER BY n.position LIMIT 1) AS line_number,
       d.asked, COALESCE(d.asked ->> 'language', 'ru') AS language,
       COALESCE((SELECT a.value FROM messaging.address AS a
                  WHERE a.workspace_id = d.workspace_id AND a.contact_id = d.contact_id
                    AND a.kind = 'phone' ORDER BY a.address_id LIMIT 1), c.caller) AS phone,
       EXISTS (SELECT FROM ivr_bridge.fact AS f
                WHERE f.workspace_id = d.workspace_id AND f.deflection_id = d.deflection_id
                  AND f.fact = 'caller_left') AS caller_left,
       COALESCE(d.outcome = 'hangup' AND c.answered_at > d.decided_at
                OR c.answered_at <= c.ended_at
               AND EXISTS (SELECT FROM ivr_bridge.fact AS f
                            WHERE f.workspace_id = d.workspace_id AND f.deflection_id = d.deflection_id
                              AND f.fact = 'caller_left'), false) AS spoke,
       EXISTS (SELECT FROM ivr_bridge.fact AS f
                WHERE f.workspace_id = d.workspace_id AND f.deflection_id = d.deflection_id
                  AND f.fact IN ('engaged', 'repeat_call')) AS engaged,
       EXISTS (SELECT FROM ivr_bridge.rescue AS r
                WHERE r.workspace_id = d.workspace_id AND r.call_ref = d.call_ref) AS rescued,
       (SELECT r.contact_id FROM ivr_bridge.rescue AS r
         WHERE r.workspace_id = d.workspace_id AND r.call_ref = d.call_ref
           AND r.deflection_id = d.deflection_id AND r.closed_at IS NULL) AS waits_for_us
  FROM ivr_bridge.deflection AS d
  JOIN ivr_bridge.call AS c ON c.workspace_id = d.workspace_id AND c.call_ref = d.call_ref
  JOIN ivr_bridge.line AS l ON l.workspace_id = d.workspace_id AND l.line_id = d.line_id
  JOIN core.workspace AS w ON w.workspace_id = d.workspace_id
  LEFT JOIN messaging.message AS m
    ON m.workspace_id = d.workspace_id
   AND m.message_id = CASE WHEN d.message_id IS NULL THEN d.answers_for ELSE d.message_id END
 WHERE d.workspace_id = :workspace AND d.deflection_id = :deflection;

-- name: add_rescue
-- What a stranded caller gets, once a call; no row when somebody was quicker.
INSERT INTO ivr_bridge.rescue
       (workspace_id, call_ref, deflection_id, contact_id, caller, kind, conversation_id, reason, message_id)
VALUES (:workspace, :call_ref, :deflection, :contact, :caller, :kind, :conversation, :reason, :message)
    ON CONFLICT (workspace_id, call_ref) DO NOTHING
RETURNING call_ref;

-- name: texted
-- The rescue whose SMS this message is, while it is still one and still open.
SELECT deflection_id, reason FROM ivr_bridge.rescue
 WHERE workspace_id = :workspace AND message_id = :message AND kind = 'sms' AND closed_at IS NULL
   FOR NO KEY UPDATE;

-- name: fall_back
-- The SMS certainly failed: the same rescue, by a call back.
UPDATE ivr_bridge.rescue
   SET kind = 'callback', conversation_id = :conversation, fell_back_at = :at
 WHERE workspace_id = :workspace AND message_id = :message AND kind = 'sms' AND closed_at IS NULL
RETURNING call_ref;

-- name: close_rescue_of
-- The call back is over: somebody spoke to the customer, or nobody needs to any more.
UPDATE ivr_bridge.rescue SET closed_at = clock_timestamp(), closed_reason = :reason
 WHERE workspace_id = :workspace AND conversation_id = :conversation AND kind = 'callback'
   AND closed_at IS NULL;

-- name: close_rescues
-- The customer wrote or called: the rescue is over.
UPDATE ivr_bridge.rescue SET closed_at = clock_timestamp(), closed_reason = :reason
 WHERE workspace_id = :workspace AND contact_id = :contact AND closed_at IS NULL
RETURNING conversation_id;
