-- The role that only looks sees statistics and statistics of columns; it owns nothing.
CREATE ROLE midwatch_watch LOGIN IN ROLE pg_monitor, pg_read_all_data;
-- The role that acts owns the tables, and may make databases of its own beside them; nothing else on the server.
CREATE ROLE midwatch_act LOGIN CREATEDB IN ROLE pg_monitor;
CREATE DATABASE novacron OWNER midwatch_act;
\connect novacron
ALTER SCHEMA public OWNER TO midwatch_act;
CREATE EXTENSION IF NOT EXISTS plpgsql;
