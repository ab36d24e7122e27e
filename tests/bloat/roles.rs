//! What a role that may see little is told.

use crate::bloat::{Server, int, text};
use crate::support::estate::wait_for;
use midwatch::domain::{Loss, Verdict};

const TABLES: &str = "CREATE SCHEMA private;
    CREATE TABLE private.ledger (id int PRIMARY KEY, body text);
    INSERT INTO private.ledger SELECT i, md5(i::text) FROM generate_series(1, 60000) i;
    DELETE FROM private.ledger WHERE id % 2 = 0;
    CREATE TABLE open (id int, body text);
    INSERT INTO open SELECT i, md5(i::text) FROM generate_series(1, 60000) i;
    CREATE TABLE guarded (id int, body text);
    INSERT INTO guarded SELECT i, md5(i::text) FROM generate_series(1, 60000) i;
    ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
    SELECT pg_stat_force_next_flush(); VACUUM (ANALYZE) private.ledger, open, guarded;
    CREATE ROLE plain LOGIN; CREATE ROLE monitor LOGIN; GRANT pg_monitor TO monitor;
    CREATE ROLE reader LOGIN; GRANT pg_monitor, pg_read_all_data TO reader;
    CREATE ROLE several LOGIN; GRANT SELECT ON open, guarded TO several;
    CREATE ROLE part LOGIN; GRANT SELECT (id) ON open TO part;";

#[test]
fn statistics_that_a_role_may_not_see_are_unknown_and_never_nothing() {
    let server = Server::start("");
    server.sql(TABLES);
    for role in ["plain", "monitor"] {
        let seen = server.read(&mut server.reader(role, "postgres"));
        for object in ["private.ledger", "private.ledger_pkey", "public.open", "public.guarded"] {
            let row = seen.row(object);
            assert_eq!((row.verdict, text(row, "remedy")), (Verdict::Unknown, "grant"), "{role} {object}");
            assert_eq!(text(row, "reason"), "no right to its statistics");
            assert_eq!(text(row, "remedy_command"), format!("GRANT pg_read_all_data TO {role};"));
            assert!(!row.facts.contains_key("bloat_bytes") && int(row, "size_bytes") > 1 << 20);
        }
        let database = seen.database();
        assert_eq!(database.verdict, Verdict::Unknown);
        assert_eq!((int(database, "unknown_relations"), int(database, "hidden_relations")), (4, 4));
        assert_eq!(text(database, "remedy_command"), format!("GRANT pg_read_all_data TO {role};"));
        assert!(database.detail.contains("no statistics visible to this role"), "{}", database.detail);
        assert!(database.detail.contains("4 unknown, 4 hidden from this role"), "{}", database.detail);
        assert!(!database.facts.contains_key("total_bloat_bytes") && database.trend.is_none());
    }
    let several = server.read(&mut server.reader("several", "postgres"));
    assert_eq!(several.row("public.open").verdict, Verdict::Ok);
    assert_eq!(text(several.row("public.guarded"), "reason"), "row security hides its statistics");
    // That right would not lift it.
    assert!(!several.row("public.guarded").facts.contains_key("remedy_command"));
    assert_eq!(several.row("private.ledger").verdict, Verdict::Unknown);
    assert_eq!(int(several.database(), "hidden_relations"), 3);
    // One column is not enough.
    let part = server.read(&mut server.reader("part", "postgres"));
    assert_eq!(part.row("public.open").verdict, Verdict::Unknown);
    let reader = server.read(&mut server.reader("reader", "postgres"));
    assert!(int(reader.row("private.ledger"), "bloat_bytes") > 1 << 20);
    // Row security holds for whoever reads all data, too.
    assert_eq!(int(reader.database(), "hidden_relations"), 1);
}

#[test]
fn a_server_that_refuses_or_goes_away_is_a_loss_with_its_reason() {
    let mut server = Server::start("");
    server.sql(TABLES);
    server.sql("REVOKE CONNECT ON DATABASE postgres FROM PUBLIC;");
    let refused = server.runtime.block_on(server.reader("plain", "postgres").read()).unwrap_err();
    let why = refused.why();
    assert!((why.contains("plain") || why.contains("denied")) && !refused.is_proof(), "{refused}");
    let mut reader = server.reader("postgres", "postgres");
    server.read(&mut reader);
    // A session that the server ended is a loss at most once, and the next reading opens another.
    server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'midwatch'");
    wait_for("another session", || server.runtime.block_on(reader.read()).ok());
    server.postgres.kill();
    // Its last processes may still answer for a moment.
    wait_for("a loss that proves that it does not serve", || {
        server.runtime.block_on(reader.read()).err().filter(|loss| matches!(loss, Loss::Down(_)))
    });
    server.postgres.run().unwrap();
    // A crash loses the cumulative statistics: the count of the catalog stands for them, with less trust.
    let seen = server.read(&mut reader);
    let row = seen.row("private.ledger");
    assert_eq!(text(row, "method"), "width statistics, reltuples");
    assert!(!row.facts.contains_key("last_vacuum"));
    let ratio = crate::bloat::real(row, "bloat_ratio");
    assert!((ratio - 0.5).abs() < 0.02, "{ratio}");
}
