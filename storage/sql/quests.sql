-- name: begin
-- A new quest.
INSERT INTO quests (owner, chat_id, step, stage, style, recipe, created, updated)
VALUES (:owner, :chat_id, :step, :stage, :style, :recipe, :now, :now);

-- name: make_current
-- The quest that the person's next words and taps are about.
UPDATE people SET current_quest = :quest WHERE id = :owner;

-- name: find
-- One quest.
SELECT * FROM quests WHERE id = :id;

-- name: of
-- A person's quests, the one last touched first.
SELECT * FROM quests WHERE owner = :owner ORDER BY updated DESC, id DESC;

-- name: current
-- The quest a person is on.
SELECT quests.* FROM people JOIN quests ON quests.id = people.current_quest WHERE people.id = :owner;

-- name: save
-- All of a quest that can change.
UPDATE quests SET chat_id = :chat_id, name = :name, step = :step, stage = :stage, rev = :rev, style = :style, subject = :subject,
    pick = :pick, way = :way, subjects = :subjects, subjects_from = :subjects_from, recipe = :recipe, seal = :seal,
    seal_strength = :seal_strength, cursor = :cursor, pasted = :pasted, updated = :updated
WHERE id = :id;

-- name: delete
-- A quest with all that hangs on it.
DELETE FROM quests WHERE id = :id;
