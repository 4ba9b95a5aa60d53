-- name: owe
-- A message is owed.
INSERT INTO outbox (key, chat_id, urgency, slot, body, created, state, error)
SELECT :key, :chat_id, :urgency, :slot, :body, :now, iif(is_closed, 'parked', 'owed'), iif(is_closed, 'closed', NULL)
FROM (SELECT EXISTS (SELECT 1 FROM chats WHERE chat_id = :chat_id AND closed IS NOT NULL) AS is_closed);

-- name: with_key
-- Whether a message of this key was ever owed.
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

-- name: chats
-- Chats to which something is owed, answers aside.
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
-- Telegram has it; only the key stays, so that it is not owed again.
UPDATE outbox SET state = 'sent', body = '' WHERE id = :id;

-- name: later
-- Not before that moment.
UPDATE outbox SET state = 'owed', not_before = :not_before, error = :error WHERE id = :id;

-- name: rewrite
-- Something else is owed in its place.
UPDATE outbox SET body = :body, state = 'owed', attempts = 0, not_before = 0, error = NULL WHERE id = :id;

-- name: uncount
-- The last attempt says nothing of this message.
UPDATE outbox SET attempts = max(0, attempts - 1) WHERE id = :id;

-- name: park
-- Telegram will not take it.
UPDATE outbox SET state = 'parked', error = :error WHERE id = :id;

-- name: unpark
-- The chat is open again: what was parked because it was closed is owed once more.
UPDATE outbox SET state = 'owed', error = NULL, not_before = 0 WHERE chat_id = :chat_id AND state = 'parked' AND error = 'closed';

-- name: slot
-- The message that stands for a slot.
SELECT * FROM slots WHERE chat_id = :chat_id AND slot = :slot;

-- name: set_slot
-- A message stands for a slot from now on.
INSERT INTO slots (chat_id, slot, message_id, shape, digest, buttons) VALUES (:chat_id, :slot, :message_id, :shape, :digest, :buttons)
ON CONFLICT (chat_id, slot) DO UPDATE SET message_id = excluded.message_id, shape = excluded.shape, digest = excluded.digest,
    buttons = excluded.buttons;

-- name: drop_slot
-- No message stands for a slot any more.
DELETE FROM slots WHERE chat_id = :chat_id AND slot = :slot;

-- name: chat
-- Waits of a chat.
SELECT * FROM chats WHERE chat_id = :chat_id;

-- name: wait
-- Telegram asked us to wait; it outlives a restart.
INSERT INTO chats (chat_id, wait_until) VALUES (:chat_id, :until)
ON CONFLICT (chat_id) DO UPDATE SET wait_until = max(wait_until, excluded.wait_until);

-- name: close
-- The chat takes nothing any more.
INSERT INTO chats (chat_id, closed) VALUES (:chat_id, :why) ON CONFLICT (chat_id) DO UPDATE SET closed = excluded.closed;

-- name: close_rows
-- What was owed to a closed chat waits.
UPDATE outbox SET state = 'parked', error = 'closed' WHERE chat_id = :chat_id AND state IN ('owed', 'sending');

-- name: reopen
-- The person is back.
UPDATE chats SET closed = NULL WHERE chat_id = :chat_id;

-- name: upload
-- Telegram's id of a picture already uploaded by this bot.
SELECT file_id FROM uploads WHERE bot = :bot AND picture = :picture;

-- name: remember_upload
-- A picture is with Telegram; an older id of it was refused or is as good.
INSERT INTO uploads (bot, picture, file_id, chat_id, created) VALUES (:bot, :picture, :file_id, :chat_id, :now)
ON CONFLICT (bot, picture) DO UPDATE SET file_id = excluded.file_id, created = excluded.created;

-- name: migrate_outbox
-- A group became a supergroup: its id changed.
UPDATE outbox SET chat_id = :new WHERE chat_id = :old;

-- name: migrate_slots
-- Message ids of the old group mean nothing in the new one.
DELETE FROM slots WHERE chat_id = :old;

-- name: migrate_quests
-- Quests of the group go along.
UPDATE quests SET chat_id = :new WHERE chat_id = :old;

-- name: migrate_people
-- People who are talked to there go along.
UPDATE people SET chat_id = :new WHERE chat_id = :old;

-- name: tidy
-- Messages that will never be sent, and keys of old ones.
DELETE FROM outbox WHERE state IN ('parked', 'sent') AND created < :before;

-- name: tidy_uploads
-- Old ids, and the oldest beyond so many, so that the table stays small for ever.
DELETE FROM uploads WHERE created < max(:before, coalesce(
    (SELECT created FROM uploads ORDER BY created DESC LIMIT 1 OFFSET :most), 0));
