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

-- name: count
-- How many jobs of a kind a quest has asked for.
SELECT count(*) AS jobs FROM jobs WHERE quest = :quest AND kind = :kind;

-- name: latest
-- A quest's newest job of a kind.
SELECT * FROM jobs WHERE quest = :quest AND kind = :kind ORDER BY id DESC LIMIT 1;

-- name: live
-- Everything that waits or runs, in the order it was asked for.
SELECT * FROM jobs WHERE state IN ('queued', 'running', 'waiting') ORDER BY id;

-- name: before
-- How many jobs come before a queued one: the running ones of its lane and earlier lanes, and those that leases.claim takes first
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

-- name: pending_notices
-- Jobs whose newest news has not been put into words.
SELECT * FROM jobs WHERE version > told ORDER BY id;

-- name: notified
-- That version of a job has been put into words.
UPDATE jobs SET told = max(told, :version) WHERE id = :id;

-- name: wish
-- What the person asks of a live job. A wish to end stays against a lesser one.
UPDATE jobs SET wish = iif(wish = 'cancel' OR (wish = 'stop' AND :wish = 'sample'), wish, :wish), version = version + 1
WHERE id = :id AND state IN ('queued', 'running', 'waiting');

-- name: cancel_waiting
-- A job that nobody works on ends at once.
UPDATE jobs SET state = 'canceled', finished = :now, version = version + 1 WHERE id = :id AND state IN ('queued', 'waiting');

-- name: pause
-- A queued job is held.
UPDATE jobs SET state = 'waiting', version = version + 1 WHERE id = :id AND state = 'queued';

-- name: resume
-- A held or quarantined job may be claimed again.
UPDATE jobs SET state = 'queued', deaths = 0, attempt = 0, run_after = 0, error = NULL, finished = NULL, version = version + 1
WHERE id = :id AND state IN ('waiting', 'quarantined');

-- name: held
-- Jobs that wait for the disk. One that an admin holds has no error.
SELECT * FROM jobs WHERE state = 'waiting' AND error IS NOT NULL ORDER BY id;
