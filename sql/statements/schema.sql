-- name: schema_table
-- The first step comments on it.
CREATE TABLE IF NOT EXISTS schema_migration (
    version    integer PRIMARY KEY,
    name       text NOT NULL,
    digest     text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now());

-- name: schema_exists
SELECT 1 WHERE to_regclass('schema_migration') IS NOT NULL;

-- name: schema_versions
SELECT version, name, digest FROM schema_migration ORDER BY version;

-- name: schema_record
--   $1 version, $2 name, $3 digest
INSERT INTO schema_migration (version, name, digest) VALUES ($1::integer, $2, $3);

-- name: schema_lock
-- Two that apply at once take turns.
SELECT pg_advisory_xact_lock(hashtextextended('postern schema', 0));

-- name: server_settings
SELECT current_setting('fsync'), current_setting('full_page_writes'),
       current_setting('synchronous_commit'),
       current_setting('synchronous_standby_names'),
       current_setting('server_encoding'),
       current_setting('transaction_read_only');

-- name: server_connections
-- How many who are no superusers can have.
SELECT current_setting('max_connections')::bigint
       - current_setting('superuser_reserved_connections')::bigint
       - coalesce(current_setting('reserved_connections', true), '0')::bigint;

-- name: statement_time
-- Of the rules below only the time, for a flight of few and simple statements.
--   $1 milliseconds
SELECT set_config('statement_timeout', $1, true);

-- name: statement_rules
-- For this transaction. No statement may take longer than our patience: the server
-- ends it, while we still listen. And each of our statements has one good plan, by
-- index, row by row: what the planner thinks of tables that were empty a minute ago
-- leads it to others, which it then keeps while they grow. Who waits for a lock is
-- told so before: that is another's doing.
--   $1 milliseconds for a statement, $2 for a lock
SELECT set_config('statement_timeout', $1, true),
       set_config('lock_timeout', $2, true),
       set_config('enable_seqscan', 'off', true),
       set_config('enable_bitmapscan', 'off', true),
       set_config('enable_hashjoin', 'off', true),
       set_config('enable_mergejoin', 'off', true),
       set_config('jit', 'off', true);
