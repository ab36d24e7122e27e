//! What the estimate of bloat says, against what a rewrite really gives back, on a server of its own.

mod counts;
mod demo;
mod horizon;
mod left;
mod roles;
mod shapes;
mod traps;

use crate::support::estate::SOON;
use midwatch::config::estate::Postgres;
use midwatch::config::libpq::Access;
use midwatch::demo::postgres::{PrivatePostgres, Setup};
use midwatch::domain::{Fact, Finding, Observation};
use midwatch::probes::bloat::BloatReader;
use midwatch::probes::target::Database;
use std::collections::BTreeMap;
use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls};

/// Nothing moves by itself.
const SETTINGS: &str = "autovacuum = off\nmax_prepared_transactions = 5\nwal_level = logical\n";

/// A server in a directory that goes with it.
struct Server {
    postgres: PrivatePostgres,
    _place: tempfile::TempDir,
    runtime: Runtime,
}

impl Server {
    fn start(settings: &str) -> Self {
        let place = tempfile::tempdir().unwrap();
        let setup = Setup { settings: format!("{SETTINGS}{settings}"), ..Setup::default() };
        let postgres = PrivatePostgres::start(&place.path().join("pg"), &setup).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        Self { postgres, _place: place, runtime }
    }

    fn sql(&self, script: &str) -> String {
        self.postgres.sql("postgres", script).unwrap()
    }

    /// A reader of a database, as a role.
    fn reader(&self, role: &str, database: &str) -> BloatReader {
        // Small ones do for tests.
        self.reader_from(1, role, database)
    }

    /// The same, where bloat warns from so many bytes on.
    fn reader_from(&self, bloat_size: u64, role: &str, database: &str) -> BloatReader {
        let written = self.postgres.conninfo_as(role, database);
        let watch = Access { written, ..Access::default() };
        BloatReader::new(Database {
            name: "main".to_owned(),
            watch,
            can_act: true,
            critical: true,
            bloat_size,
            transaction_age: Postgres::TRANSACTION_AGE,
            kept_wal: Postgres::KEPT_WAL,
        })
    }

    fn read(&self, reader: &mut BloatReader) -> Seen {
        let read = self.runtime.block_on(async { tokio::time::timeout(SOON, reader.read()).await });
        Seen::of(read.expect("a reading ends").unwrap())
    }

    /// What the superuser sees.
    fn seen(&self) -> Seen {
        self.read(&mut self.reader("postgres", "postgres"))
    }

    /// A session that stays open.
    fn session(&self, name: &str) -> Client {
        let conninfo = format!("{} application_name={name}", self.postgres.conninfo("postgres"));
        self.runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(&conninfo, NoTls).await.unwrap();
            tokio::spawn(connection);
            client
        })
    }

    fn run(&self, session: &Client, sql: &str) {
        self.runtime.block_on(session.batch_execute(sql)).unwrap();
    }
}

/// The rows of one reading by their object; the database's own has none.
struct Seen(BTreeMap<Option<String>, Result<Observation, String>>);

impl Seen {
    fn of(findings: Vec<Finding>) -> Self {
        let count = findings.len();
        let rows: BTreeMap<_, _> =
            findings.into_iter().map(|finding| (finding.object, finding.seen.map_err(String::from))).collect();
        assert_eq!(rows.len(), count, "two rows are called the same");
        Self(rows)
    }

    fn database(&self) -> &Observation {
        self.0[&None].as_ref().unwrap()
    }

    fn row(&self, object: &str) -> &Observation {
        let row = self.0.get(&Some(object.to_owned()));
        let names: Vec<_> = self.0.keys().flatten().collect();
        row.unwrap_or_else(|| panic!("no row {object} among {names:?}")).as_ref().unwrap()
    }

    fn names(&self) -> Vec<&str> {
        self.0.keys().flatten().map(String::as_str).collect()
    }
}

fn int(seen: &Observation, fact: &str) -> i64 {
    match seen.facts.get(fact) {
        Some(Fact::Int(value)) => *value,
        other => panic!("{fact} is {other:?} of {seen:?}"),
    }
}

fn real(seen: &Observation, fact: &str) -> f64 {
    match seen.facts.get(fact) {
        Some(Fact::Real(value)) => *value,
        other => panic!("{fact} is {other:?} of {seen:?}"),
    }
}

fn text<'a>(seen: &'a Observation, fact: &str) -> &'a str {
    match seen.facts.get(fact) {
        Some(Fact::Text(value)) => value,
        other => panic!("{fact} is {other:?} of {seen:?}"),
    }
}
