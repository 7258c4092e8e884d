-- name: outgoing_add
-- Each parameter is a column.
--   $1 kind, $2 ticket or 0, $3 message or 0, $4 delivery or 0,
--   $5 envelope_sender, $6 message_id, $7 content, $8 acknowledged or NULL,
--   $9 recipients (each a text[] as text)
WITH mail AS MATERIALIZED (
    SELECT nextval('outgoing_id_seq') AS id, m.*
      FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[],
                  $5::text[], $6::text[], $7::bytea[], $8::text[], $9::text[])
        AS m (kind, ticket_id, message_id_no, delivery_id, envelope_sender,
              message_id, content, acknowledged, recipients)),
added AS (
    INSERT INTO outgoing (id, kind, ticket_id, message_id_no, delivery_id,
                          envelope_sender, message_id, content, acknowledged)
    SELECT id, kind, nullif(ticket_id, 0), nullif(message_id_no, 0),
           nullif(delivery_id, 0), envelope_sender, message_id, content,
           acknowledged
      FROM mail)
INSERT INTO outgoing_recipient (outgoing_id, position, addr_spec)
SELECT mail.id, r.position - 1, r.addr_spec
  FROM mail, unnest(mail.recipients::text[])
             WITH ORDINALITY AS r (addr_spec, position);

-- name: outbox_claim
-- Due rows, oldest first, by the database's clock, not the host's. From here on
-- their content may be on the wire: this is the fence. Large content is read
-- when its turn comes.
--   $1 lease token, $2 lease in seconds, $3 limit, $4 octets up to which the
--   content comes along
WITH due AS MATERIALIZED (
    SELECT id FROM outgoing WHERE state = 'queued' AND due_at <= now()
     ORDER BY due_at, id LIMIT $3::bigint FOR UPDATE SKIP LOCKED),
claimed AS (
    UPDATE outgoing o SET state = 'submitting', lease = $1::uuid,
           lease_until = now() + $2::bigint * interval '1 second'
      FROM due WHERE o.id = due.id
    RETURNING o.*)
SELECT c.id, c.kind, c.envelope_sender, c.message_id,
       CASE WHEN octet_length(c.content) <= $4::bigint THEN c.content END,
       c.attempts, extract(epoch FROM now() - c.retry_since)::bigint,
       coalesce(c.ticket_id, 0), r.positions, r.addresses,
       (extract(epoch FROM now() - c.created_at) * 1000000)::bigint
  FROM claimed c,
       LATERAL (SELECT string_agg(position::text, ',' ORDER BY position),
                       string_agg(addr_spec, E'\n' ORDER BY position)
                  FROM outgoing_recipient
                 WHERE outgoing_id = c.id AND state = 'waiting')
            AS r (positions, addresses)
 ORDER BY c.due_at, c.id;

-- name: outbox_load_content
--   $1 id, $2 lease token
SELECT content FROM outgoing
 WHERE id = $1::bigint AND lease = $2::uuid AND content IS NOT NULL;

-- name: outbox_renew
-- The sender is still at it.
--   $1 lease token, $2 lease in seconds
UPDATE outgoing SET lease_until = now() + $2::bigint * interval '1 second'
 WHERE state = 'submitting' AND lease = $1::uuid AND lease_until > now()
RETURNING id;

-- What became of mails of a claim. Each parameter but the lease is a column.

-- name: outbox_settle_recipient
--   $1 lease token, $2 id, $3 position, $4 state, $5 code, $6 enhanced, $7 reply
UPDATE outgoing_recipient r
   SET state = w.state, code = w.code, enhanced = w.enhanced, reply = w.reply,
       replied_at = now()
  FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::text[],
              $7::text[]) AS w (id, position, state, code, enhanced, reply)
  JOIN outgoing o ON o.id = w.id AND o.lease = $1::uuid
 WHERE r.outgoing_id = w.id AND r.position = w.position;

-- name: outbox_event
-- What went wrong, on its ticket.
--   $1 lease token, $2 id, $3 name, $4 detail
INSERT INTO event (ticket_id, name, detail)
SELECT o.ticket_id, w.name, w.detail
  FROM unnest($2::bigint[], $3::text[], $4::text[]) AS w (id, name, detail)
  JOIN outgoing o ON o.id = w.id AND o.lease = $1::uuid
 WHERE o.ticket_id IS NOT NULL;

-- name: outbox_settle
-- The state follows from the recipients: some wait, so it is queued again; else
-- it failed if one failed.
--   $1 lease token, $2 id, $3 wait in seconds, $4 last error,
--   $5 1: refused for the moment (an attempt), $6 1: it may go out twice
UPDATE outgoing o
   SET state = CASE WHEN r.waiting THEN 'queued' WHEN r.failed THEN 'failed'
                    WHEN r.unsure THEN 'unsure' ELSE 'sent' END,
       settled_at = CASE WHEN NOT r.waiting THEN now() END,
       due_at = now() + w.wait_s * interval '1 second',
       attempts = o.attempts + w.refused, repeats = o.repeats + w.uncertain,
       last_error = w.last_error, lease = NULL, lease_until = NULL
  FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[])
    AS w (id, wait_s, last_error, refused, uncertain),
       LATERAL (SELECT coalesce(bool_or(state = 'waiting'), false),
                       coalesce(bool_or(state = 'failed'), false),
                       coalesce(bool_or(state = 'unsure'), false)
                  FROM outgoing_recipient WHERE outgoing_id = w.id)
            AS r (waiting, failed, unsure)
 WHERE o.id = w.id AND o.lease = $1::uuid;

-- name: outbox_release
-- Nothing of these was sent: the relay could not be reached, or a claim broke
-- off. The caller has settled all whose content went out.
--   $1 lease token, $2 wait in seconds, $3 last error
UPDATE outgoing SET state = 'queued', lease = NULL, lease_until = NULL,
       due_at = now() + $2::bigint * interval '1 second', last_error = $3
 WHERE state = 'submitting' AND lease = $1::uuid;

-- name: outbox_recover
-- Rows of a sender that is known to be dead ($1, may be NULL), or whose lease
-- ran out. Of the dead one its marks say how far it came: what it had not begun
-- never went out and is queued again, what the relay had taken is sent. All
-- else is in doubt: what is sent at most once becomes unsure, what is sent at
-- least once is queued again with the same bytes, and counted.
--   $1 lease token or NULL, $2 kinds sent at most once, $3 ids begun, $4 ids
--   sent (arrays)
WITH lapsed AS MATERIALIZED (
    SELECT id,
           CASE WHEN lease IS DISTINCT FROM $1::uuid OR id = ANY ($3::bigint[])
                THEN CASE WHEN kind = ANY ($2::text[])
                          THEN 'unsure' ELSE 'repeated' END
                WHEN id = ANY ($4::bigint[]) THEN 'sent'
                ELSE 'untouched' END AS fate
      FROM outgoing
     WHERE state = 'submitting' AND (lease_until < now() OR lease = $1::uuid)
       FOR UPDATE SKIP LOCKED),
recipients AS (
    UPDATE outgoing_recipient r
       SET state = l.fate, code = CASE WHEN l.fate = 'sent' THEN 250 ELSE 0 END
      FROM lapsed l
     WHERE r.outgoing_id = l.id AND r.state = 'waiting'
       AND l.fate IN ('unsure', 'sent')),
noted AS (
    INSERT INTO event (ticket_id, name, detail)
    SELECT o.ticket_id, 'send-' || l.fate,
           'the sender ended without knowing whether it was sent'
      FROM lapsed l JOIN outgoing o ON o.id = l.id
     WHERE l.fate IN ('unsure', 'repeated') AND o.ticket_id IS NOT NULL)
UPDATE outgoing o
   SET state = CASE WHEN l.fate IN ('unsure', 'sent') THEN l.fate ELSE 'queued' END,
       repeats = o.repeats + (l.fate = 'repeated')::integer,
       settled_at = CASE WHEN l.fate IN ('unsure', 'sent') THEN now() END,
       last_error = CASE WHEN l.fate IN ('unsure', 'repeated')
                         THEN 'the sender ended without knowing whether it was sent'
                         ELSE o.last_error END,
       lease = NULL, lease_until = NULL
  FROM lapsed l
 WHERE o.id = l.id
RETURNING l.fate;

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
