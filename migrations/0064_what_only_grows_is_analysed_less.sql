-- Tables that only grow keep their shape, and what callers wait for is planned by keys, whatever the
-- statistics say (decision 77). Analysing them after every tenth of new rows takes a second of
-- processor time again and again, beside the calls that cause it: after every half is enough.
ALTER TABLE ivr_bridge.call SET (autovacuum_analyze_scale_factor = 0.5);
ALTER TABLE ivr_bridge.call_event SET (autovacuum_analyze_scale_factor = 0.5);
ALTER TABLE ivr_bridge.deflection SET (autovacuum_analyze_scale_factor = 0.5);
ALTER TABLE handoff.conversation SET (autovacuum_analyze_scale_factor = 0.5);
ALTER TABLE handoff.entry SET (autovacuum_analyze_scale_factor = 0.5);
ALTER TABLE handoff.transition SET (autovacuum_analyze_scale_factor = 0.5);
ALTER TABLE messaging.message SET (autovacuum_analyze_scale_factor = 0.5);
ALTER TABLE messaging.delivery SET (autovacuum_analyze_scale_factor = 0.5);
ALTER TABLE messaging.inbox SET (autovacuum_analyze_scale_factor = 0.5);

-- Documents that nobody searches: statistics about them are the dearest part, and serve no plan.
ALTER TABLE ivr_bridge.deflection
    ALTER COLUMN consent SET STATISTICS 0,
    ALTER COLUMN asked SET STATISTICS 0,
    ALTER COLUMN trace SET STATISTICS 0;
ALTER TABLE handoff.conversation
    ALTER COLUMN card SET STATISTICS 0,
    ALTER COLUMN bot_state SET STATISTICS 0;
ALTER TABLE handoff.entry ALTER COLUMN event SET STATISTICS 0;
ALTER TABLE messaging.message ALTER COLUMN content SET STATISTICS 0;
ALTER TABLE messaging.inbox ALTER COLUMN payload SET STATISTICS 0;
ALTER TABLE core.job ALTER COLUMN payload SET STATISTICS 0;
