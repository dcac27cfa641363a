-- Counting holds what it has counted until it is done: it must not wait meanwhile for a table that a
-- migration holds, which may want those next.

ALTER FUNCTION core.count_what_grew() SET lock_timeout = '100ms';
