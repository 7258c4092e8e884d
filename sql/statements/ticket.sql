-- name: ids_next
-- Numbers for what is about to be recorded. A ticket number is drawn only for
-- a new ticket, so that people see few gaps.
--   $1 is it a new ticket
SELECT CASE WHEN $1::boolean
            THEN nextval(pg_get_serial_sequence('ticket', 'id')) ELSE 0 END,
       nextval(pg_get_serial_sequence('message', 'id'));

-- name: ticket_add
--   $1 id, $2 queue, $3 subject, $4 language, $5 requester, $6 requester_name,
--   $7 reply_to, $8 linked ticket or 0
INSERT INTO ticket (id, queue, subject, language, requester, requester_name,
                    reply_to, linked_to)
VALUES ($1::bigint, $2, $3, $4, $5, $6, $7, nullif($8::bigint, 0));

-- name: ticket_touch
-- Something was said in it; $2 is its new status, empty leaves it.
--   $1 id, $2 status
UPDATE ticket SET updated_at = now(),
       status = CASE WHEN $2 = '' THEN status ELSE $2 END,
       closed_at = CASE WHEN $2 = '' THEN closed_at
                        WHEN $2 = 'closed' THEN coalesce(closed_at, now()) END
 WHERE id = $1::bigint
RETURNING id;

-- name: message_add
--   $1 id, $2 ticket, $3 kind, $4 author, $5 author_name, $6 subject,
--   $7 message_id, $8 reference_ids text[], $9 body, $10 reply_start,
--   $11 reply_end, $12 class, $13 class_reason, $14 threaded_by,
--   $15 defects text[], $16 attachments, $17 raw_digest, $18 content_digest,
--   $19 header date in Unix seconds or 0, $20 received in Unix seconds
INSERT INTO message (id, ticket_id, kind, author, author_name, subject,
                     message_id, reference_ids, body, reply_start, reply_end,
                     class, class_reason, threaded_by, defects, attachments,
                     raw_digest, content_digest, header_date, received_at)
VALUES ($1::bigint, $2::bigint, $3, $4, $5, $6, $7, $8::text[], $9,
        $10::integer, $11::integer, $12, $13, $14, $15::text[], $16::integer,
        $17::bytea, $18::bytea, to_timestamp(nullif($19::bigint, 0)),
        to_timestamp($20::bigint));

-- name: message_replace
-- A truncated copy gives way to the whole mail, in its place. If the whole is
-- known already by another way, that message keeps the digest: it is unique.
--   $1 id, $2 author, $3 author_name, $4 subject, $5 message_id,
--   $6 reference_ids, $7 body, $8 reply_start, $9 reply_end, $10 class,
--   $11 class_reason, $12 defects, $13 attachments, $14 raw_digest,
--   $15 content_digest, $16 header date
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

-- name: reference_add
-- Ids of a mail; what is known already keeps the stronger kind.
--   $1 ticket, $2 text[] ids, $3 kind
INSERT INTO reference (id_digest, ticket_id, kind)
SELECT DISTINCT sha256(convert_to(id, 'UTF8')), $1::bigint, $3
  FROM unnest($2::text[]) AS id
 ORDER BY 1
ON CONFLICT (id_digest, ticket_id) DO UPDATE SET kind = EXCLUDED.kind
 WHERE reference.kind = 'seen' AND EXCLUDED.kind <> 'seen';

-- name: party_add
-- A stronger role replaces cc; nobody loses one.
--   $1 ticket, $2 address key, $3 name, $4 role
INSERT INTO party (ticket_id, address, name, role)
VALUES ($1::bigint, $2, $3, $4)
ON CONFLICT (ticket_id, address) DO UPDATE
   SET role = EXCLUDED.role,
       name = CASE WHEN EXCLUDED.name = '' THEN party.name ELSE EXCLUDED.name END
 WHERE party.role = 'cc' AND EXCLUDED.role <> 'cc';

-- name: ticket_queue_add
--   $1 ticket, $2 queue
INSERT INTO ticket_queue (ticket_id, queue)
SELECT $1::bigint, $2
 WHERE NOT EXISTS (SELECT FROM ticket WHERE id = $1::bigint AND queue = $2)
ON CONFLICT DO NOTHING;

-- name: event_add
--   $1 ticket, $2 name, $3 actor, $4 detail
INSERT INTO event (ticket_id, name, actor, detail)
VALUES ($1::bigint, $2, $3, $4);

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
-- newest mail that came in; a person's before a robot's.
--   $1 ticket
SELECT t.id, t.queue, t.status, t.subject, t.language, t.requester,
       t.requester_name, t.reply_to,
       coalesce(m.message_id, ''), coalesce(m.reference_ids, '{}')::text
  FROM ticket t
  LEFT JOIN LATERAL (
       SELECT message_id, reference_ids FROM message
        WHERE ticket_id = t.id AND kind = 'mail' AND message_id IS NOT NULL
        ORDER BY class = 'normal' DESC, id DESC LIMIT 1) AS m ON true
 WHERE t.id = $1::bigint
   FOR UPDATE OF t;
