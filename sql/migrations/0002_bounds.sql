-- Bounds: what a question on the road of mail costs no longer depends on how many
-- rows strangers have made us write.

-- What we wrote ourselves is found however many others name the same id.
CREATE INDEX reference_ours ON reference (id_digest, ticket_id) WHERE kind = 'ours';
COMMENT ON TABLE reference IS 'Message-IDs that mails of a ticket carry, and the strongest of those they name, so that a late parent and a colleague''s answer find it.';

-- Those hand-overs of one MTA queue id that a whole mail may complete: of one mail
-- for a thousand recipients that is one.
DROP INDEX delivery_mta;
CREATE INDEX delivery_mta ON delivery (mta_queue_id, envelope_recipient, id)
    WHERE mta_queue_id <> '';

-- The same bytes for the same queue: the first row answers.
DROP INDEX delivery_imap;
CREATE INDEX delivery_imap ON delivery (raw_digest, queue) WHERE transport = 'imap';

-- Mails left in their folder, by what is asked of them: which are due, and which a
-- higher limit lets in. Any number of them may be parked.
CREATE INDEX left_mail_due ON left_mail (folder_id, uid_validity, not_before)
    WHERE parked_at IS NULL;
CREATE INDEX left_mail_large ON left_mail (folder_id, octets)
    WHERE parked_at IS NOT NULL AND strikes = 0;

-- Work is taken by turn, so that no sender keeps others waiting; what has made trouble
-- is in an index of its own, so that nobody walks over what is put off.
ALTER TABLE delivery ADD turn bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN delivery.turn IS 'Processors take the lowest first: when it came, in microseconds since 1970, or later, if its sender had sent much just before.';
DROP INDEX delivery_waiting;
CREATE INDEX delivery_fresh ON delivery (turn, id)
    WHERE state = 'waiting' AND strikes + postponed = 0;
CREATE INDEX delivery_troubled ON delivery (not_before, id)
    WHERE state = 'waiting' AND strikes + postponed > 0;

-- One mail for a thousand recipients is one ticket, also without a Message-ID.
COMMENT ON COLUMN message.content_digest IS 'SHA-256 of header (less trace and filter fields) and body: the same mail by another way. Without a Message-ID of the whole mail and its envelope sender: the same mail for another recipient.';

-- What strangers send to us though nothing can become of it is apart from what an
-- operator must look at: the oldest of it is found, and both are counted.
ALTER TABLE delivery ADD is_rubbish boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN delivery.is_rubbish IS 'Of a parked one: by its sender''s doing, so that nobody need look. Else an operator must.';
UPDATE delivery SET is_rubbish = true WHERE state = 'parked' AND reason = 'too-many-hops';
DROP INDEX delivery_parked;
CREATE INDEX delivery_parked ON delivery (is_rubbish, settled_at, id)
    WHERE state = 'parked';

-- Parked is not for ever: an operator drops it, and time drops rubbish.
ALTER TABLE delivery DROP CONSTRAINT delivery_state_check;
ALTER TABLE delivery ADD CONSTRAINT delivery_state_check
    CHECK (state IN ('waiting', 'settled', 'parked', 'dropped'));
CREATE INDEX delivery_dropped ON delivery (settled_at) WHERE state = 'dropped';
COMMENT ON COLUMN delivery.state IS 'waiting: to be processed; settled: it is in a ticket; parked: nothing could become of it; dropped: nothing shall.';
COMMENT ON COLUMN delivery.reason IS 'Why it is in this state: a word for settled, a sentence for parked; who dropped it.';
COMMENT ON COLUMN delivery.settled_at IS 'When it left the state waiting, or was dropped.';
