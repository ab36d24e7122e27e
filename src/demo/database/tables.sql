-- Work that is mostly done: two of three rows are dead.
CREATE TABLE tasks (id bigint PRIMARY KEY, state text NOT NULL, payload text NOT NULL, created_at timestamptz NOT NULL);
INSERT INTO tasks
    SELECT n, 'done', repeat(md5(n::text), 4), now() - n * interval '1 minute' FROM generate_series(1, 60000) AS n;
CREATE INDEX tasks_created_at ON tasks (created_at);
DELETE FROM tasks WHERE id % 3 <> 0;
-- Sessions that are written again and again: as many dead versions as live ones.
CREATE TABLE sessions (id bigint PRIMARY KEY, last_seen timestamptz NOT NULL, data text NOT NULL);
INSERT INTO sessions SELECT n, now() - n * interval '1 second', repeat('x', 200) FROM generate_series(1, 20000) AS n;
UPDATE sessions SET last_seen = now();
-- A table in good order.
CREATE TABLE audit_logs (id bigint PRIMARY KEY, at timestamptz NOT NULL, actor text NOT NULL, said text NOT NULL);
INSERT INTO audit_logs
    SELECT n, now() - n * interval '10 seconds', 'user-' || n % 211, repeat('entry ', 12) FROM generate_series(1, 40000) AS n;
