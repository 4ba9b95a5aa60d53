-- Today's whole schema. The dated files in migrations/ lead to exactly this; a test compares the two.
-- Times are integers: milliseconds since 1970 UTC. JSON columns hold records written by storage.documents.

CREATE TABLE people (
    id INTEGER PRIMARY KEY,
    chat_id INTEGER NOT NULL,
    language TEXT NOT NULL,
    current_quest INTEGER REFERENCES quests (id) ON DELETE SET NULL,
    banned INTEGER NOT NULL DEFAULT 0,
    blocked INTEGER NOT NULL DEFAULT 0,
    consented INTEGER NOT NULL DEFAULT 0,
    created INTEGER NOT NULL
) STRICT;

CREATE TABLE quests (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    owner INTEGER NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    chat_id INTEGER NOT NULL,
    name TEXT NOT NULL DEFAULT '',
    step TEXT NOT NULL,
    stage TEXT NOT NULL,
    rev INTEGER NOT NULL DEFAULT 0,
    style TEXT NOT NULL,
    subject TEXT NOT NULL DEFAULT '',
    pick INTEGER REFERENCES pictures (id) ON DELETE SET NULL,
    way TEXT NOT NULL DEFAULT 'a',
    subjects TEXT NOT NULL DEFAULT '[]',
    subjects_from TEXT NOT NULL DEFAULT 'list',
    recipe TEXT NOT NULL,
    seal INTEGER REFERENCES seals (id) ON DELETE SET NULL,
    seal_strength REAL NOT NULL DEFAULT 0.8,
    cursor INTEGER NOT NULL DEFAULT 0,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
, pasted TEXT NOT NULL DEFAULT '') STRICT;
CREATE INDEX quests_by_owner ON quests (owner, updated);

CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    quest INTEGER REFERENCES quests (id) ON DELETE CASCADE,
    user INTEGER NOT NULL,
    lane TEXT NOT NULL,
    state TEXT NOT NULL,
    request TEXT NOT NULL,
    answer TEXT,
    progress TEXT NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 0,
    deaths INTEGER NOT NULL DEFAULT 0,
    run_after INTEGER NOT NULL,
    lease_owner TEXT,
    lease_token INTEGER NOT NULL DEFAULT 0,
    lease_until INTEGER,
    wish TEXT NOT NULL DEFAULT 'none',
    error TEXT,
    version INTEGER NOT NULL DEFAULT 1,
    told INTEGER NOT NULL DEFAULT 0,
    created INTEGER NOT NULL,
    started INTEGER,
    finished INTEGER
) STRICT;
-- One live job a key: a double tap finds the job that is already there.
CREATE UNIQUE INDEX jobs_one_live_a_key ON jobs (key) WHERE state IN ('queued', 'running', 'waiting');
CREATE INDEX jobs_to_claim ON jobs (state, lane, run_after);
CREATE INDEX jobs_by_quest ON jobs (quest, kind);
CREATE INDEX jobs_by_user ON jobs (user, state);
CREATE INDEX jobs_by_turn ON jobs (user, lane, started);
CREATE INDEX jobs_by_start ON jobs (lane, started);
CREATE INDEX jobs_to_tell ON jobs (id) WHERE version > told;

CREATE TABLE pictures (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    job INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    quest INTEGER NOT NULL REFERENCES quests (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    file TEXT NOT NULL REFERENCES files (hash),
    step INTEGER,
    facts TEXT NOT NULL,
    UNIQUE (job, position)
) STRICT;
CREATE INDEX pictures_by_quest ON pictures (quest, role);
CREATE INDEX pictures_by_file ON pictures (file);

CREATE TABLE candidates (
    picture INTEGER PRIMARY KEY REFERENCES pictures (id) ON DELETE CASCADE,
    quest INTEGER NOT NULL REFERENCES quests (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    verdict TEXT NOT NULL DEFAULT 'unseen',
    judged INTEGER,
    caption TEXT NOT NULL DEFAULT '',
    caption_edited INTEGER NOT NULL DEFAULT 0, left_words TEXT NOT NULL DEFAULT '[]',
    UNIQUE (quest, number)
) STRICT;

CREATE TABLE checkpoints (
    job INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    step INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    adapter TEXT NOT NULL REFERENCES files (hash),
    style_gained REAL,
    prompt_kept REAL,
    copying REAL,
    PRIMARY KEY (job, step)
) STRICT;
CREATE INDEX checkpoints_by_file ON checkpoints (adapter);

-- The two newest states of a training: the one it goes on from, and the one before, should that be damaged.
-- Older ones go in the transaction that records the losses up to a new one.
CREATE TABLE training_states (
    job INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    step INTEGER NOT NULL,
    file TEXT NOT NULL REFERENCES files (hash),
    PRIMARY KEY (job, step)
) STRICT;
CREATE INDEX training_states_by_file ON training_states (file);

CREATE TABLE losses (
    job INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    step INTEGER NOT NULL,
    loss REAL NOT NULL,
    validation_loss REAL, weight_norm REAL,
    PRIMARY KEY (job, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE seals (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    quest INTEGER NOT NULL REFERENCES quests (id) ON DELETE CASCADE,
    job INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    step INTEGER NOT NULL,
    trigger TEXT NOT NULL,
    recipe TEXT NOT NULL,
    adapter TEXT NOT NULL REFERENCES files (hash),
    created INTEGER NOT NULL,
    UNIQUE (job, step)
) STRICT;
CREATE INDEX seals_by_quest ON seals (quest);
CREATE INDEX seals_by_file ON seals (adapter);

CREATE TABLE files (
    hash TEXT PRIMARY KEY,
    size_bytes INTEGER NOT NULL,
    suffix TEXT NOT NULL,
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Updates taken from Telegram, written before they are handled.
CREATE TABLE inbox (
    update_id INTEGER PRIMARY KEY,
    user INTEGER,
    body TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'new',
    attempts INTEGER NOT NULL DEFAULT 0,
    received INTEGER NOT NULL
) STRICT;
CREATE INDEX inbox_new ON inbox (update_id) WHERE state = 'new';
CREATE INDEX inbox_by_user ON inbox (user, received);

-- Taps already done, so that the same button of the same message does nothing twice.
CREATE TABLE taps (
    chat_id INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    data TEXT NOT NULL,
    toast TEXT NOT NULL,
    done INTEGER NOT NULL,
    PRIMARY KEY (chat_id, message_id, data)
) STRICT, WITHOUT ROWID;

-- Messages pending, in order. A row leaves only when Telegram has it, or will never take it.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT UNIQUE,
    chat_id INTEGER NOT NULL,
    urgency TEXT NOT NULL,
    slot TEXT,
    body TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'owed',
    attempts INTEGER NOT NULL DEFAULT 0,
    not_before INTEGER NOT NULL DEFAULT 0,
    error TEXT,
    created INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_owed ON outbox (chat_id, id) WHERE state IN ('owed', 'sending');
CREATE INDEX outbox_answers ON outbox (id) WHERE urgency = 'answer' AND state IN ('owed', 'sending');
CREATE INDEX outbox_by_chat ON outbox (chat_id);

-- Which message stands for which slot of a chat ("screen", "job:12"), so that it can be edited in place.
CREATE TABLE slots (
    chat_id INTEGER NOT NULL,
    slot TEXT NOT NULL,
    message_id INTEGER NOT NULL,
    shape TEXT NOT NULL,
    digest TEXT NOT NULL,
    buttons INTEGER NOT NULL,
    PRIMARY KEY (chat_id, slot)
) STRICT, WITHOUT ROWID;

-- Waits that Telegram asked for; they outlive a restart.
CREATE TABLE chats (
    chat_id INTEGER PRIMARY KEY,
    wait_until INTEGER NOT NULL DEFAULT 0,
    closed TEXT
) STRICT;

-- Pictures already uploaded, by Telegram's file_id, which is one bot's own; chat_id of a person's own, none for everybody's.
CREATE TABLE uploads (
    bot INTEGER NOT NULL,
    picture TEXT NOT NULL,
    file_id TEXT NOT NULL,
    chat_id INTEGER,
    created INTEGER NOT NULL,
    PRIMARY KEY (bot, picture)
) STRICT, WITHOUT ROWID;
CREATE INDEX uploads_by_chat ON uploads (chat_id) WHERE chat_id IS NOT NULL;

CREATE TABLE machine (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    facts TEXT NOT NULL,
    beat INTEGER NOT NULL,
    paused INTEGER NOT NULL DEFAULT 0
, refusal TEXT NOT NULL DEFAULT '') STRICT;

CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    actor INTEGER NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;

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

-- People who asked for everything that is kept of them, until it is all enqueued.
CREATE TABLE exports (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    person INTEGER NOT NULL UNIQUE REFERENCES people (id) ON DELETE CASCADE
) STRICT;
