-- A training keeps its two newest states, so that damage of one costs the steps since the other.
CREATE TABLE training_states_before AS SELECT job, step, file FROM training_states;
DROP TABLE training_states;
CREATE TABLE training_states (
    job INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    step INTEGER NOT NULL,
    file TEXT NOT NULL REFERENCES files (hash),
    PRIMARY KEY (job, step)
) STRICT;
CREATE INDEX training_states_by_file ON training_states (file);
-- Of a job that is over nobody goes on; a quarantined one may be tried again.
INSERT INTO training_states SELECT job, step, file FROM training_states_before
WHERE job IN (SELECT id FROM jobs WHERE state IN ('queued', 'running', 'waiting', 'quarantined'));
DROP TABLE training_states_before;
