-- name: ids_next
-- Numbers for what is about to be recorded: so many tickets, so many messages.
-- A ticket number is drawn only for a new ticket, so that people see few gaps.
--   $1 tickets, $2 messages
SELECT CASE WHEN i <= $1::bigint THEN nextval('ticket_id_seq') ELSE 0 END,
       CASE WHEN i <= $2::bigint THEN nextval('message_id_seq') ELSE 0 END
  FROM generate_series(1, greatest($1::bigint, $2::bigint)) AS i;

-- What follows takes columns: each parameter is an array, an element a row.

-- name: ticket_add
--   $1 id, $2 queue, $3 subject, $4 language, $5 requester, $6 requester_name,
--   $7 reply_to, $8 linked ticket or 0
INSERT INTO ticket (id, queue, subject, language, requester, requester_name,
                    reply_to, linked_to)
SELECT t.id, queue, subject, language, requester, requester_name, reply_to,
       nullif(linked_to, 0)
  FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[],
              $6::text[], $7::text[], $8::bigint[])
    AS t (id, queue, subject, language, requester, requester_name, reply_to,
          linked_to);

-- name: ticket_touch
-- Something was said in it, which may have given it a new status; an empty one
-- leaves it. In order, so that two processors never wait for each other.
--   $1 id, $2 status
UPDATE ticket SET updated_at = now(),
       status = CASE WHEN w.status = '' THEN ticket.status ELSE w.status END,
       closed_at = CASE WHEN w.status = '' THEN closed_at
                        WHEN w.status = 'closed' THEN coalesce(closed_at, now()) END
  FROM (SELECT id, max(status) AS status
          FROM unnest($1::bigint[], $2::text[]) AS t (id, status)
         GROUP BY id ORDER BY id) AS w
 WHERE ticket.id = w.id;

-- name: message_add
--   $1 id, $2 ticket, $3 kind, $4 author, $5 author_name, $6 subject,
--   $7 message_id, $8 reference_ids (each a text[] as text), $9 body,
--   $10 reply_start, $11 reply_end, $12 class, $13 class_reason,
--   $14 threaded_by, $15 defects (likewise), $16 attachments, $17 raw_digest,
--   $18 content_digest, $19 header date in Unix seconds or 0, $20 received in
--   Unix seconds
INSERT INTO message (id, ticket_id, kind, author, author_name, subject,
                     message_id, reference_ids, body, reply_start, reply_end,
                     class, class_reason, threaded_by, defects, attachments,
                     raw_digest, content_digest, header_date, received_at)
SELECT m.id, ticket_id, kind, author, author_name, subject, message_id,
       reference_ids::text[], body, reply_start, reply_end, class,
       class_reason, threaded_by, defects::text[], attachments, raw_digest,
       content_digest, to_timestamp(nullif(header_date_s, 0)),
       to_timestamp(received_s)
  FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[],
              $6::text[], $7::text[], $8::text[], $9::text[], $10::bigint[],
              $11::bigint[], $12::text[], $13::text[], $14::text[],
              $15::text[], $16::bigint[], $17::bytea[], $18::bytea[],
              $19::bigint[], $20::bigint[])
    AS m (id, ticket_id, kind, author, author_name, subject, message_id,
          reference_ids, body, reply_start, reply_end, class, class_reason,
          threaded_by, defects, attachments, raw_digest, content_digest,
          header_date_s, received_s);

-- name: attachment_add
--   $1 message, $2 position, $3 name, $4 type, $5 octets, $6 digest,
--   $7 is_inline (0 or 1), $8 content_id
INSERT INTO attachment (message_id, position, name, type, octets, digest,
                        is_inline, content_id)
SELECT message_id, position, name, type, octets, digest, is_inline <> 0,
       content_id
  FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[],
              $6::bytea[], $7::bigint[], $8::text[])
    AS a (message_id, position, name, type, octets, digest, is_inline,
          content_id);

-- name: reference_add
-- Ids of mails; what is known already keeps the stronger kind.
--   $1 ticket, $2 id, $3 kind
INSERT INTO reference (id_digest, ticket_id, kind)
SELECT DISTINCT ON (digest, ticket_id) digest, ticket_id, kind
  FROM unnest($1::bigint[], $2::text[], $3::text[]) AS i (ticket_id, id, kind),
       sha256(convert_to(id, 'UTF8')) AS digest
 ORDER BY digest, ticket_id, array_position('{ours,stored,seen}'::text[], kind)
ON CONFLICT (id_digest, ticket_id) DO UPDATE SET kind = EXCLUDED.kind
 WHERE reference.kind = 'seen' AND EXCLUDED.kind <> 'seen';

-- name: party_add
-- A stronger role replaces cc; nobody loses one.
--   $1 ticket, $2 address key, $3 name, $4 role
INSERT INTO party (ticket_id, address, name, role)
SELECT DISTINCT ON (ticket_id, address) ticket_id, address, name, role
  FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[])
       WITH ORDINALITY AS p (ticket_id, address, name, role, place)
 ORDER BY ticket_id, address, role = 'cc', place
ON CONFLICT (ticket_id, address) DO UPDATE
   SET role = EXCLUDED.role,
       name = CASE WHEN EXCLUDED.name = '' THEN party.name ELSE EXCLUDED.name END
 WHERE party.role = 'cc' AND EXCLUDED.role <> 'cc';

-- name: ticket_queue_add
--   $1 ticket, $2 queue
INSERT INTO ticket_queue (ticket_id, queue)
SELECT DISTINCT q.ticket_id, q.queue
  FROM unnest($1::bigint[], $2::text[]) AS q (ticket_id, queue)
 WHERE NOT EXISTS (SELECT FROM ticket t WHERE t.id = q.ticket_id
                                          AND t.queue = q.queue)
 ORDER BY 1, 2
ON CONFLICT DO NOTHING;

-- name: event_add
--   $1 ticket, $2 name, $3 actor, $4 detail
INSERT INTO event (ticket_id, name, actor, detail)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[]);

-- From here on one at a time.

-- name: ticket_set_status
-- Somebody gives it a status.
--   $1 id, $2 status
UPDATE ticket SET updated_at = now(), status = $2,
       closed_at = CASE WHEN $2 = 'closed' THEN coalesce(closed_at, now()) END
 WHERE id = $1::bigint
RETURNING id;

-- name: message_replace
-- A truncated copy gives way to the whole mail, in its place; its attachments
-- do, too. If the whole is known already by another way, that message keeps the
-- digest: it is unique.
--   $1 id, $2 author, $3 author_name, $4 subject, $5 message_id,
--   $6 reference_ids, $7 body, $8 reply_start, $9 reply_end, $10 class,
--   $11 class_reason, $12 defects, $13 attachments, $14 raw_digest,
--   $15 content_digest, $16 header date
WITH gone AS (DELETE FROM attachment WHERE message_id = $1::bigint)
UPDATE message SET author = $2, author_name = $3, subject = $4, message_id = $5,
       reference_ids = $6::text[], body = $7, reply_start = $8::integer,
       reply_end = $9::integer, class = $10, class_reason = $11,
       defects = $12::text[], attachments = $13::integer,
       raw_digest = $14::bytea,
       content_digest = CASE WHEN NOT EXISTS (
           SELECT FROM message known
            WHERE known.content_digest = $15::bytea AND known.id <> $1::bigint)
           THEN $15::bytea END,
       header_date = to_timestamp(nullif($16::bigint, 0))
 WHERE id = $1::bigint
RETURNING ticket_id;

-- name: alarm_raise
-- Returns a row if the admin is to be told now.
--   $1 name, $2 cool-down in seconds
INSERT INTO alarm (name)
SELECT $1 WHERE NOT EXISTS (
    SELECT FROM alarm
     WHERE name = $1 AND raised_at > now() - $2::bigint * interval '1 second')
ON CONFLICT (name) DO UPDATE SET raised_at = now(), times = alarm.times + 1
 WHERE alarm.raised_at <= now() - $2::bigint * interval '1 second'
RETURNING name;

-- name: ticket_thread
-- What a reply to this ticket needs to know: the ticket, and the ids of the
-- newest mail that came in; of the last hundred messages a person's before a
-- robot's.
--   $1 ticket
SELECT t.id, t.queue, t.status, t.subject, t.language, t.requester,
       t.requester_name, t.reply_to,
       coalesce(m.message_id, ''), coalesce(m.reference_ids, '{}')::text
  FROM ticket t
  LEFT JOIN LATERAL (
       SELECT message_id, reference_ids
         FROM (SELECT id, kind, class, message_id, reference_ids FROM message
                WHERE ticket_id = t.id ORDER BY id DESC LIMIT 100) AS recent
        WHERE kind = 'mail' AND message_id IS NOT NULL
        ORDER BY class = 'normal' DESC, id DESC LIMIT 1) AS m ON true
 WHERE t.id = $1::bigint
   FOR UPDATE OF t;
