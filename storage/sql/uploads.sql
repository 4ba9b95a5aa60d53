-- name: find
-- Telegram's id of a picture already uploaded by this bot.
SELECT file_id FROM uploads WHERE bot = :bot AND picture = :picture;

-- name: remember
-- A picture is with Telegram; an older id of it was refused or is as good.
INSERT INTO uploads (bot, picture, file_id, chat_id, created) VALUES (:bot, :picture, :file_id, :chat_id, :now)
ON CONFLICT (bot, picture) DO UPDATE SET file_id = excluded.file_id, created = excluded.created;

-- name: tidy
-- Old ids, and the oldest beyond so many, so that the table stays small for ever.
DELETE FROM uploads WHERE created < max(:before, coalesce(
    (SELECT created FROM uploads ORDER BY created DESC LIMIT 1 OFFSET :most), 0));
