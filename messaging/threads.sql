-- name: thread_for
-- The thread of a contact on an account, made when there is none.
WITH held AS (
    SELECT thread_id FROM messaging.thread
     WHERE workspace_id = :workspace AND contact_id = :contact_id AND account_id = :account_id
), made AS (
    INSERT INTO messaging.thread (workspace_id, thread_id, contact_id, account_id)
    SELECT :workspace, :thread_id, :contact_id, :account_id WHERE NOT EXISTS (SELECT FROM held)
        ON CONFLICT (workspace_id, contact_id, account_id) DO UPDATE SET account_id = excluded.account_id
    RETURNING thread_id
)
SELECT thread_id FROM held UNION ALL SELECT thread_id FROM made;

-- name: thread -> messaging.threads:Thread
-- One thread.
SELECT thread_id, contact_id, account_id, last_inbound_at, window_until FROM messaging.thread
 WHERE workspace_id = :workspace AND thread_id = :thread_id;

-- name: without_window
-- A channel that knows no window: free words may be sent before the customer ever wrote.
UPDATE messaging.thread SET window_until = 'infinity'
 WHERE workspace_id = :workspace AND thread_id = :thread_id AND window_until IS DISTINCT FROM 'infinity';

-- name: close_window
-- The provider takes no free words here, unless the customer has written since it said so.
UPDATE messaging.thread SET window_until = LEAST(window_until, :at)
 WHERE workspace_id = :workspace AND thread_id = :thread_id
   AND window_until > :at AND last_inbound_at < :at;

-- name: note_inbound
-- The customer wrote: the window opens, or stays open longer. A message that arrives late, or dated
-- in the future, opens none longer than it should.
UPDATE messaging.thread
   SET last_inbound_at = GREATEST(last_inbound_at, LEAST(:at, clock_timestamp())),
       window_until = GREATEST(window_until, COALESCE(
           LEAST(:at, clock_timestamp()) + make_interval(secs => :window_s), 'infinity'))
 WHERE workspace_id = :workspace AND thread_id = :thread_id;
