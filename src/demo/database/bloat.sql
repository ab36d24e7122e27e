-- Runs of jobs, of which the oldest two thirds were deleted: free space that only a rewrite returns, and the index with it.
CREATE TABLE job_runs (
    id bigint PRIMARY KEY, job_id int NOT NULL, state text NOT NULL, started_at timestamptz NOT NULL, output text);
CREATE INDEX job_runs_started_at ON job_runs (started_at);
CREATE INDEX job_runs_job_id ON job_runs (job_id);
INSERT INTO job_runs
    SELECT n, n % 40, CASE n % 20 WHEN 0 THEN 'failed' ELSE 'done' END, now() - (90000 - n) * interval '1 minute',
           CASE WHEN n % 3 = 0 THEN 'exit status ' || n % 4 END
    FROM generate_series(1, 90000) AS n;
DELETE FROM job_runs WHERE id % 30 < 20;

-- Keys in no order: their index is never full, and is as empty again soon after it was built again.
CREATE TABLE api_tokens (token uuid PRIMARY KEY, account int NOT NULL);
INSERT INTO api_tokens SELECT md5(n::text)::uuid, n % 900 FROM generate_series(1, 40000) AS n;

-- A reserve that was chosen, in a schema and a table whose names need quotes: nothing comes back.
CREATE SCHEMA "Billing";
CREATE TABLE "Billing"."Invoice Items" ("ItemId" bigint PRIMARY KEY, paid bool NOT NULL, cents bigint NOT NULL)
    WITH (fillfactor = 80);
INSERT INTO "Billing"."Invoice Items" SELECT n, n % 7 <> 0, n * 13 % 90000 FROM generate_series(1, 40000) AS n;

-- Words of documents: an index of a kind that no estimate is known for.
CREATE TABLE documents (id int PRIMARY KEY, words text[] NOT NULL);
INSERT INTO documents SELECT n, ARRAY[md5(n::text), md5((n + 1)::text)] FROM generate_series(1, 16000) AS n;
CREATE INDEX documents_words ON documents USING gin (words);
