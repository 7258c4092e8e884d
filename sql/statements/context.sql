-- name: context_lock
-- Two processors may meet on one thread: in a statement of its own, before the
-- look-up, so that the look-up sees what the other one committed.
--   $1 bigint[], sorted
SELECT pg_advisory_xact_lock(k) FROM unnest($1::bigint[]) AS k;

-- name: context_references
-- Tickets that know one of these ids, those the sender belongs to first: who
-- floods others' tickets with a known id must not hide somebody's own.
--   $1 text[] ids, strongest first, $2 sender's address key
SELECT t.id, t.queue, t.status, t.subject, t.language, t.requester,
       t.requester_name, t.reply_to, p.address IS NOT NULL, r.kind,
       i.position, i.id
  FROM unnest($1::text[]) WITH ORDINALITY AS i (id, position)
  JOIN reference r ON r.id_digest = sha256(convert_to(i.id, 'UTF8'))
  JOIN ticket o ON o.id = r.ticket_id
  JOIN ticket t ON t.id = coalesce(o.merged_into, o.id)
  LEFT JOIN party p ON p.ticket_id = t.id AND p.address = $2
 ORDER BY p.address IS NULL,
          CASE r.kind WHEN 'ours' THEN 0 WHEN 'stored' THEN 1 ELSE 2 END,
          i.position, t.updated_at DESC, t.id DESC
 LIMIT 20;

-- name: context_ticket
--   $1 ticket, $2 sender's address key
SELECT t.id, t.queue, t.status, t.subject, t.language, t.requester,
       t.requester_name, t.reply_to, p.address IS NOT NULL, 'tag',
       1::bigint, ''
  FROM ticket o
  JOIN ticket t ON t.id = coalesce(o.merged_into, o.id)
  LEFT JOIN party p ON p.ticket_id = t.id AND p.address = $2
 WHERE o.id = $1::bigint;

-- name: context_content
-- Is the same mail known by another way, and does this queue know its ticket?
--   $1 content digest, $2 queue
SELECT t.id, t.queue, t.status, t.subject, t.language, t.requester,
       t.requester_name, t.reply_to, m.id,
       t.queue = $2 OR EXISTS (SELECT FROM ticket_queue q
                                WHERE q.ticket_id = t.id AND q.queue = $2)
  FROM message m
  JOIN ticket o ON o.id = m.ticket_id
  JOIN ticket t ON t.id = coalesce(o.merged_into, o.id)
 WHERE m.content_digest = $1::bytea;

-- name: context_budget
-- How many acknowledgements this address had.
--   $1 address key
SELECT count(*) FILTER (WHERE created_at > now() - interval '10 minutes'),
       count(*)
  FROM outgoing
 WHERE kind = 'acknowledgement' AND acknowledged = $1
   AND created_at > now() - interval '1 day';

-- name: context_breaker
-- How many acknowledgements and notices there were in all, up to a limit.
--   $1 window in seconds, $2 limit
SELECT count(*) FROM (
    SELECT FROM outgoing
     WHERE kind IN ('acknowledgement', 'notice')
       AND created_at > now() - $1::bigint * interval '1 second'
     LIMIT $2::bigint) AS recent;

-- name: signing_keys
-- The newest signs, the one before still verifies.
SELECT key FROM signing_key ORDER BY id DESC LIMIT 2;
