-- How much somebody asked for lately is counted at each update, whatever else they asked for this week.
DROP INDEX inbox_by_user;
CREATE INDEX inbox_by_user ON inbox (user, received);
