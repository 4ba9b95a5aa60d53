-- name: live_with_key
-- The live job that a double tap finds.
SELECT * FROM jobs WHERE key = :key AND state IN ('queued', 'running', 'waiting');

-- name: live_of_user
-- How many live jobs of one lane a person has.
SELECT count(*) AS live FROM jobs WHERE user = :user AND lane = :lane AND state IN ('queued', 'running', 'waiting');

-- name: enqueue
-- A new job.
INSERT INTO jobs (kind, key, quest, user, lane, state, request, progress, run_after, created)
VALUES (:kind, :key, :quest, :user, :lane, 'queued', :request, :progress, 0, :now);

-- name: find
-- One job.
SELECT * FROM jobs WHERE id = :id;

-- name: of_quest
-- A quest's jobs, the newest first.
SELECT * FROM jobs WHERE quest = :quest ORDER BY id DESC;

-- name: latest
-- A quest's newest job of a kind.
SELECT * FROM jobs WHERE quest = :quest AND kind = :kind ORDER BY id DESC LIMIT 1;

-- name: live
-- Everything that waits or runs, in the order it was asked for.
SELECT * FROM jobs WHERE state IN ('queued', 'running', 'waiting') ORDER BY id;

-- name: untold
-- Jobs whose newest news has not been put into words.
SELECT * FROM jobs WHERE version > told ORDER BY id;

-- name: told
-- That version of a job has been put into words.
UPDATE jobs SET told = max(told, :version) WHERE id = :id;

-- name: claim_next
-- Gives a job to an engine: earlier lanes first; then what was begun; then the person served longest ago; then the oldest.
-- `started` grows with every first claim of a lane, so that turns are told apart even inside one millisecond.
UPDATE jobs SET state = 'running', lease_owner = :engine, lease_token = lease_token + 1, lease_until = :until, version = version + 1,
    started = coalesce(started, max(:now, 1 + coalesce((SELECT max(begun.started) FROM jobs AS begun WHERE begun.lane = jobs.lane), 0)))
WHERE state = 'queued' AND id = (
    SELECT waiting.id FROM json_each(:lanes) AS lanes JOIN jobs AS waiting ON waiting.lane = lanes.value
    WHERE waiting.state = 'queued' AND waiting.run_after <= :now
        AND waiting.user NOT IN (SELECT value FROM json_each(:skip_users))
        AND NOT EXISTS (SELECT 1 FROM people WHERE people.id = waiting.user AND (people.banned OR people.blocked))
        AND NOT EXISTS (SELECT 1 FROM machine WHERE machine.paused = 1)
    ORDER BY lanes.key, waiting.started IS NULL,
        coalesce(waiting.started,
            (SELECT max(served.started) FROM jobs AS served WHERE served.user = waiting.user AND served.lane = waiting.lane), 0),
        waiting.id
    LIMIT 1
) RETURNING *;

-- name: highest_waiting_lane
-- The earliest lane in which a job could be claimed now.
SELECT lanes.value AS lane FROM json_each(:lanes) AS lanes WHERE EXISTS (
    SELECT 1 FROM jobs AS waiting WHERE waiting.lane = lanes.value AND waiting.state = 'queued' AND waiting.run_after <= :now
        AND NOT EXISTS (SELECT 1 FROM people WHERE people.id = waiting.user AND (people.banned OR people.blocked))
        AND NOT EXISTS (SELECT 1 FROM machine WHERE machine.paused = 1)
) ORDER BY lanes.key LIMIT 1;

-- name: beat
-- The work loop is alive: the lease grows. `news` is 1 when people may want to hear of the progress.
UPDATE jobs SET lease_until = :until, progress = :progress, version = version + :news
WHERE id = :id AND lease_token = :token AND state = 'running' RETURNING wish;

-- name: hold
-- Whether this token still holds the job; every fenced write asks first.
SELECT 1 AS held FROM jobs WHERE id = :id AND lease_token = :token AND state = 'running';

-- name: news
-- Something was stored that people may want to hear of. When the job got on, earlier deaths are forgiven.
UPDATE jobs SET version = version + 1, progress = coalesce(:progress, progress), deaths = iif(:got_on, 0, deaths),
    attempt = iif(:got_on, 0, attempt)
WHERE id = :id AND lease_token = :token AND state = 'running';

-- name: end
-- The lease ends with the job's last state.
UPDATE jobs SET state = :state, answer = :answer, error = :error, finished = :now, lease_owner = NULL, lease_until = NULL,
    version = version + 1
WHERE id = :id AND lease_token = :token AND state = 'running';

-- name: give_back
-- An engine that was asked to end hands the job back; that counts as no attempt.
UPDATE jobs SET state = 'queued', lease_owner = NULL, lease_until = NULL, run_after = 0, version = version + 1
WHERE id = :id AND lease_token = :token AND state = 'running';

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

-- name: bury
-- A job's engine died: it waits for another one, or is put aside after the third death.
UPDATE jobs SET state = :state, deaths = deaths + 1, attempt = attempt + 1, run_after = :run_after, lease_owner = NULL,
    lease_until = NULL, error = :error, finished = :finished, version = version + 1
WHERE id = :id AND lease_token = :token AND state = 'running';

-- name: wish
-- What the person asks of a live job. A wish to end stays against a lesser one.
UPDATE jobs SET wish = iif(wish = 'cancel' OR (wish = 'stop' AND :wish = 'sample'), wish, :wish), version = version + 1
WHERE id = :id AND state IN ('queued', 'running', 'waiting');

-- name: grant
-- The running job has done what the person wished, and goes on.
UPDATE jobs SET wish = 'none', version = version + 1
WHERE id = :id AND lease_token = :token AND state = 'running' AND wish = :wish;

-- name: cancel_waiting
-- A job that nobody works on ends at once.
UPDATE jobs SET state = 'canceled', finished = :now, version = version + 1 WHERE id = :id AND state IN ('queued', 'waiting');

-- name: pause
-- A queued job is held.
UPDATE jobs SET state = 'waiting', version = version + 1 WHERE id = :id AND state = 'queued';

-- name: hold_running
-- A running job cannot write: it waits for the disk, and whoever wished its end gets it. That counts as no attempt.
UPDATE jobs SET state = iif(wish = 'cancel', 'canceled', 'waiting'), finished = iif(wish = 'cancel', :now, NULL),
    error = :error, lease_owner = NULL, lease_until = NULL, version = version + 1
WHERE id = :id AND lease_token = :token AND state = 'running';

-- name: held
-- Jobs that wait for the disk. One that an admin holds has no error.
SELECT * FROM jobs WHERE state = 'waiting' AND error IS NOT NULL ORDER BY id;

-- name: release
-- The disk takes again what this job writes.
UPDATE jobs SET state = 'queued', error = NULL, run_after = 0, version = version + 1
WHERE id = :id AND state = 'waiting' AND error IS NOT NULL;

-- name: resume
-- A held or quarantined job may be claimed again.
UPDATE jobs SET state = 'queued', deaths = 0, attempt = 0, run_after = 0, error = NULL, finished = NULL, version = version + 1
WHERE id = :id AND state IN ('waiting', 'quarantined');

-- name: before
-- How many jobs come before a queued one: the running ones of its lane and earlier lanes, and those that claim_next takes first
-- (people of a lane take turns, so their n-th jobs form the n-th round).
WITH line AS (
    SELECT id, instr(:lanes, lane) AS lane_order, started IS NULL AS is_fresh,
        iif(started IS NULL, row_number() OVER (PARTITION BY lane, user, started IS NULL ORDER BY id), 0) AS round,
        coalesce(started,
            (SELECT max(served.started) FROM jobs AS served WHERE served.user = jobs.user AND served.lane = jobs.lane), 0) AS served,
        iif(started IS NULL, min(id) OVER (PARTITION BY lane, user, started IS NULL), id) AS first_id
    FROM jobs WHERE state = 'queued'
), mine AS (SELECT * FROM line WHERE id = :id)
SELECT (
    SELECT count(*) FROM line WHERE (line.lane_order, line.is_fresh, line.round, line.served, line.first_id) <
        (mine.lane_order, mine.is_fresh, mine.round, mine.served, mine.first_id)
) + (
    SELECT count(*) FROM jobs AS busy WHERE busy.state = 'running' AND instr(:lanes, busy.lane) <= mine.lane_order
) AS before FROM mine;

-- name: throw_away_pictures
-- What a canceled job drew, but for pictures that a person already judged.
DELETE FROM pictures WHERE job = :job AND NOT EXISTS (
    SELECT 1 FROM candidates WHERE candidates.picture = pictures.id AND (verdict <> 'unseen' OR caption_edited));

-- name: losses
-- A training's losses in order.
SELECT step, loss, validation_loss, weight_norm FROM losses WHERE job = :job ORDER BY step;

-- name: record_loss
-- One optimizer step; after a resume the same step is written over with the same number.
INSERT INTO losses (job, step, loss, validation_loss, weight_norm)
VALUES (:job, :step, :loss, :validation_loss, :weight_norm)
ON CONFLICT (job, step) DO UPDATE SET loss = excluded.loss, validation_loss = coalesce(excluded.validation_loss, validation_loss);

-- name: record_state
-- The state to go on from.
INSERT INTO training_states (job, step, file) VALUES (:job, :step, :file)
ON CONFLICT (job, step) DO UPDATE SET file = excluded.file;

-- name: states
-- The states to go on from, the newest first.
SELECT step, file FROM training_states WHERE job = :job ORDER BY step DESC;

-- name: forget_state
-- A state that was replaced, could not be read, or whose training is over.
DELETE FROM training_states WHERE job = :job AND step = :step;

-- name: record_checkpoint
-- A point to choose from.
INSERT INTO checkpoints (job, step, epoch, adapter) VALUES (:job, :step, :epoch, :adapter)
ON CONFLICT (job, step) DO UPDATE SET adapter = excluded.adapter, epoch = excluded.epoch;

-- name: checkpoint_at
-- The checkpoint of a step.
SELECT adapter FROM checkpoints WHERE job = :job AND step = :step;

-- name: measure
-- What was measured on a checkpoint.
UPDATE checkpoints SET style_gained = :style_gained, prompt_kept = :prompt_kept, copying = :copying WHERE job = :job AND step = :step;

-- name: checkpoints
-- A training's checkpoints in order.
SELECT * FROM checkpoints WHERE job = :job ORDER BY step;
