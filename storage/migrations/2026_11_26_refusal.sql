-- Why the last engine that began has no model, as JSON; empty when it has one.
ALTER TABLE machine ADD COLUMN refusal TEXT NOT NULL DEFAULT '';
