-- name: find
-- Waits of a chat.
SELECT * FROM chats WHERE chat_id = :chat_id;

-- name: wait
-- Telegram asked us to wait; it outlives a restart.
INSERT INTO chats (chat_id, wait_until) VALUES (:chat_id, :until)
ON CONFLICT (chat_id) DO UPDATE SET wait_until = max(wait_until, excluded.wait_until);

-- name: close
-- The chat takes nothing any more.
INSERT INTO chats (chat_id, closed) VALUES (:chat_id, :why) ON CONFLICT (chat_id) DO UPDATE SET closed = excluded.closed;

-- name: hold_messages
-- What is pending for a closed chat waits.
UPDATE outbox SET state = 'parked', error = 'closed' WHERE chat_id = :chat_id AND state IN ('owed', 'sending');

-- name: reopen
-- The person is back.
UPDATE chats SET closed = NULL WHERE chat_id = :chat_id;

-- name: release_messages
-- The chat is open again: what was put aside because it was closed is pending once more.
UPDATE outbox SET state = 'owed', error = NULL, not_before = 0 WHERE chat_id = :chat_id AND state = 'parked' AND error = 'closed';

-- name: migrate_outbox
-- A group became a supergroup: its id changed.
UPDATE outbox SET chat_id = :new WHERE chat_id = :old;

-- name: drop_slots
-- Message ids of the old group mean nothing in the new one.
DELETE FROM slots WHERE chat_id = :old;

-- name: migrate_quests
-- Quests of the group go along.
UPDATE quests SET chat_id = :new WHERE chat_id = :old;

-- name: migrate_people
-- People who are talked to there go along.
UPDATE people SET chat_id = :new WHERE chat_id = :old;
