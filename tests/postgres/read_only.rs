//! A primary whose ordinary transactions cannot write.

use super::*;
use midwatch::domain::Verdict;

/// A verdict, what sets the server read-only, and what undoes that.
type Shown = (Verdict, Option<String>, Option<String>);

/// What the server's own row says.
async fn row(reader: &mut PostgresReader) -> Shown {
    let findings = reader.read().await.unwrap();
    let itself = seen(&findings, "");
    let fact = |name: &str| itself.facts.get(name).map(|_| text(itself, name).to_owned());
    let by = fact("read_only_by");
    let found = by.as_ref().map(|by| format!("writes fail: default_transaction_read_only is on by {by} · primary "));
    assert!(itself.detail.starts_with(found.as_deref().unwrap_or("primary ")), "{}", itself.detail);
    (itself.verdict, by, fact("remedy_command"))
}

fn is(by: &str, undo: &str) -> Shown {
    (Verdict::Warn, Some(by.to_owned()), Some(undo.to_owned()))
}

const FINE: Shown = (Verdict::Ok, None, None);
/// What the statement that undoes it needs before it where it is refused in a read-only transaction.
const OFF: &str = "SET default_transaction_read_only = off;";
const SYSTEM: &str = "ALTER SYSTEM SET default_transaction_read_only = off; SELECT pg_reload_conf();";

/// A statement of a session that may write, whatever the default is.
fn sql(server: &PrivatePostgres, statement: &str) {
    for part in statement.split_inclusive(';') {
        server.sql("postgres", &format!("SET default_transaction_read_only = off; {part}")).unwrap();
    }
}

/// Reads until it is as expected: a reload takes its time.
async fn becomes(reader: &mut PostgresReader, expected: &Shown) {
    let began = Instant::now();
    loop {
        let found = row(reader).await;
        if found == *expected {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "waited in vain: {found:?}, not {expected:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_primary_that_is_read_only_by_default_is_a_warning_with_what_undoes_it() {
    let server = start(&Setup::default());
    sql(&server, "CREATE ROLE watch LOGIN IN ROLE pg_monitor; CREATE ROLE app LOGIN;");
    let written = server.conninfo_as("watch", "postgres");
    let mut kept = reader(&written, &[]);
    assert_eq!(row(&mut kept).await, FINE);

    // The files of the server, under a session that was open before and for one that begins now.
    let on = is("the server's configuration", SYSTEM);
    sql(&server, "ALTER SYSTEM SET default_transaction_read_only = on; SELECT pg_reload_conf();");
    becomes(&mut kept, &on).await;
    assert_eq!(row(&mut reader(&written, &[])).await, on);
    assert!(server.sql("postgres", "CREATE TABLE public.t (a int)").is_err());
    // The catalog is stronger than the files.
    sql(&server, "ALTER DATABASE postgres SET default_transaction_read_only = off;");
    assert_eq!(row(&mut kept).await, FINE);
    assert_eq!(row(&mut reader(&written, &[])).await, FINE);
    server.sql("postgres", SYSTEM).unwrap();
    sql(&server, "ALTER DATABASE postgres SET default_transaction_read_only = true;");
    let on =
        is("ALTER DATABASE postgres", &format!("{OFF} ALTER DATABASE postgres RESET default_transaction_read_only;"));
    becomes(&mut kept, &on).await;
    let mut begun = reader(&written, &[]);
    assert_eq!(row(&mut begun).await, on);
    server.sql("postgres", &on.2.unwrap()).unwrap();
    becomes(&mut kept, &FINE).await;
    // What its session began with is no more: neither this reading nor the next one takes it for the server's.
    for _ in 0..2 {
        assert_eq!(row(&mut begun).await, FINE);
    }
    sql(&server, "ALTER ROLE ALL SET default_transaction_read_only = on;");
    let on = is("ALTER ROLE ALL", &format!("{OFF} ALTER ROLE ALL RESET default_transaction_read_only;"));
    assert_eq!(row(&mut kept).await, on);
    server.sql("postgres", &on.2.unwrap()).unwrap();
    assert_eq!(row(&mut kept).await, FINE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_is_read_only_by_itself_is_no_warning_and_neither_are_our_own_options() {
    let server = start(&Setup::default());
    sql(&server, "CREATE ROLE watch LOGIN IN ROLE pg_monitor; CREATE ROLE report LOGIN;");
    sql(
        &server,
        "ALTER ROLE watch SET default_transaction_read_only = on; ALTER ROLE report SET default_transaction_read_only = on;",
    );
    let written = server.conninfo_as("watch", "postgres");
    let own = [("PGOPTIONS", "-c default_transaction_read_only=on")];
    for options in [&own[..0], &own[..]] {
        let mut reader = reader(&written, options);
        assert_eq!(row(&mut reader).await, FINE, "{options:?}");
        let findings = reader.read().await.unwrap();
        assert_eq!(text(seen(&findings, ""), "read_only_roles"), "report");
    }
}
