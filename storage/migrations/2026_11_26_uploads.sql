-- Pictures already with Telegram: whose ids, and which chat's own; nothing was ever kept in the table before.
DROP TABLE uploads;
CREATE TABLE uploads (
    bot INTEGER NOT NULL,
    picture TEXT NOT NULL,
    file_id TEXT NOT NULL,
    chat_id INTEGER,
    created INTEGER NOT NULL,
    PRIMARY KEY (bot, picture)
) STRICT, WITHOUT ROWID;
CREATE INDEX uploads_by_chat ON uploads (chat_id) WHERE chat_id IS NOT NULL;
