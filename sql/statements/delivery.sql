-- name: raw_add
-- A mail as it came; known already is as good.
--   $1 digest bytea, $2 bytes bytea, $3 octets
INSERT INTO raw_mail (digest, bytes, octets) VALUES ($1::bytea, $2::bytea, $3::bigint)
ON CONFLICT (digest) DO NOTHING;

-- name: raw_exists
--   $1 digest bytea
SELECT 1 FROM raw_mail WHERE digest = $1::bytea;

-- name: raw_piece
-- A piece of a large mail.
--   $1 digest bytea, $2 first octet, from 1, $3 how many
SELECT substring(bytes FROM $2::integer FOR $3::integer)
  FROM raw_mail WHERE digest = $1::bytea;

-- name: delivery_add
-- One hand-over. The same source key again is counted, not stored: that is how
-- a repeated attempt finds its first one.
--   $1 source_key, $2 transport, $3 envelope_sender, $4 envelope_recipient,
--   $5 queue, $6 mta_queue_id, $7 raw_digest, $8 trace_octets, $9 turn
INSERT INTO delivery (source_key, transport, envelope_sender, envelope_recipient,
                      queue, mta_queue_id, raw_digest, trace_octets, turn)
VALUES ($1, $2, $3, $4, $5, $6, $7::bytea, $8::integer, $9::bigint)
ON CONFLICT (source_key) DO UPDATE SET duplicates = delivery.duplicates + 1
RETURNING id, xmax <> 0 AS duplicate, false AS completed;

-- name: delivery_add_completing
-- The same for a pipe that names the MTA's queue id: if what we have of it is a
-- proper prefix of what comes now, the first attempt was cut short and is
-- completed in its place. Of several parts it is the longest. An MTA uses its queue
-- ids again: only the last ten hand-overs are compared.
--   $1 ... $9 as in delivery_add
WITH longer AS (
    SELECT digest, octets, bytes FROM raw_mail WHERE digest = $7::bytea),
part AS (
    SELECT d.id FROM longer,
           (SELECT id FROM delivery
             WHERE mta_queue_id = $6 AND mta_queue_id <> ''
               AND envelope_recipient = $4
             ORDER BY id DESC LIMIT 10) AS recent
           JOIN delivery d ON d.id = recent.id
           JOIN raw_mail had ON had.digest = d.raw_digest
     WHERE d.transport = 'pipe' AND d.source_key <> $1
       AND had.octets - d.trace_octets < longer.octets - $8::integer
       AND substring(had.bytes FROM d.trace_octets + 1) =
           substring(longer.bytes FROM $8::integer + 1
                     FOR (had.octets - d.trace_octets)::integer)
       AND NOT EXISTS (SELECT FROM delivery k WHERE k.source_key = $1)
     ORDER BY had.octets - d.trace_octets DESC, d.id LIMIT 1
       FOR UPDATE OF d),
completed AS (
    UPDATE delivery d
       SET source_key = $1, raw_digest = longer.digest, trace_octets = $8::integer,
           state = 'waiting', reason = '', is_rubbish = false, strikes = 0,
           postponed = 0, not_before = now(), settled_at = NULL,
           completed = d.completed + 1
      FROM longer, part WHERE d.id = part.id
    RETURNING d.id),
added AS (
    INSERT INTO delivery (source_key, transport, envelope_sender, envelope_recipient,
                          queue, mta_queue_id, raw_digest, trace_octets, turn)
    SELECT $1, $2, $3, $4, $5, $6, $7::bytea, $8::integer, $9::bigint
     WHERE NOT EXISTS (SELECT FROM completed)
    ON CONFLICT (source_key) DO UPDATE SET duplicates = delivery.duplicates + 1
    RETURNING id, xmax <> 0 AS duplicate)
SELECT id, duplicate, false AS completed FROM added
UNION ALL
SELECT id, false, true FROM completed;

-- name: delivery_lock_batch
-- What is waiting, by turn; only if there is none what has made trouble, by the time
-- for which it was put off: in one batch with others it would hold them up. Others'
-- rows are skipped. Large mails come without their bytes and are read one at a time;
-- of the same bytes the first brings them.
--   $1 limit, $2 octets up to which the bytes come along, $3 1: only what has made
--   trouble
WITH fresh AS MATERIALIZED (
    SELECT * FROM delivery
     WHERE state = 'waiting' AND strikes + postponed = 0
     ORDER BY turn, id
     LIMIT CASE $3::bigint WHEN 0 THEN $1::integer ELSE 0 END
       FOR UPDATE SKIP LOCKED),
troubled AS MATERIALIZED (
    SELECT * FROM delivery
     WHERE state = 'waiting' AND strikes + postponed > 0 AND not_before <= now()
     ORDER BY not_before, id
     LIMIT CASE WHEN EXISTS (SELECT FROM fresh) THEN 0 ELSE $1::integer END
       FOR UPDATE SKIP LOCKED)
SELECT d.id, d.source_key, d.transport, d.envelope_sender, d.envelope_recipient,
       d.queue, d.mta_queue_id, floor(extract(epoch FROM d.received_at))::bigint,
       d.strikes, coalesce(d.message_id_no, 0), coalesce(d.ticket_id, 0),
       d.raw_digest,
       CASE WHEN r.octets <= $2::bigint AND d.copy = 1 THEN r.bytes END,
       (extract(epoch FROM now() - d.received_at) * 1000000)::bigint, r.octets
  FROM (SELECT both_kinds.*,
               row_number() OVER (PARTITION BY raw_digest
                                  ORDER BY is_troubled, strikes, turn, id) AS copy
          FROM (SELECT false AS is_troubled, * FROM fresh
                UNION ALL
                SELECT true, * FROM troubled) AS both_kinds) AS d
  JOIN raw_mail r ON r.digest = d.raw_digest
 ORDER BY d.is_troubled, d.strikes, d.turn, d.id;

-- name: delivery_backlog
-- How many wait, counted no further than asked.
--   $1 limit
SELECT (SELECT count(*)
          FROM (SELECT FROM delivery
                 WHERE state = 'waiting' AND strikes + postponed = 0
                 ORDER BY turn, id LIMIT $1::bigint) AS fresh)
     + (SELECT count(*)
          FROM (SELECT FROM delivery
                 WHERE state = 'waiting' AND strikes + postponed > 0
                 ORDER BY not_before, id LIMIT $1::bigint) AS troubled);

-- name: delivery_read
-- One delivery as it is, for a look or a dry run.
--   $1 id
SELECT d.id, d.source_key, d.transport, d.envelope_sender, d.envelope_recipient,
       d.queue, d.mta_queue_id, floor(extract(epoch FROM d.received_at))::bigint,
       d.strikes, coalesce(d.message_id_no, 0), coalesce(d.ticket_id, 0),
       d.raw_digest, r.bytes,
       (extract(epoch FROM now() - d.received_at) * 1000000)::bigint, r.octets
  FROM delivery d JOIN raw_mail r ON r.digest = d.raw_digest
 WHERE d.id = $1::bigint;

-- name: delivery_settle
-- These are in tickets now; each parameter is a column.
--   $1 id, $2 reason, $3 ticket, $4 message
UPDATE delivery d SET state = 'settled', reason = w.reason,
       ticket_id = w.ticket_id, message_id_no = w.message_id_no,
       settled_at = now()
  FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[])
    AS w (id, reason, ticket_id, message_id_no)
 WHERE d.id = w.id;

-- name: delivery_park
--   $1 id, $2 reason, $3 is it rubbish?
UPDATE delivery SET state = 'parked', reason = $2, is_rubbish = $3::boolean,
       settled_at = now()
 WHERE id = (SELECT id FROM delivery WHERE id = $1::bigint AND state = 'waiting'
                FOR UPDATE SKIP LOCKED)
RETURNING id;

-- name: delivery_postpone
-- The database would not take it just now, though it takes others: later, and
-- later each time, up to an hour. If another has it in hand meanwhile, that one
-- will see; the same holds for delivery_park.
--   $1 id, $2 why
UPDATE delivery SET postponed = postponed + 1, reason = $2,
       not_before = now() + least(2 ^ least(postponed, 12), 3600) * interval '1 second'
 WHERE id = (SELECT id FROM delivery WHERE id = $1::bigint AND state = 'waiting'
                FOR UPDATE SKIP LOCKED)
RETURNING postponed::bigint;

-- name: delivery_strike
-- A worker or parser died or overstayed on it; the mails behind it go first.
--   $1 id
UPDATE delivery SET strikes = strikes + 1,
       not_before = greatest(not_before, now() + interval '1 second')
 WHERE id = $1::bigint AND state = 'waiting'
RETURNING strikes;

-- name: delivery_retry
-- An operator wants it processed again, though he had dropped it.
--   $1 id
UPDATE delivery SET state = 'waiting', reason = '', is_rubbish = false, strikes = 0,
       postponed = 0, not_before = now(), settled_at = NULL
 WHERE id = $1::bigint AND state IN ('parked', 'dropped')
RETURNING id;

-- name: delivery_retry_all
-- All that is parked, a piece at a time.
--   $1 limit
UPDATE delivery SET state = 'waiting', reason = '', is_rubbish = false, strikes = 0,
       postponed = 0, not_before = now(), settled_at = NULL
 WHERE id IN (SELECT id FROM delivery WHERE state = 'parked'
               ORDER BY is_rubbish, settled_at, id LIMIT $1::bigint FOR UPDATE)
RETURNING id;

-- name: delivery_drop
-- An operator does without it.
--   $1 id, $2 what to add to the reason
UPDATE delivery SET state = 'dropped', reason = reason || $2, settled_at = now()
 WHERE id = $1::bigint AND state = 'parked'
RETURNING id;

-- name: delivery_drop_all
-- All that is parked, or all rubbish, a piece at a time.
--   $1 limit, $2 rubbish only?, $3 what to add to the reason
UPDATE delivery SET state = 'dropped', reason = reason || $3, settled_at = now()
 WHERE id IN (SELECT id FROM delivery
               WHERE state = 'parked' AND is_rubbish >= $2::boolean
               ORDER BY is_rubbish, settled_at, id LIMIT $1::bigint FOR UPDATE)
RETURNING id;

-- name: delivery_expire
-- Rubbish that was parked long ago is dropped, the oldest first; nothing while the
-- admin was told of it a short time ago and could not be told again.
--   $1 seconds, $2 limit, $3 what to add to the reason, $4 alarm, $5 its cool-down
WITH old AS (
    SELECT id FROM delivery
     WHERE state = 'parked' AND is_rubbish
       AND settled_at < now() - $1::bigint * interval '1 second'
       AND NOT EXISTS (
           SELECT FROM alarm
            WHERE name = $4
              AND raised_at > now() - $5::bigint * interval '1 second')
     ORDER BY settled_at, id LIMIT $2::bigint FOR UPDATE SKIP LOCKED)
UPDATE delivery d SET state = 'dropped', reason = d.reason || $3,
       settled_at = now()
  FROM old WHERE d.id = old.id
RETURNING d.id, coalesce(d.envelope_sender, ''), d.reason;

-- name: delivery_purge
-- Settled hand-overs older than retention, in the order in which they came: the
-- oldest of all are looked at, no more. The mail itself stays with its message.
-- Parked ones are never purged.
--   $1 seconds, $2 limit
DELETE FROM delivery WHERE id IN (
    SELECT id FROM (SELECT id, settled_at FROM delivery WHERE state = 'settled'
                     ORDER BY id LIMIT $2::bigint) AS oldest
     WHERE settled_at < now() - $1::bigint * interval '1 second')
RETURNING id;

-- name: delivery_purge_dropped
-- The same of what was dropped, since when it was: that may have come long before.
--   $1 seconds, $2 limit
DELETE FROM delivery WHERE id IN (
    SELECT id FROM delivery
     WHERE state = 'dropped' AND settled_at < now() - $1::bigint * interval '1 second'
     ORDER BY settled_at LIMIT $2::bigint)
RETURNING id;
