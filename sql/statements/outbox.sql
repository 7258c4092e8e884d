-- name: outgoing_add
--   $1 kind, $2 ticket or 0, $3 message or 0, $4 delivery or 0,
--   $5 envelope_sender, $6 message_id, $7 content, $8 acknowledged or NULL,
--   $9 recipients text[]
WITH added AS (
    INSERT INTO outgoing (kind, ticket_id, message_id_no, delivery_id,
                          envelope_sender, message_id, content, acknowledged)
    VALUES ($1, nullif($2::bigint, 0), nullif($3::bigint, 0),
            nullif($4::bigint, 0), $5, $6, $7::bytea, $8)
    RETURNING id)
INSERT INTO outgoing_recipient (outgoing_id, position, addr_spec)
SELECT added.id, r.position - 1, r.addr_spec
  FROM added, unnest($9::text[]) WITH ORDINALITY AS r (addr_spec, position);

-- name: outbox_claim
-- Due rows, oldest first, and rows whose lease ran out before the fence: two
-- questions, because one index answers each. The database's clock, not the
-- host's.
--   $1 lease token, $2 lease in seconds, $3 limit of each
WITH queued AS MATERIALIZED (
    SELECT id FROM outgoing WHERE state = 'queued' AND due_at <= now()
     ORDER BY due_at, id LIMIT $3::integer FOR UPDATE SKIP LOCKED),
lapsed AS MATERIALIZED (
    SELECT id FROM outgoing WHERE state = 'claimed' AND lease_until < now()
     LIMIT $3::integer FOR UPDATE SKIP LOCKED),
due AS (SELECT id FROM queued UNION SELECT id FROM lapsed)
UPDATE outgoing o SET state = 'claimed', lease = $1::uuid,
       lease_until = now() + $2::bigint * interval '1 second'
  FROM due WHERE o.id = due.id
RETURNING o.id, o.due_at;

-- name: outbox_load
-- One mail of our claim, with the recipients that still wait.
--   $1 id, $2 lease token
SELECT o.id, o.kind, o.envelope_sender, o.message_id, o.content, o.attempts,
       extract(epoch FROM now() - o.retry_since)::bigint,
       coalesce(o.ticket_id, 0),
       (SELECT string_agg(r.position::text, ',' ORDER BY r.position)
          FROM outgoing_recipient r
         WHERE r.outgoing_id = o.id AND r.state = 'waiting'),
       (SELECT string_agg(r.addr_spec, E'\n' ORDER BY r.position)
          FROM outgoing_recipient r
         WHERE r.outgoing_id = o.id AND r.state = 'waiting')
  FROM outgoing o
 WHERE o.id = $1::bigint AND o.lease = $2::uuid AND o.state = 'claimed'
   AND o.content IS NOT NULL;

-- name: outbox_fence
-- From here on its content may be on the wire. No row: it is no longer ours.
--   $1 id, $2 lease token, $3 lease in seconds
UPDATE outgoing SET state = 'submitting',
       lease_until = now() + $3::bigint * interval '1 second'
 WHERE id = $1::bigint AND lease = $2::uuid AND state = 'claimed'
   AND lease_until > now()
RETURNING id;

-- name: outbox_settle_recipient
--   $1 id, $2 position, $3 state, $4 code, $5 enhanced, $6 reply, $7 lease token
UPDATE outgoing_recipient r
   SET state = $3, code = $4::integer, enhanced = $5, reply = $6, replied_at = now()
  FROM outgoing o
 WHERE r.outgoing_id = $1::bigint AND r.position = $2::integer
   AND o.id = r.outgoing_id AND o.lease = $7::uuid;

-- name: outbox_settle
-- The state follows from the recipients: some wait, so it is queued again;
-- else it failed if one failed.
--   $1 id, $2 lease token, $3 wait in seconds, $4 last error,
--   $5 1: refused for the moment (an attempt), $6 1: it may go out twice
UPDATE outgoing o
   SET state = CASE
           WHEN EXISTS (SELECT FROM outgoing_recipient r
                         WHERE r.outgoing_id = o.id AND r.state = 'waiting')
           THEN 'queued'
           WHEN EXISTS (SELECT FROM outgoing_recipient r
                         WHERE r.outgoing_id = o.id AND r.state = 'failed')
           THEN 'failed'
           WHEN EXISTS (SELECT FROM outgoing_recipient r
                         WHERE r.outgoing_id = o.id AND r.state = 'unsure')
           THEN 'unsure'
           ELSE 'sent' END,
       settled_at = CASE
           WHEN NOT EXISTS (SELECT FROM outgoing_recipient r
                             WHERE r.outgoing_id = o.id AND r.state = 'waiting')
           THEN now() END,
       due_at = now() + $3::bigint * interval '1 second',
       attempts = o.attempts + $5::integer,
       repeats = o.repeats + $6::integer, last_error = $4,
       lease = NULL, lease_until = NULL
 WHERE o.id = $1::bigint AND o.lease = $2::uuid
RETURNING o.state, o.ticket_id;

-- name: outbox_event
-- What went wrong with a mail, on its ticket.
--   $1 outgoing, $2 name, $3 detail, $4 lease token
INSERT INTO event (ticket_id, name, detail)
SELECT ticket_id, $2, $3 FROM outgoing
 WHERE id = $1::bigint AND lease = $4::uuid AND ticket_id IS NOT NULL;

-- name: outbox_release
-- Nothing of these was sent: the relay could not be reached, or a claim broke
-- off. The caller has settled all whose content went out.
--   $1 lease token, $2 wait in seconds, $3 last error
UPDATE outgoing SET state = 'queued', lease = NULL, lease_until = NULL,
       due_at = now() + $2::bigint * interval '1 second', last_error = $3
 WHERE lease = $1::uuid AND state IN ('claimed', 'submitting')
RETURNING id;

-- name: outbox_recover
-- Rows whose lease ran out behind the fence, or whose sender is known to be
-- dead ($1, may be NULL): what is sent at most once becomes unsure, what is
-- sent at least once is queued again with the same bytes, and counted. What
-- was only claimed never went out.
--   $1 lease token or NULL, $2 array of the kinds sent at most once
WITH lapsed AS (
    SELECT id, kind = ANY ($2::text[]) AS once, state = 'submitting' AS fenced
      FROM outgoing
     WHERE (state = 'submitting' AND lease_until < now())
        OR (state IN ('claimed', 'submitting') AND lease = $1::uuid)
     FOR UPDATE SKIP LOCKED),
unsure AS (
    UPDATE outgoing_recipient r SET state = 'unsure'
      FROM lapsed l
     WHERE r.outgoing_id = l.id AND r.state = 'waiting' AND l.once AND l.fenced)
UPDATE outgoing o
   SET state = CASE WHEN l.once AND l.fenced THEN 'unsure' ELSE 'queued' END,
       repeats = o.repeats + CASE WHEN l.fenced AND NOT l.once THEN 1 ELSE 0 END,
       settled_at = CASE WHEN l.once AND l.fenced THEN now() END,
       last_error = CASE WHEN l.fenced
                         THEN 'the sender ended without knowing whether it was sent'
                         ELSE o.last_error END,
       lease = NULL, lease_until = NULL
  FROM lapsed l
 WHERE o.id = l.id
RETURNING o.id, o.state, l.fenced;

-- name: outbox_expire
-- Too old: the recipients that still wait have failed.
--   $1 seconds, $2 limit
WITH old AS (
    SELECT id FROM outgoing
     WHERE state = 'queued' AND retry_since < now() - $1::bigint * interval '1 second'
     ORDER BY retry_since LIMIT $2::integer FOR UPDATE SKIP LOCKED),
given_up AS (
    UPDATE outgoing_recipient r SET state = 'failed'
      FROM old WHERE r.outgoing_id = old.id AND r.state = 'waiting'),
noted AS (
    INSERT INTO event (ticket_id, name, detail)
    SELECT o.ticket_id, 'send-expired', o.last_error
      FROM outgoing o JOIN old ON old.id = o.id WHERE o.ticket_id IS NOT NULL)
UPDATE outgoing o SET state = 'failed', settled_at = now()
  FROM old WHERE o.id = old.id
RETURNING o.id, o.kind, o.last_error;

-- name: outbox_next_due
-- Seconds until the next mail is due; NULL if none waits.
SELECT ceil(extract(epoch FROM min(due_at) - now()))::bigint
  FROM outgoing WHERE state = 'queued';

-- name: outbox_retry
-- An operator wants it tried again, to those who did not get it.
--   $1 id
WITH mail AS (
    SELECT id FROM outgoing
     WHERE id = $1::bigint AND state IN ('queued', 'failed', 'unsure', 'dropped')
       AND content IS NOT NULL
       FOR UPDATE),
again AS (
    UPDATE outgoing_recipient r SET state = 'waiting'
      FROM mail
     WHERE r.outgoing_id = mail.id AND r.state IN ('failed', 'unsure', 'waiting')
    RETURNING r.outgoing_id)
UPDATE outgoing o SET state = 'queued', due_at = now(), retry_since = now(),
       settled_at = NULL
  FROM mail
 WHERE o.id = mail.id AND EXISTS (SELECT FROM again)
RETURNING o.id;

-- name: outbox_drop
-- An operator does not want it sent.
--   $1 id
UPDATE outgoing SET state = 'dropped', settled_at = now()
 WHERE id = $1::bigint AND state IN ('queued', 'failed', 'unsure')
RETURNING id;

-- name: outbox_purge
-- Content of what was sent, older than retention.
--   $1 seconds, $2 limit
UPDATE outgoing SET content = NULL WHERE id IN (
    SELECT id FROM outgoing
     WHERE state IN ('sent', 'dropped') AND content IS NOT NULL
       AND settled_at < now() - $1::bigint * interval '1 second'
     ORDER BY settled_at LIMIT $2::integer)
RETURNING id;
