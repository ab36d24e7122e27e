//! Panes with many rows, and estates with many targets.

use divan::Bencher;
use midwatch::app::Model;
use midwatch::app::msg::Msg;
use midwatch::app::update::update;
use midwatch::config::estate::{Postgres, Service};
use midwatch::config::libpq::Access;
use midwatch::config::theme::{Glyphs, Theme};
use midwatch::demo::postgres::{PrivatePostgres, Setup};
use midwatch::demo::sample;
use midwatch::domain::clean::Depth;
use midwatch::domain::{Fact, Observation, Row, Rows, TargetKind, Trend, Verdict, Wall};
use midwatch::probes::target::{Database, Target};
use midwatch::probes::{clock, read_all};
use midwatch::tui::screen::Screen;
use midwatch::ui::{self, ViewState};
use std::collections::BTreeMap;
use std::io::{Read, Write, sink};
use std::net::TcpListener;
use std::time::{Duration, Instant};

/// How many rows the pane has.
const ROWS: usize = 10_000;
/// How many endpoints are asked.
const ENDPOINTS: usize = 1_000;
/// How many tables the database has.
const TABLES: usize = 5_000;

fn row(number: usize, figure: f64, at: Wall) -> Row {
    let mut row =
        Row::unread(TargetKind::Service, format!("service-{number:05}"), String::new(), Duration::from_secs(10));
    let verdict = [Verdict::Ok, Verdict::Ok, Verdict::Ok, Verdict::Warn, Verdict::Critical][number % 5];
    let detail = format!("200 · {figure} ms");
    let facts = BTreeMap::from([("latency_ms", Fact::Real(figure))]);
    row.saw(Observation { verdict, detail, facts, observed_at: at, trend: Some(Trend::of("latency_ms")) });
    row
}

fn rows(number: usize, figure: f64, at: Wall) -> Msg {
    let row = row(number, figure, at);
    Msg::RowsRead(Rows { kind: row.kind, target: row.target.clone(), rows: vec![row] })
}

fn full() -> Model {
    let mut model = sample::console((120, 36), None);
    let at = model.now.wall;
    for number in 0..ROWS {
        update(&mut model, rows(number, 9.0, at));
    }
    model
}

/// One more reading of one of ten thousand rows.
#[divan::bench]
fn one_reading_among_10_000_rows(bencher: Bencher) {
    let mut model = full();
    let at = model.now.wall;
    let mut number = 0;
    bencher.bench_local(|| {
        number = (number + 7919) % ROWS;
        update(&mut model, rows(number, 12.0, at));
    });
}

/// The frame after it.
#[divan::bench]
fn a_frame_of_10_000_rows(bencher: Bencher) {
    let mut model = full();
    let theme = Theme::load("night", &[], Depth::True, Glyphs::Unicode).0;
    let mut screen = Screen::new(sink(), 120, 36, Depth::True).expect("a screen in memory");
    let mut view = ViewState::default();
    let at = model.now.wall;
    let mut number = 0;
    bencher.bench_local(|| {
        number = (number + 7919) % ROWS;
        update(&mut model, rows(number, 12.0, at));
        screen
            .draw(usize::MAX, |frame| ui::draw(frame, &model.snapshot(), &theme, &mut view))
            .expect("memory takes it");
    });
}

/// Filling the pane from nothing.
#[divan::bench(sample_count = 10)]
fn ten_thousand_rows_from_nothing() -> Model {
    full()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}

/// A server on loopback that answers 200 to whatever comes, one thread for all.
fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = [0; 1024];
            let _ = stream.read(&mut head);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        }
    });
    url
}

/// Every one of a thousand endpoints asked once, each over a connection of its own.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn a_thousand_endpoints_once(bencher: Bencher) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (url, runtime) = (serve(), runtime());
    let targets: Vec<Target> =
        (0..ENDPOINTS).map(|n| Target::Service(Service::new(format!("s{n}"), url.clone()))).collect();
    bencher.bench_local(|| {
        let read = runtime.block_on(read_all(targets.clone(), Duration::from_secs(30)));
        assert!(read.iter().flat_map(|all| &all.rows).all(|row| row.lost.is_none()));
    });
}

/// Prints what a reading of a database of five thousand tables takes; nothing where PostgreSQL is not installed.
pub fn print_tables() {
    let dir = tempfile::tempdir().expect("a directory");
    let settings = "max_locks_per_transaction = 1000\nmax_wal_size = 512MB\n".to_owned();
    let Ok(server) = PrivatePostgres::start(&dir.path().join("pg"), &Setup { settings, ..Setup::default() }) else {
        println!("bloat of {TABLES} tables: PostgreSQL is not installed");
        return;
    };
    for part in 0..TABLES / 500 {
        let script = format!(
            "DO $$ BEGIN FOR i IN 1..500 LOOP
                EXECUTE format('CREATE TABLE t_%s (id int PRIMARY KEY, a text, b text, c int, d timestamptz)', {part} * 500 + i);
                EXECUTE format('INSERT INTO t_%s SELECT i, md5(i::text), md5(i::text), i, now() FROM generate_series(1, 20) i', {part} * 500 + i);
             END LOOP; END $$"
        );
        server.sql("postgres", &script).expect("tables");
    }
    server.sql("postgres", "ANALYZE").expect("statistics");
    let watch = Access { written: server.conninfo("postgres"), ..Access::default() };
    let targets = vec![Target::Bloat(Database {
        name: "main".to_owned(),
        watch,
        can_act: false,
        critical: true,
        bloat_size: 1,
        transaction_age: Postgres::TRANSACTION_AGE,
        kept_wal: Postgres::KEPT_WAL,
    })];
    let runtime = runtime();
    let mut took = Vec::new();
    for _ in 0..5 {
        let began = Instant::now();
        let read = runtime.block_on(read_all(targets.clone(), Duration::from_secs(60)));
        took.push(began.elapsed());
        assert!(read[0].rows.iter().all(|row| row.lost.is_none()), "{:?}", read[0].rows[0].lost);
    }
    took.sort();
    let at = clock::now().wall.minute();
    println!(
        "bloat of {TABLES} tables with an index each, one reading with its connection: median {:?} ({at})",
        took[2]
    );
}
