-- name: inspect_status
SELECT w.waiting,
       coalesce(extract(epoch FROM now() - w.oldest)::bigint, 0) AS oldest_waiting_s,
       (SELECT count(*) FROM delivery
         WHERE state = 'parked' AND NOT is_rubbish) AS parked,
       (SELECT count(*) FROM delivery
         WHERE state = 'parked' AND is_rubbish) AS parked_rubbish,
       (SELECT count(*) FROM outgoing WHERE state = 'queued') AS queued,
       coalesce((SELECT extract(epoch FROM now() - min(created_at))::bigint
                   FROM outgoing WHERE state = 'queued'), 0) AS oldest_queued_s,
       coalesce((SELECT greatest(extract(epoch FROM now() - min(due_at))::bigint, 0)
                   FROM outgoing WHERE state = 'queued'), 0) AS overdue_s,
       (SELECT count(*) FROM outgoing WHERE state = 'submitting') AS sending,
       (SELECT count(*) FROM outgoing
         WHERE state = 'failed' AND kind <> 'acknowledgement'
           AND settled_at > now() - interval '1 day') AS failed_1day,
       (SELECT count(*) FROM outgoing
         WHERE state = 'failed' AND kind = 'acknowledgement'
           AND settled_at > now() - interval '1 day')
           AS acknowledgements_failed_1day,
       (SELECT count(*) FROM outgoing WHERE state = 'unsure'
           AND settled_at > now() - interval '1 day') AS unsure_1day,
       (SELECT count(*) FROM ticket WHERE status <> 'closed') AS unfinished_tickets
  FROM (SELECT count(*) AS waiting, min(received_at) AS oldest
          FROM (SELECT received_at FROM delivery
                 WHERE state = 'waiting' AND strikes + postponed = 0
                UNION ALL
                SELECT received_at FROM delivery
                 WHERE state = 'waiting' AND strikes + postponed > 0) AS waiting) AS w;

-- name: inspect_tickets
--   $1 queue or '', $2 status or '', $3 limit
SELECT t.id AS ticket, t.queue, t.status,
       to_char(t.updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS updated,
       t.requester, t.subject,
       (SELECT count(*) FROM message m WHERE m.ticket_id = t.id) AS messages
  FROM ticket t
 WHERE ($1 = '' OR t.queue = $1) AND ($2 = '' OR t.status = $2)
 ORDER BY t.updated_at DESC, t.id DESC LIMIT $3::bigint;

-- name: inspect_ticket
--   $1 ticket
SELECT id AS ticket, queue, status, subject, language, requester,
       requester_name, reply_to, linked_to, merged_into,
       to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS created,
       to_char(updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS updated,
       to_char(closed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS closed,
       (SELECT string_agg(queue, ' ' ORDER BY queue) FROM ticket_queue q
         WHERE q.ticket_id = t.id) AS also_in
  FROM ticket t WHERE id = $1::bigint;

-- name: inspect_messages
--   $1 ticket
SELECT m.id AS message, m.kind, m.author, m.author_name, m.subject,
       m.message_id, m.class, m.class_reason, m.threaded_by,
       array_to_string(m.defects, ' ') AS defects, m.attachments::bigint,
       to_char(m.received_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS received,
       m.reply_start::bigint, m.reply_end::bigint, m.body
  FROM message m WHERE m.ticket_id = $1::bigint ORDER BY m.id;

-- name: inspect_attachments
--   $1 ticket, $2 message or ""
SELECT a.message_id AS message, a.position::bigint AS attachment,
       a.octets, a.is_inline AS inline, a.type, encode(a.digest, 'hex') AS sha256,
       a.content_id, a.name
  FROM message m JOIN attachment a ON a.message_id = m.id
 WHERE m.ticket_id = $1::bigint
   AND ($2 = '' OR m.id = nullif($2, '')::bigint)
 ORDER BY a.message_id, a.position;

-- name: inspect_parties
--   $1 ticket
SELECT address, name, role FROM party
 WHERE ticket_id = $1::bigint
 ORDER BY array_position('{requester,participant,agent,cc}'::text[], role), address;

-- name: inspect_events
--   $1 ticket
SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS at,
       name AS event, actor, detail
  FROM event WHERE ticket_id = $1::bigint ORDER BY id;

-- name: inspect_ticket_mails
--   $1 ticket
SELECT o.id AS outgoing, o.kind, o.state,
       (SELECT string_agg(r.addr_spec, ' ' ORDER BY r.position)
          FROM outgoing_recipient r WHERE r.outgoing_id = o.id) AS recipients,
       o.last_error
  FROM outgoing o WHERE o.ticket_id = $1::bigint ORDER BY o.id;

-- name: inspect_deliveries
--   $1 state or '', $2 limit
SELECT d.id AS delivery, d.state, d.transport,
       to_char(d.received_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS received,
       d.envelope_sender AS sender, d.envelope_recipient AS recipient,
       r.octets, d.ticket_id AS ticket, d.duplicates::bigint,
       d.is_rubbish AS rubbish, d.reason
  FROM delivery d JOIN raw_mail r ON r.digest = d.raw_digest
 WHERE ($1 = '' OR d.state = $1)
 ORDER BY d.id DESC LIMIT $2::bigint;

-- name: inspect_delivery
--   $1 delivery
SELECT d.id AS delivery, d.state, d.reason, d.is_rubbish AS rubbish,
       d.transport, d.source_key,
       d.envelope_sender AS sender, d.envelope_recipient AS recipient, d.queue,
       d.mta_queue_id, r.octets, encode(d.raw_digest, 'hex') AS raw_digest,
       d.strikes::bigint, d.duplicates::bigint, d.completed::bigint,
       d.ticket_id AS ticket, d.message_id_no AS message,
       to_char(d.received_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS received,
       to_char(d.settled_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS settled
  FROM delivery d JOIN raw_mail r ON r.digest = d.raw_digest
 WHERE d.id = $1::bigint;

-- name: inspect_outbox
--   $1 state, 'unfinished' or '', $2 limit
SELECT o.id AS outgoing, o.kind, o.state, o.ticket_id AS ticket,
       (SELECT string_agg(r.addr_spec, ' ' ORDER BY r.position)
          FROM outgoing_recipient r WHERE r.outgoing_id = o.id) AS recipients,
       o.attempts::bigint,
       to_char(o.due_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS due,
       o.last_error
  FROM outgoing o
 WHERE CASE $1 WHEN '' THEN true
               WHEN 'unfinished' THEN o.state NOT IN ('sent', 'dropped')
               ELSE o.state = $1 END
 ORDER BY o.id DESC LIMIT $2::bigint;

-- name: inspect_outgoing
--   $1 outgoing
SELECT o.id AS outgoing, o.kind, o.state, o.ticket_id AS ticket,
       o.message_id_no AS message, o.delivery_id AS delivery,
       o.envelope_sender AS sender, o.message_id, o.attempts::bigint,
       o.repeats::bigint, o.last_error, octet_length(o.content)::bigint AS octets,
       to_char(o.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS created,
       to_char(o.due_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS due,
       to_char(o.settled_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS settled
  FROM outgoing o WHERE o.id = $1::bigint;

-- name: inspect_recipients
--   $1 outgoing
SELECT addr_spec AS recipient, state, code::bigint, enhanced, reply,
       to_char(replied_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS replied
  FROM outgoing_recipient WHERE outgoing_id = $1::bigint ORDER BY position;

-- name: message_raw
-- A piece of the original of a message, however long ago it came.
--   $1 ticket, $2 message, $3 first octet, from 1, $4 how many
SELECT substring(r.bytes FROM $3::integer FOR $4::integer)
  FROM message m JOIN raw_mail r ON r.digest = m.raw_digest
 WHERE m.ticket_id = $1::bigint AND m.id = $2::bigint;

-- name: outgoing_content
--   $1 outgoing
SELECT content FROM outgoing WHERE id = $1::bigint AND content IS NOT NULL;

-- name: inspect_folders
-- IMAP folders that are or were watched, and how it goes.
SELECT f.account, f.name AS folder, f.uid_validity, f.last_uid, f.waiting,
       CASE WHEN f.lease_until > now() THEN f.holder ELSE '' END AS holder,
       to_char(f.looked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS last_success,
       extract(epoch FROM now() - coalesce(f.looked_at, f.created_at))::bigint AS silent_s,
       to_char(f.failing_since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS failing_since,
       coalesce(greatest(extract(epoch FROM f.next_try_at - now()), 0), 0)::bigint AS next_try_s,
       (SELECT count(*) FROM left_mail l
         WHERE l.folder_id = f.id AND l.uid_validity = f.uid_validity
           AND l.parked_at IS NOT NULL) AS parked,
       (SELECT count(*) FROM left_mail l
         WHERE l.folder_id = f.id AND l.uid_validity = f.uid_validity
           AND l.parked_at IS NULL) AS struck,
       f.last_error
  FROM folder f ORDER BY f.account, f.name;

-- name: inspect_left
-- Mails that could not be taken and are still in their folder.
--   $1 account or ''
SELECT f.account, f.name AS folder, l.uid, l.octets, l.strikes::bigint,
       CASE WHEN l.parked_at IS NULL THEN 'retrying' ELSE 'parked' END AS state,
       to_char(l.left_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS since,
       CASE WHEN l.parked_at IS NULL THEN
            to_char(l.not_before AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') END AS next_try,
       l.reason
  FROM left_mail l JOIN folder f ON f.id = l.folder_id
 WHERE l.uid_validity = f.uid_validity AND ($1 = '' OR f.account = $1)
 ORDER BY f.account, f.name, l.uid;
