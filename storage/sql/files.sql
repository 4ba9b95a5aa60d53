-- name: put
-- A file that lies whole on disk.
INSERT INTO files (hash, size_bytes, suffix, created) VALUES (:hash, :size_bytes, :suffix, :now) ON CONFLICT (hash) DO NOTHING;

-- name: find
-- One file.
SELECT * FROM files WHERE hash = :hash;

-- name: orphans
-- Files old enough that no row is still to come for them, and that nothing names.
SELECT hash FROM files WHERE created < :before AND (:only IS NULL OR hash IN (SELECT value FROM json_each(:only)))
    AND NOT EXISTS (SELECT 1 FROM pictures WHERE pictures.file = files.hash)
    AND NOT EXISTS (SELECT 1 FROM checkpoints WHERE checkpoints.adapter = files.hash)
    AND NOT EXISTS (SELECT 1 FROM training_states WHERE training_states.file = files.hash)
    AND NOT EXISTS (SELECT 1 FROM seals WHERE seals.adapter = files.hash)
    AND NOT EXISTS (SELECT 1 FROM machine WHERE machine.facts LIKE '%' || files.hash || '%')
    AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.state IN ('queued', 'running', 'waiting') AND jobs.request LIKE '%' || files.hash || '%')
    AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.answer LIKE '%' || files.hash || '%')
    AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.state IN ('owed', 'sending') AND outbox.body LIKE '%' || files.hash || '%');

-- name: drop
-- The row of a file that is about to leave the disk.
DELETE FROM files WHERE hash = :hash;

-- name: of_quests
-- Every file that these quests name.
SELECT file AS hash FROM pictures WHERE quest IN (SELECT value FROM json_each(:quests))
UNION SELECT checkpoints.adapter FROM checkpoints JOIN jobs ON jobs.id = checkpoints.job WHERE jobs.quest IN (SELECT value FROM json_each(:quests))
UNION SELECT training_states.file FROM training_states JOIN jobs ON jobs.id = training_states.job
    WHERE jobs.quest IN (SELECT value FROM json_each(:quests))
UNION SELECT answer ->> 'file' FROM jobs WHERE quest IN (SELECT value FROM json_each(:quests)) AND answer ->> 'file' IS NOT NULL;
