-- name: folder_hold
-- Take a folder, or keep it: it is ours, nobody's, or its holder has not been
-- heard of for too long. No row: another has it.
--   $1 account, $2 name, $3 lease uuid, $4 holder, $5 seconds
INSERT INTO folder AS f (account, name, lease, holder, lease_until)
VALUES ($1, $2, $3::uuid, $4, now() + $5::bigint * interval '1 second')
ON CONFLICT (account, name) DO UPDATE
   SET lease = $3::uuid, holder = $4,
       lease_until = now() + $5::bigint * interval '1 second'
 WHERE f.lease IS NULL OR f.lease = $3::uuid OR f.lease_until < now()
RETURNING id, uid_validity, generation, last_uid, resync_until, acted_uid,
          highest_modseq,
          greatest(ceil(extract(epoch FROM next_try_at - now())), 0)::bigint;

-- name: folder_release
--   $1 id, $2 lease uuid
UPDATE folder SET lease = NULL, lease_until = NULL, holder = ''
 WHERE id = $1::bigint AND lease = $2::uuid;

-- name: folder_report
-- How it goes; keeps the lease, too. Is there a mail that was left and is to be
-- tried again?
--   $1 id, $2 lease uuid, $3 lease in seconds, $4 trouble or '', $5 mails that
--   wait, $6 seconds to wait before the next attempt, $7 acted_uid,
--   $8 highest_modseq
UPDATE folder SET
       lease_until = now() + $3::bigint * interval '1 second',
       waiting = CASE WHEN $4 = '' THEN $5::bigint ELSE waiting END,
       looked_at = CASE WHEN $4 = '' THEN now() ELSE looked_at END,
       failing_since = CASE WHEN $4 <> '' THEN coalesce(failing_since, now()) END,
       last_error = $4,
       next_try_at = CASE WHEN $6::bigint > 0
                          THEN now() + $6::bigint * interval '1 second' END,
       acted_uid = greatest(acted_uid, $7::bigint),
       highest_modseq = greatest(highest_modseq, $8::bigint)
 WHERE id = $1::bigint AND lease = $2::uuid
RETURNING EXISTS (SELECT FROM left_mail l
                   WHERE l.folder_id = folder.id
                     AND l.uid_validity = folder.uid_validity
                     AND l.parked_at IS NULL AND l.not_before <= now());

-- name: folder_begin
-- Another generation of the folder: it is read from its beginning, and what was
-- left in the one before is forgotten.
--   $1 id, $2 lease uuid, $3 uid_validity, $4 generation, $5 resync_until,
--   $6 highest_modseq
WITH begun AS (
    UPDATE folder SET uid_validity = $3::bigint, generation = $4::bigint,
           last_uid = 0, acted_uid = 0, resync_until = $5::bigint,
           highest_modseq = $6::bigint
     WHERE id = $1::bigint AND lease = $2::uuid
    RETURNING id),
gone AS (
    DELETE FROM left_mail WHERE folder_id IN (SELECT id FROM begun))
SELECT id FROM begun;

-- name: folder_advance
-- Only who holds the lease, and from where it stood; else the division by zero
-- takes the transaction with it. It flies with COMMIT, so that nobody can die
-- with the row locked.
--   $1 id, $2 lease uuid, $3 uid_validity, $4 last_uid before, $5 after,
--   $6 lease in seconds, $7 acted_uid, $8 highest_modseq
WITH moved AS (
    UPDATE folder SET last_uid = $5::bigint, acted_uid = $7::bigint,
           highest_modseq = greatest(highest_modseq, $8::bigint),
           lease_until = now() + $6::bigint * interval '1 second'
     WHERE id = $1::bigint AND lease = $2::uuid AND uid_validity = $3::bigint
       AND last_uid = $4::bigint
    RETURNING id)
SELECT 1 / count(*) FROM moved;

-- name: folder_stands
-- Does it stand where we think, and is it ours?
--   $1 id, $2 lease uuid, $3 uid_validity, $4 last_uid
SELECT id FROM folder
 WHERE id = $1::bigint AND lease = $2::uuid AND uid_validity = $3::bigint
   AND last_uid = $4::bigint;

-- name: folder_raw_add
-- Mails as they came; each parameter is a column.
--   $1 digest, $2 bytes, $3 octets
INSERT INTO raw_mail (digest, bytes, octets)
SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bigint[])
ON CONFLICT (digest) DO NOTHING;

-- name: folder_delivery_add
-- Hand-overs of a folder; a known hand-over is counted. A known mail has no row
-- and none is returned: of those that are to be compared, what came from a
-- folder before, for the same queue, or is in a ticket and could not be known by
-- its content digest. Of those that have one the processor asks.
--   $1 source_key, $2 envelope_sender, $3 envelope_recipient, $4 queue,
--   $5 raw_digest, $6 turn, $7 1 to compare
INSERT INTO delivery (source_key, transport, envelope_sender, envelope_recipient,
                      queue, raw_digest, turn)
SELECT source_key, 'imap', sender, recipient, queue, digest, turn
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[],
              $6::bigint[], $7::bigint[])
    AS w (source_key, sender, recipient, queue, digest, turn, compared)
 WHERE compared = 0 OR NOT (
       EXISTS (SELECT FROM delivery d
                WHERE d.raw_digest = w.digest AND d.transport = 'imap'
                  AND d.queue = w.queue AND d.source_key <> w.source_key)
       OR EXISTS (SELECT FROM message m
                   WHERE m.raw_digest = w.digest AND m.content_digest IS NULL))
ON CONFLICT (source_key) DO UPDATE SET duplicates = delivery.duplicates + 1
RETURNING source_key, id, xmax <> 0;

-- name: folder_accepted
-- Which of these source keys are accepted.
--   $1 source_key
SELECT w.source_key FROM unnest($1::text[]) AS w (source_key)
 WHERE EXISTS (SELECT FROM delivery d WHERE d.source_key = w.source_key);

-- name: left_add
-- A mail that could not be taken. A strike counts; the third parks it, and until
-- then each wait is longer.
--   $1 folder, $2 uid_validity, $3 uid, $4 octets, $5 strikes to add, $6 reason,
--   $7 strikes that park
INSERT INTO left_mail AS l (folder_id, uid_validity, uid, octets, strikes, reason,
                            not_before, parked_at)
VALUES ($1::bigint, $2::bigint, $3::bigint, $4::bigint, $5::integer, $6,
        now() + interval '1 minute',
        CASE WHEN $5::integer = 0 OR $5::integer >= $7::integer THEN now() END)
ON CONFLICT (folder_id, uid_validity, uid) DO UPDATE
   SET strikes = l.strikes + $5::integer, reason = $6, octets = $4::bigint,
       not_before = now() + 4 ^ (l.strikes + 1) * interval '1 minute',
       parked_at = CASE WHEN $5::integer = 0 OR l.strikes + $5::integer >= $7::integer
                        THEN coalesce(l.parked_at, now()) END
RETURNING strikes::bigint, parked_at IS NOT NULL;

-- name: left_due
-- Those that are to be tried again, in the order of the folder.
--   $1 folder, $2 uid_validity, $3 limit
SELECT uid FROM (SELECT uid FROM left_mail
                  WHERE folder_id = $1::bigint AND uid_validity = $2::bigint
                    AND parked_at IS NULL AND not_before <= now()
                  ORDER BY not_before LIMIT $3::bigint) AS due
 ORDER BY uid;

-- name: left_clear
-- Taken after all, or gone from the folder.
--   $1 folder (one number), $2 uid_validity (one number), $3 uid
DELETE FROM left_mail l USING unnest($3::bigint[]) AS w (uid)
 WHERE l.folder_id = $1::bigint AND l.uid_validity = $2::bigint AND l.uid = w.uid;

-- name: left_retry
-- Those that a limit kept out which is higher now.
--   $1 folder, $2 octets
UPDATE left_mail SET parked_at = NULL, not_before = now()
 WHERE folder_id = $1::bigint AND parked_at IS NOT NULL AND strikes = 0
   AND octets BETWEEN 1 AND $2::bigint;

-- name: left_retry_all
-- An operator wants them tried again.
--   $1 account
UPDATE left_mail SET parked_at = NULL, strikes = 0, not_before = now()
 WHERE folder_id IN (SELECT id FROM folder WHERE account = $1)
RETURNING uid;
