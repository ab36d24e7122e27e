//! PostgreSQL as it is: private servers, read as the console reads them.

mod archiving;
mod hba;
mod loss;
mod pooler;
mod prepared;
mod read_only;
mod replication;
mod slots;
mod subscriptions;
mod tls;

use midwatch::config::estate::Postgres;
use midwatch::config::libpq::Access;
use midwatch::config::paths::Surroundings;
use midwatch::config::secrets::Secrets;
use midwatch::demo::postgres::{PrivatePostgres, Setup};
use midwatch::domain::{Fact, Finding, Loss, Observation};
use midwatch::probes::postgres::PostgresReader;
use midwatch::probes::target::Database;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Where a server of these tests lives: it is empty when the test program has ended, whoever held the server.
fn place() -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("midwatch-test-{}-{number}", std::process::id()))
}

fn start(setup: &Setup) -> PrivatePostgres {
    PrivatePostgres::start(&place(), setup).unwrap()
}

/// A server for every test that leaves it as it is.
fn shared() -> &'static PrivatePostgres {
    static SERVER: OnceLock<PrivatePostgres> = OnceLock::new();
    SERVER.get_or_init(|| {
        let access = "local all scram scram-sha-256\nlocal all nobody_at_all peer\nlocal all outside reject\n\
            host all scram 127.0.0.1/32 scram-sha-256\n";
        let server = start(&Setup { tcp: true, access: access.into(), ..Setup::default() });
        let roles = "CREATE ROLE watch LOGIN IN ROLE pg_monitor; CREATE ROLE small LOGIN; CREATE ROLE other LOGIN;\
            CREATE ROLE scram LOGIN PASSWORD 'it''s right' IN ROLE pg_monitor; CREATE ROLE outside LOGIN;";
        server.sql("postgres", roles).unwrap();
        server
    })
}

/// An access in an empty world, but for some variables.
fn access(written: &str, variables: &[(&str, &str)]) -> Access {
    let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
    let around = Surroundings::below(Path::new("/nonexistent"), variables);
    Access { written: written.to_owned(), secrets: Secrets::default(), around }
}

fn reader(written: &str, variables: &[(&str, &str)]) -> PostgresReader {
    PostgresReader::new(database(written, variables))
}

fn database(written: &str, variables: &[(&str, &str)]) -> Database {
    Database {
        name: "main".into(),
        watch: access(written, variables),
        can_act: false,
        critical: true,
        bloat_size: 1,
        transaction_age: Postgres::TRANSACTION_AGE,
        kept_wal: Postgres::KEPT_WAL,
    }
}

async fn read(written: &str, variables: &[(&str, &str)]) -> Result<Vec<Finding>, Loss> {
    reader(written, variables).read().await
}

/// Why a server could not be read.
async fn refused(written: &str, variables: &[(&str, &str)]) -> String {
    read(written, variables).await.expect_err(written).into()
}

/// What was seen of one object, of the target itself where it is empty.
fn seen<'a>(findings: &'a [Finding], object: &str) -> &'a Observation {
    let found = findings.iter().find(|finding| finding.object.as_deref().unwrap_or("") == object).expect(object);
    found.seen.as_ref().unwrap_or_else(|why| panic!("{object}: {why}"))
}

fn int(seen: &Observation, fact: &str) -> i64 {
    match seen.facts.get(fact) {
        Some(Fact::Int(number)) => *number,
        other => panic!("{fact} is {other:?}: {seen:?}"),
    }
}

fn text<'a>(seen: &'a Observation, fact: &str) -> &'a str {
    match seen.facts.get(fact) {
        Some(Fact::Text(text)) => text,
        other => panic!("{fact} is {other:?}: {seen:?}"),
    }
}

/// Reads until it is as wanted.
async fn until(reader: &mut PostgresReader, wanted: impl Fn(&Result<Vec<Finding>, Loss>) -> bool) -> Vec<Finding> {
    let began = Instant::now();
    loop {
        let read = reader.read().await;
        if wanted(&read) {
            return read.unwrap_or_default();
        }
        assert!(began.elapsed() < Duration::from_secs(60), "waited in vain: {read:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
