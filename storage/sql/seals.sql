-- name: make
-- A checkpoint becomes a seal; the same one again changes nothing.
INSERT INTO seals (quest, job, step, trigger, recipe, adapter, created) VALUES (:quest, :job, :step, :trigger, :recipe, :adapter, :now)
ON CONFLICT (job, step) DO NOTHING;

-- name: at
-- The seal of a checkpoint.
SELECT * FROM seals WHERE job = :job AND step = :step;

-- name: find
-- One seal.
SELECT * FROM seals WHERE id = :id;

-- name: of_quest
-- A quest's seals, the newest first.
SELECT * FROM seals WHERE quest = :quest ORDER BY id DESC;
