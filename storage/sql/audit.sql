-- name: note
-- What an admin did.
INSERT INTO audit (actor, action, object, at) VALUES (:actor, :action, :object, :now);

-- name: notes
-- What admins did, the newest first.
SELECT actor, action, object, at FROM audit ORDER BY id DESC LIMIT :limit;

-- name: tidy
-- Old admin actions.
DELETE FROM audit WHERE at < :before;
