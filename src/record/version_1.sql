-- A record as version 0.1 wrote it. Kept as it is: what a learner has done is read by every later version.
CREATE TABLE attempt (
    id INTEGER PRIMARY KEY, lab TEXT NOT NULL, instance TEXT NOT NULL, seed TEXT NOT NULL, began TEXT NOT NULL,
    ended TEXT NOT NULL, workspace_hash TEXT NOT NULL, manifest TEXT NOT NULL, git_commit TEXT, images TEXT NOT NULL);
CREATE TABLE verdict (
    attempt INTEGER NOT NULL REFERENCES attempt(id), goal TEXT NOT NULL, verdict TEXT NOT NULL, points INTEGER NOT NULL,
    already_true INTEGER NOT NULL, message TEXT, detail TEXT NOT NULL, took_ms INTEGER NOT NULL);
CREATE INDEX verdict_of_goal ON verdict(goal, attempt);
CREATE TABLE shown (lab TEXT NOT NULL, goal TEXT NOT NULL, what TEXT NOT NULL, number INTEGER NOT NULL, at TEXT NOT NULL);
CREATE TABLE reset (lab TEXT NOT NULL, instance TEXT NOT NULL, what TEXT NOT NULL, snapshot TEXT, at TEXT NOT NULL);
CREATE TABLE workspace (lab TEXT NOT NULL, instance TEXT NOT NULL, path TEXT NOT NULL, at TEXT NOT NULL);
INSERT INTO attempt VALUES
    (1, 'month-3', 'default', '18446744073709551615', '2026-01-05T10:00:00Z', '2026-01-05T10:00:09Z', 'abc', '{"a.py":"1"}', NULL, '{}'),
    (2, 'month-3', 'default', '7', '2026-01-06T10:00:00Z', '2026-01-06T10:00:09Z', 'abd', '{"a.py":"2"}', 'f00', '{"web":"sha256:1"}');
INSERT INTO verdict VALUES
    (1, 'wired', 'failed', 10, 0, 'the worker does not answer', '[]', 900),
    (2, 'wired', 'passed', 10, 0, NULL, '[]', 800);
INSERT INTO shown VALUES ('month-3', 'wired', 'hint', 2, '2026-01-05T10:10:00Z');
INSERT INTO reset VALUES ('month-3', 'default', 'workspace', 'save-1', '2026-01-05T11:00:00Z');
INSERT INTO workspace VALUES ('month-3', 'default', '/home/ana/shop', '2026-01-05T09:00:00Z');
PRAGMA user_version = 1;
