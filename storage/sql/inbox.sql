-- name: take
-- An update from Telegram, before it is acknowledged; a second delivery changes nothing.
INSERT INTO inbox (update_id, user, body, received) VALUES (:update_id, :user, :body, :now) ON CONFLICT (update_id) DO NOTHING;

-- name: lately
-- How many updates of one person came since a moment.
SELECT count(*) AS count FROM inbox WHERE user = :user AND received > :since;

-- name: pending
-- Updates not handled yet, in Telegram's order.
SELECT update_id, body FROM inbox WHERE state = 'new' ORDER BY update_id;

-- name: is_pending
-- Whether an update still waits.
SELECT 1 AS waits FROM inbox WHERE update_id = :update_id AND state = 'new';

-- name: done
-- An update is handled; what was written is no longer needed.
UPDATE inbox SET state = 'done', body = '' WHERE update_id = :update_id;

-- name: attempt
-- Handling an update went wrong once more.
UPDATE inbox SET attempts = attempts + 1 WHERE update_id = :update_id RETURNING attempts;

-- name: failed
-- An update that cannot be handled is put aside.
UPDATE inbox SET state = 'failed' WHERE update_id = :update_id;

-- name: tap
-- The toast of the same tap done before.
SELECT toast FROM taps WHERE chat_id = :chat_id AND message_id = :message_id AND data = :data;

-- name: remember_tap
-- A tap is done.
INSERT INTO taps (chat_id, message_id, data, toast, done) VALUES (:chat_id, :message_id, :data, :toast, :now)
ON CONFLICT (chat_id, message_id, data) DO UPDATE SET toast = excluded.toast, done = excluded.done;

-- name: tidy_inbox
-- Old updates; the newest stay, so that a late second delivery is still known.
DELETE FROM inbox WHERE state <> 'new' AND received < :before;

-- name: tidy_taps
-- Old taps.
DELETE FROM taps WHERE done < :before;
