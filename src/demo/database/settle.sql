-- In a session of its own: what a session has written is counted when it ends, and would be counted twice after its own ANALYZE.
VACUUM job_runs;
VACUUM api_tokens;
VACUUM "Billing"."Invoice Items";
VACUUM documents;
ANALYZE;
