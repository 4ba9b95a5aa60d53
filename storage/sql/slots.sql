-- name: find
-- The message that stands for a slot.
SELECT * FROM slots WHERE chat_id = :chat_id AND slot = :slot;

-- name: put
-- A message stands for a slot from now on.
INSERT INTO slots (chat_id, slot, message_id, shape, digest, buttons) VALUES (:chat_id, :slot, :message_id, :shape, :fingerprint, :buttons)
ON CONFLICT (chat_id, slot) DO UPDATE SET message_id = excluded.message_id, shape = excluded.shape, digest = excluded.digest,
    buttons = excluded.buttons;

-- name: drop
-- No message stands for a slot any more.
DELETE FROM slots WHERE chat_id = :chat_id AND slot = :slot;
