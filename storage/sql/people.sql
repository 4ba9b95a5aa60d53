-- name: meet
-- Somebody writes for the first time, or again from another chat.
INSERT INTO people (id, chat_id, language, created) VALUES (:id, :chat_id, :language, :now)
ON CONFLICT (id) DO UPDATE SET chat_id = excluded.chat_id, blocked = 0;

-- name: find
-- One person.
SELECT * FROM people WHERE id = :id;

-- name: all
-- Everybody, in order of arrival.
SELECT * FROM people ORDER BY created, id;

-- name: save
-- What a person chose.
UPDATE people SET chat_id = :chat_id, language = :language, current_quest = :current_quest, banned = :banned,
    blocked = :blocked, consented = :consented WHERE id = :id;

-- name: forget
-- The row itself; everything of theirs goes with it by the foreign keys.
DELETE FROM people WHERE id = :id;

-- name: holdings
-- What is kept of a person, for them to read before they have it deleted.
SELECT (SELECT count(*) FROM quests WHERE owner = :id) AS quests,
    (SELECT count(*) FROM pictures JOIN quests ON quests.id = pictures.quest WHERE owner = :id) AS pictures,
    (SELECT count(*) FROM seals JOIN quests ON quests.id = seals.quest WHERE owner = :id) AS seals,
    (SELECT coalesce(sum(size_bytes), 0) FROM files WHERE hash IN (
        SELECT file FROM pictures JOIN quests ON quests.id = pictures.quest WHERE owner = :id
        UNION SELECT answer ->> 'file' FROM jobs WHERE jobs.user = :id AND answer IS NOT NULL
        UNION SELECT checkpoints.adapter FROM checkpoints JOIN jobs ON jobs.id = checkpoints.job WHERE jobs.user = :id
        UNION SELECT training_states.file FROM training_states JOIN jobs ON jobs.id = training_states.job WHERE jobs.user = :id
    )) AS bytes;

-- name: forget_jobs
-- Jobs of theirs that belong to no quest.
DELETE FROM jobs WHERE user = :id;

-- name: forget_inbox
-- What they wrote. The numbers stay: a second delivery of an update must not bring the person back.
UPDATE inbox SET body = '', user = NULL, state = 'done' WHERE user = :id;

-- name: forget_outbox
-- What was pending for their private chat.
DELETE FROM outbox WHERE chat_id = :chat_id;

-- name: forget_taps
-- What they tapped.
DELETE FROM taps WHERE chat_id = :chat_id;

-- name: forget_slots
-- Which messages stood for what in their chat.
DELETE FROM slots WHERE chat_id = :chat_id;

-- name: forget_uploads
-- Telegram's ids of pictures of their own.
DELETE FROM uploads WHERE chat_id = :chat_id;

-- name: forget_chat
-- Waits of their chat.
DELETE FROM chats WHERE chat_id = :chat_id;

-- name: forget_audit
-- Admin actions name jobs, never texts; the actor's own lines go with the actor.
DELETE FROM audit WHERE actor = :id OR object = CAST(:id AS TEXT);

-- name: quests
-- Numbers of a person's quests.
SELECT id FROM quests WHERE owner = :id;

-- name: schedule_scrub
-- Bytes of somebody forgotten may still lie between rows.
INSERT INTO moments (name, at) VALUES ('scrub', :now) ON CONFLICT (name) DO NOTHING;

-- name: scrubbed
-- No such bytes are left.
DELETE FROM moments WHERE name = 'scrub';

-- name: scrub_due
-- Whether nobody waits (no live job, no update for a minute), or it is a day late.
SELECT at < :now - 86400000 AS late, NOT EXISTS (SELECT 1 FROM jobs WHERE state IN ('queued', 'running'))
    AND coalesce((SELECT received FROM inbox WHERE update_id = (SELECT max(update_id) FROM inbox)), 0) < :now - 60000 AS idle
FROM moments WHERE name = 'scrub';

-- name: ask_export
-- Somebody wants everything that is kept of them.
INSERT INTO exports (person) VALUES (:person) ON CONFLICT (person) DO NOTHING;

-- name: next_export
-- The earliest export.
SELECT id, person FROM exports ORDER BY id LIMIT 1;

-- name: export
-- One export.
SELECT id FROM exports WHERE id = :id;

-- name: exported
-- It is all enqueued.
DELETE FROM exports WHERE id = :id;
