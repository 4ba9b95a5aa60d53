-- name: find
-- Since when something is so.
SELECT at FROM moments WHERE name = :name;

-- name: begin
-- Something is so from now on.
INSERT INTO moments (name, at) VALUES (:name, :now) ON CONFLICT (name) DO NOTHING;

-- name: end
-- Something is over.
DELETE FROM moments WHERE name = :name;
