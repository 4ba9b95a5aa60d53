-- Generation data that waits for the person to say what of it counts.
ALTER TABLE quests ADD COLUMN pasted TEXT NOT NULL DEFAULT '';
