-- name: put
-- A file that lies whole on disk; stored again, it is young again, so that no sweep takes it before its row comes.
INSERT INTO files (hash, size_bytes, suffix, created) VALUES (:hash, :size_bytes, :suffix, :now)
ON CONFLICT (hash) DO UPDATE SET created = max(created, excluded.created);

-- name: all
-- Every file that has a row.
SELECT hash FROM files;

-- name: known
-- Those of the files that have a row.
SELECT hash FROM files WHERE hash IN (SELECT value FROM json_each(:files));

-- name: without_rows
-- Files old enough that no row is still to come for them, and that no row names.
SELECT hash FROM files WHERE created < :before AND (:only IS NULL OR hash IN (SELECT value FROM json_each(:only)))
    AND NOT EXISTS (SELECT 1 FROM pictures WHERE pictures.file = files.hash)
    AND NOT EXISTS (SELECT 1 FROM checkpoints WHERE checkpoints.adapter = files.hash)
    AND NOT EXISTS (SELECT 1 FROM training_states WHERE training_states.file = files.hash)
    AND NOT EXISTS (SELECT 1 FROM seals WHERE seals.adapter = files.hash);

-- name: without_rows_now
-- Those of the files that no row names; for files that no document ever names.
SELECT hash FROM files WHERE hash IN (SELECT value FROM json_each(:only))
    AND NOT EXISTS (SELECT 1 FROM pictures WHERE pictures.file = files.hash)
    AND NOT EXISTS (SELECT 1 FROM checkpoints WHERE checkpoints.adapter = files.hash)
    AND NOT EXISTS (SELECT 1 FROM training_states WHERE training_states.file = files.hash)
    AND NOT EXISTS (SELECT 1 FROM seals WHERE seals.adapter = files.hash);

-- name: named_by_jobs
-- What live jobs still need, and what finished ones made and nobody has said yet; then the outbox names it until it is sent.
SELECT request AS document FROM jobs WHERE state IN ('queued', 'running', 'waiting', 'quarantined')
UNION ALL SELECT answer FROM jobs WHERE version > told AND answer IS NOT NULL;

-- name: named_by_outbox
-- What is still to be sent.
SELECT body AS document FROM outbox WHERE state <> 'sent';

-- name: named_by_machine
-- The tokenizer of the model in use.
SELECT facts AS document FROM machine;

-- name: drop
-- The row of a file that is about to leave the disk.
DELETE FROM files WHERE hash = :hash;

-- name: of_quests
-- Every file that rows of these quests name.
SELECT file AS hash FROM pictures WHERE quest IN (SELECT value FROM json_each(:quests))
UNION SELECT checkpoints.adapter FROM checkpoints JOIN jobs ON jobs.id = checkpoints.job
    WHERE jobs.quest IN (SELECT value FROM json_each(:quests))
UNION SELECT training_states.file FROM training_states JOIN jobs ON jobs.id = training_states.job
    WHERE jobs.quest IN (SELECT value FROM json_each(:quests));

-- name: documents_of_quests
-- What jobs of these quests ask and answer; files are named inside.
SELECT request || coalesce(answer, '') AS document FROM jobs WHERE quest IN (SELECT value FROM json_each(:quests));

-- name: documents_of_chat
-- Messages to a chat; files are named inside.
SELECT body AS document FROM outbox WHERE chat_id = :chat_id;
