-- name: claim
-- Gives a job to an engine: earlier lanes first; then what was begun; then the person served longest ago; then the oldest.
-- `started` grows with every first claim of a lane, so that turns are told apart even inside one millisecond.
UPDATE jobs SET state = 'running', lease_owner = :engine, lease_token = lease_token + 1, lease_until = :until, version = version + 1,
    started = coalesce(started, max(:now, 1 + coalesce((SELECT max(begun.started) FROM jobs AS begun WHERE begun.lane = jobs.lane), 0)))
WHERE state = 'queued' AND id = (
    SELECT waiting.id FROM json_each(:lanes) AS lanes JOIN jobs AS waiting ON waiting.lane = lanes.value
    WHERE waiting.state = 'queued' AND waiting.run_after <= :now
        AND NOT EXISTS (SELECT 1 FROM people WHERE people.id = waiting.user AND (people.banned OR people.blocked))
        AND NOT EXISTS (SELECT 1 FROM machine WHERE machine.paused = 1)
    ORDER BY lanes.key, waiting.started IS NULL,
        coalesce(waiting.started,
            (SELECT max(served.started) FROM jobs AS served WHERE served.user = waiting.user AND served.lane = waiting.lane), 0),
        waiting.id
    LIMIT 1
) RETURNING *;

-- name: beat
-- The work loop is alive: the lease grows. Another progress is news that people may want to hear of.
UPDATE jobs SET lease_until = :until, progress = :progress, version = version + (progress <> :progress)
WHERE id = :id AND lease_token = :token AND state = 'running' RETURNING wish;

-- name: hold
-- Whether this token still holds the job; every fenced write asks first.
SELECT 1 AS held FROM jobs WHERE id = :id AND lease_token = :token AND state = 'running';

-- name: news
-- Something was stored that people may want to hear of. When the job progressed, earlier crashes are forgiven.
UPDATE jobs SET version = version + 1, progress = coalesce(:progress, progress), deaths = iif(:progressed, 0, deaths),
    attempt = iif(:progressed, 0, attempt)
WHERE id = :id AND lease_token = :token AND state = 'running';

-- name: end
-- The lease ends with the job's last state.
UPDATE jobs SET state = :state, answer = :answer, error = :error, finished = :now, lease_owner = NULL, lease_until = NULL,
    version = version + 1
WHERE id = :id AND lease_token = :token AND state = 'running';

-- name: throw_away_pictures
-- What a canceled job drew, but for pictures that a person already judged.
DELETE FROM pictures WHERE job = :job AND NOT EXISTS (
    SELECT 1 FROM candidates WHERE candidates.picture = pictures.id AND (verdict <> 'unseen' OR caption_edited));

-- name: acknowledge
-- The running job has done what the person asked of it, and goes on.
UPDATE jobs SET wish = 'none', version = version + 1
WHERE id = :id AND lease_token = :token AND state = 'running' AND wish = :wish;

-- name: release
-- An engine that was asked to end hands the job back; that counts as no attempt.
UPDATE jobs SET state = 'queued', lease_owner = NULL, lease_until = NULL, run_after = 0, version = version + 1
WHERE id = :id AND lease_token = :token AND state = 'running';

-- name: hold_running
-- A running job cannot write: it waits for the disk, and whoever wished its end gets it. That counts as no attempt.
UPDATE jobs SET state = iif(wish = 'cancel', 'canceled', 'waiting'), finished = iif(wish = 'cancel', :now, NULL),
    error = :error, lease_owner = NULL, lease_until = NULL, version = version + 1
WHERE id = :id AND lease_token = :token AND state = 'running';

-- name: held
-- Jobs that wait for the disk. One that an admin holds has no error.
SELECT * FROM jobs WHERE state = 'waiting' AND error IS NOT NULL ORDER BY id;

-- name: release_held
-- The disk takes again what this job writes.
UPDATE jobs SET state = 'queued', error = NULL, run_after = 0, version = version + 1
WHERE id = :id AND state = 'waiting' AND error IS NOT NULL;

-- name: retry
-- A job whose engine met an unexpected error waits a while before the next attempt.
UPDATE jobs SET state = 'queued', lease_owner = NULL, lease_until = NULL, run_after = :run_after, attempt = attempt + 1,
    version = version + 1
WHERE id = :id AND lease_token = :token AND state = 'running';

-- name: expired
-- Running jobs whose engine has not beaten in time.
SELECT * FROM jobs WHERE state = 'running' AND lease_until < :now;

-- name: leases_of_others
-- Running jobs of engines that cannot be alive, because the asking one holds the folder's lock.
SELECT * FROM jobs WHERE state = 'running' AND lease_owner <> :engine;

-- name: requeue
-- A job's engine crashed: it waits for another one, or is quarantined after the third crash.
UPDATE jobs SET state = :state, deaths = deaths + 1, attempt = attempt + 1, run_after = :run_after, lease_owner = NULL,
    lease_until = NULL, error = :error, finished = :finished, version = version + 1
WHERE id = :id AND lease_token = :token AND state = 'running';

-- name: attempts
-- How many claims of a job ended badly.
SELECT attempt FROM jobs WHERE id = :id;
