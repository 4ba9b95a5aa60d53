-- The moment at which this machine began, so that all its processes share one time that nobody can set.
CREATE TABLE clock (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    boot TEXT NOT NULL,
    origin INTEGER NOT NULL
) STRICT;

-- Since when something is so: "no-room", "scrub".
CREATE TABLE moments (
    name TEXT PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- People who asked for everything that is kept of them, until it is all owed to them.
CREATE TABLE exports (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    person INTEGER NOT NULL UNIQUE REFERENCES people (id) ON DELETE CASCADE
) STRICT;
