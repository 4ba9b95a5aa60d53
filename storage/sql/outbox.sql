-- name: enqueue
-- A message is to be sent.
INSERT INTO outbox (key, chat_id, urgency, slot, body, created, state, error)
SELECT :key, :chat_id, :urgency, :slot, :body, :now, iif(is_closed, 'parked', 'owed'), iif(is_closed, 'closed', NULL)
FROM (SELECT EXISTS (SELECT 1 FROM chats WHERE chat_id = :chat_id AND closed IS NOT NULL) AS is_closed);

-- name: with_key
-- Whether a message of this key was ever enqueued.
SELECT 1 AS found FROM outbox WHERE key = :key;

-- name: same_waits
-- Whether the very same message waits for this chat already.
SELECT 1 AS found FROM outbox WHERE chat_id = :chat_id AND state = 'owed' AND slot IS NULL AND body = :body;

-- name: supersede
-- Older drawings of a slot that nobody has seen and nobody needs to see.
DELETE FROM outbox WHERE chat_id = :chat_id AND slot = :slot AND state = 'owed'
    AND (urgency = 'progress' OR (urgency = 'reply' AND :replies = 1)) AND key IS NULL;

-- name: answers
-- Answers to taps: at once, before everything.
SELECT * FROM outbox WHERE urgency = 'answer' AND state IN ('owed', 'sending') ORDER BY id;

-- name: chats_with_pending
-- Chats for which something is pending, answers aside.
SELECT DISTINCT chat_id FROM outbox WHERE state IN ('owed', 'sending') AND urgency <> 'answer';

-- name: next_for
-- The next message of a chat: in order, progress after all else; none before its time, and none overtakes.
SELECT * FROM (
    SELECT * FROM outbox WHERE chat_id = :chat_id AND state IN ('owed', 'sending') AND urgency <> 'answer'
    ORDER BY urgency = 'progress', id LIMIT 1
) WHERE not_before <= :now;

-- name: sending
-- The call is about to be made; a row found so after a restart may have arrived already.
UPDATE outbox SET state = 'sending', attempts = attempts + 1 WHERE id = :id;

-- name: sent
-- Telegram has it.
DELETE FROM outbox WHERE id = :id AND key IS NULL;

-- name: keep_key
-- Telegram has it; only the key stays, so that it is not enqueued again.
UPDATE outbox SET state = 'sent', body = '' WHERE id = :id;

-- name: later
-- Not before that moment.
UPDATE outbox SET state = 'owed', not_before = :not_before, error = :error WHERE id = :id;

-- name: rewrite
-- Something else is to be sent in its place.
UPDATE outbox SET body = :body, state = 'owed', attempts = 0, not_before = 0, error = NULL WHERE id = :id;

-- name: uncount
-- The last attempt says nothing of this message.
UPDATE outbox SET attempts = max(0, attempts - 1) WHERE id = :id;

-- name: dead_letter
-- Telegram will not take it: a dead letter.
UPDATE outbox SET state = 'parked', error = :error WHERE id = :id;

-- name: tidy
-- Messages that will never be sent, and keys of old ones.
DELETE FROM outbox WHERE state IN ('parked', 'sent') AND created < :before;
