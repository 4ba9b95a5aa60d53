-- name: losses
-- A training's losses in order.
SELECT step, loss, validation_loss, weight_norm FROM losses WHERE job = :job ORDER BY step;

-- name: add_loss
-- One optimizer step; after a resume the same step is written over with the same number.
INSERT INTO losses (job, step, loss, validation_loss, weight_norm)
VALUES (:job, :step, :loss, :validation_loss, :weight_norm)
ON CONFLICT (job, step) DO UPDATE SET loss = excluded.loss, validation_loss = coalesce(excluded.validation_loss, validation_loss);

-- name: states
-- The states to go on from, the newest first.
SELECT step, file FROM training_states WHERE job = :job ORDER BY step DESC;

-- name: add_state
-- The state to go on from.
INSERT INTO training_states (job, step, file) VALUES (:job, :step, :file)
ON CONFLICT (job, step) DO UPDATE SET file = excluded.file;

-- name: forget_state
-- A state that was replaced, could not be read, or whose training is over.
DELETE FROM training_states WHERE job = :job AND step = :step;

-- name: checkpoints
-- A training's checkpoints in order.
SELECT * FROM checkpoints WHERE job = :job ORDER BY step;

-- name: checkpoint_at
-- The checkpoint of a step.
SELECT adapter FROM checkpoints WHERE job = :job AND step = :step;

-- name: add_checkpoint
-- A point to choose from.
INSERT INTO checkpoints (job, step, epoch, adapter) VALUES (:job, :step, :epoch, :adapter)
ON CONFLICT (job, step) DO UPDATE SET adapter = excluded.adapter, epoch = excluded.epoch;

-- name: measure
-- What was measured on a checkpoint.
UPDATE checkpoints SET style_gained = :style_gained, prompt_kept = :prompt_kept, copying = :copying WHERE job = :job AND step = :step;
