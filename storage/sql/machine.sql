-- name: announce
-- What the engine says of itself.
INSERT INTO machine (id, facts, beat) VALUES (1, :facts, :now) ON CONFLICT (id) DO UPDATE SET facts = excluded.facts, beat = excluded.beat, refusal = '';

-- name: refuse
-- The engine says why it has no model; it does not beat.
INSERT INTO machine (id, facts, beat, refusal) VALUES (1, '', 0, :refusal) ON CONFLICT (id) DO UPDATE SET beat = 0, refusal = excluded.refusal;

-- name: beat
-- The engine is alive.
UPDATE machine SET beat = :now WHERE id = 1;

-- name: find
-- The machine.
SELECT facts, beat, paused, refusal FROM machine WHERE id = 1;

-- name: pause
-- No job is claimed while the machine is paused.
INSERT INTO machine (id, facts, beat, paused) VALUES (1, '', 0, :paused) ON CONFLICT (id) DO UPDATE SET paused = excluded.paused;
