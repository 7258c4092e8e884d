-- name: context_lock
-- Two processors may meet on one thread: in a statement of its own, before the
-- look-up, so that the look-up sees what the other one committed.
--   $1 bigint[], sorted
SELECT pg_advisory_xact_lock(k) FROM unnest($1::bigint[]) AS k;

-- What follows asks for several mails at once: each parameter is a column, its
-- first one says which mail a row asks for, and so does the first column of
-- what comes back.

-- name: context_references
-- Tickets that know one of these ids, those the sender belongs to first. Anybody
-- can write any number of mails that name an id, so of each id only a few tickets
-- are looked at: those where we wrote it, and the oldest, for who floods an id
-- comes after whom it belongs to. Of all ids of a mail forty at most.
--   $1 mail, $2 position (the strongest id first), $3 id, $4 sender's address key
SELECT mail, id, queue, status, subject, language, requester, requester_name,
       reply_to, is_party, kind, message_id
  FROM (SELECT k.mail, t.*, p.is_party, k.kind, k.message_id,
               row_number() OVER (
                   PARTITION BY k.mail
                   ORDER BY p.is_party DESC, k.weakness, k.position,
                            t.updated_at DESC, t.id DESC) AS place
          FROM (SELECT i.mail, i.position, i.id AS message_id, i.sender,
                       r.ticket_id, r.kind, r.weakness,
                       row_number() OVER (
                           PARTITION BY i.mail
                           ORDER BY r.weakness, i.position, r.ticket_id) AS rank
                  FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[])
                    AS i (mail, position, id, sender),
                       LATERAL (
                           (SELECT ticket_id, kind, 0 AS weakness FROM reference
                             WHERE id_digest = sha256(convert_to(i.id, 'UTF8'))
                               AND kind = 'ours'
                             ORDER BY ticket_id LIMIT 2)
                           UNION
                           (SELECT ticket_id, kind,
                                   array_position('{ours,stored,seen}'::text[],
                                                  kind) - 1
                              FROM reference
                             WHERE id_digest = sha256(convert_to(i.id, 'UTF8'))
                             ORDER BY ticket_id LIMIT 8)) AS r) AS k
          JOIN ticket o ON o.id = k.ticket_id
          JOIN ticket t ON t.id = coalesce(o.merged_into, o.id),
               -- not by a join, which might walk over all parties of a ticket
               LATERAL (SELECT EXISTS (
                   SELECT FROM party
                    WHERE ticket_id = t.id AND address = k.sender)
                            AS is_party) AS p
         WHERE k.rank <= 40)
    AS candidate
 WHERE place <= 20
 ORDER BY mail, place;

-- name: context_ticket
--   $1 mail, $2 ticket, $3 sender's address key
SELECT w.mail, t.id, t.queue, t.status, t.subject, t.language, t.requester,
       t.requester_name, t.reply_to,
       EXISTS (SELECT FROM party
                WHERE ticket_id = t.id AND address = w.sender), 'tag', ''
  FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS w (mail, ticket, sender)
  JOIN ticket o ON o.id = w.ticket
  JOIN ticket t ON t.id = coalesce(o.merged_into, o.id);

-- name: context_content
-- Is the same mail known by another way, and does this queue know its ticket?
--   $1 mail, $2 content digest, $3 queue
SELECT w.mail, t.id, t.queue, t.status, t.subject, t.language, t.requester,
       t.requester_name, t.reply_to, m.id,
       t.queue = w.queue OR EXISTS (SELECT FROM ticket_queue q
                                     WHERE q.ticket_id = t.id
                                       AND q.queue = w.queue)
  FROM unnest($1::bigint[], $2::bytea[], $3::text[]) AS w (mail, digest, queue)
  JOIN message m ON m.content_digest = w.digest
  JOIN ticket o ON o.id = m.ticket_id
  JOIN ticket t ON t.id = coalesce(o.merged_into, o.id);

-- name: context_budget
-- How many acknowledgements these addresses had. What is beyond the limits
-- need not be counted.
--   $1 limit (one number), $2 mail, $3 address key
SELECT w.mail,
       count(o.created_at) FILTER (
           WHERE o.created_at > now() - interval '10 minutes'),
       count(o.created_at)
  FROM unnest($2::bigint[], $3::text[]) AS w (mail, address)
  LEFT JOIN LATERAL (
       SELECT created_at FROM outgoing
        WHERE acknowledged = w.address
          AND created_at > now() - interval '1 day'
        ORDER BY created_at DESC LIMIT $1::bigint) AS o ON true
 GROUP BY w.mail;

-- From here on one question.

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
