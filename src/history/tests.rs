mod damage;

use super::schema::{APPLICATION, VERSION};
use super::*;
use crate::config::paths::tests::around;
use crate::config::state::Scope;
use crate::domain::series::minute;
use crate::domain::{Fact, Figure, Observation, Row, SeriesId, TargetKind, Trend, Verdict, Wall};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

/// A state directory and what was reported of its history.
struct Home {
    dir: tempfile::TempDir,
    reported: Arc<Mutex<Vec<String>>>,
}

impl Home {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), reported: Arc::default() }
    }

    fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    fn database(&self) -> PathBuf {
        self.state().join("history.db")
    }

    fn about(&self, estate: &str) -> About {
        let (dir, locks) = (self.state(), self.state().join("locks"));
        let file = self.dir.path().join(estate);
        fs::write(&file, "").unwrap();
        let state = State { dir, scope: Scope::User, locks, locks_scope: Scope::User };
        About { state, around: around(self.dir.path(), &[]), file: Some(file), name: "the same".to_owned() }
    }

    /// The keeper of the history of an estate.
    fn keeper<'a>(&self, estate: &str, notify: &'a dyn Fn(Event)) -> Keeper<'a> {
        Keeper::new(self.about(estate), true, notify)
    }

    fn teller(&self) -> impl Fn(Event) + use<> {
        let reported = Arc::clone(&self.reported);
        move |event| {
            if let Event::Trouble(error) = event {
                reported.lock().unwrap().push(error.to_string());
            }
        }
    }

    /// Writes one figure of an estate, in a process of its own as it were.
    fn write(&self, estate: &str, figure: (i64, f64)) {
        let notify = self.teller();
        let mut pending = noted(&[row("api", figure)]);
        self.keeper(estate, &notify).write(&mut pending);
        assert_eq!(pending.0.len(), 0, "{:?}", self.reported());
    }

    fn values(&self, estate: &str) -> Vec<f64> {
        let past = read(self.about(estate), SHOWN).unwrap();
        past.figures(&id("api")).iter().map(|figure| figure.value).collect()
    }

    fn reported(&self) -> Vec<String> {
        let place = fs::canonicalize(self.state()).unwrap().display().to_string();
        self.reported.lock().unwrap().iter().map(|reported| reported.replace(&place, "STATE")).collect()
    }
}

fn ago(seconds: i64) -> Wall {
    let now = clock::now().wall;
    Wall(now.0.checked_sub(jiff::SignedDuration::from_secs(seconds)).unwrap())
}

fn row(target: &str, (seconds, value): (i64, f64)) -> Row {
    let mut row = Row::unread(TargetKind::Service, target.to_owned(), "there".to_owned(), MINUTE);
    row.saw(seen(seconds, value));
    row
}

fn seen(seconds: i64, value: f64) -> Observation {
    let facts = BTreeMap::from([("latency_ms", Fact::Real(value))]);
    let trend = Some(Trend::of("latency_ms"));
    Observation { verdict: Verdict::Ok, detail: String::new(), facts, observed_at: ago(seconds), trend }
}

fn noted(rows: &[Row]) -> Pending {
    let mut pending = Pending::default();
    for row in rows {
        pending.note(&Rows { kind: row.kind, target: row.target.clone(), rows: vec![row.clone()] });
    }
    pending
}

fn id(target: &str) -> SeriesId {
    let (kind, fact) = (TargetKind::Service, "latency_ms".to_owned());
    SeriesId { kind, target: target.to_owned(), object: None, fact }
}

/// Figures of so many series for each of these minutes.
fn filled(minutes: std::ops::Range<i64>, series: u32) -> Pending {
    let at = |minute: i64| Wall::from_unix(minute * 60, 0);
    let of = |minute| {
        (0..series).map(move |number| {
            let value = f64::from(number) + 0.1;
            ((minute, id(&format!("service-{number}"))), Figure::of(at(minute), value))
        })
    };
    Pending(minutes.flat_map(of).collect())
}

fn number(db: &Connection, sql: &str) -> i64 {
    db.query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn what_one_process_wrote_another_reads_and_no_estate_sees_anothers() {
    let home = Home::new();
    assert_eq!(home.values("one.toml"), [0.0; 0]);
    for (seconds, value) in [(600, 1.0), (300, 2.0), (0, 3.0)] {
        home.write("one.toml", (seconds, value));
    }
    home.write("other.toml", (0, 9.0));
    assert_eq!(home.values("one.toml"), [1.0, 2.0, 3.0]);
    assert_eq!(home.values("other.toml"), [9.0]);
    // The same estate by another name of its file.
    symlink(home.dir.path().join("one.toml"), home.dir.path().join("link.toml")).unwrap();
    let about = About { file: Some(home.dir.path().join("link.toml")), ..home.about("one.toml") };
    assert_eq!(read(about, SHOWN).unwrap().figures(&id("api")).len(), 3);
    // More than an hour ago is not shown, and one minute has one figure.
    home.write("one.toml", (3720, 0.0));
    home.write("one.toml", (0, 4.0));
    assert!(home.values("one.toml").starts_with(&[1.0, 2.0]) && home.values("one.toml").ends_with(&[4.0]));
    let modes = ["history.db", "history.lock"].map(|name| fs::metadata(home.state().join(name)).unwrap().permissions());
    assert_eq!(modes.map(|mode| mode.mode() & 0o7777), [0o600; 2]);
    assert_eq!(home.reported(), [""; 0]);
}

#[test]
fn what_is_not_known_leaves_no_figure() {
    let mut lost = row("lost", (0, 1.0));
    lost.lost("timed out".to_owned(), ago(0));
    let mut down = row("down", (600, 1.0));
    down.saw(Observation::down(&crate::domain::Loss::down("refused"), Verdict::Critical, ago(0)));
    let odd = [row("nan", (0, f64::NAN)), row("infinite", (0, f64::INFINITY))];
    let mut backup = row("backup", (0, 1.0));
    backup.kind = TargetKind::Backup;
    let unread = Row::unread(TargetKind::Service, "unread".to_owned(), "there".to_owned(), MINUTE);
    let [nan, infinite] = odd;
    assert!(noted(&[lost, down, nan, infinite, backup, unread]).0.is_empty());
    assert_eq!(noted(&[row("read", (0, 1.0))]).0.len(), 1);
}

#[test]
fn a_day_is_kept_and_the_file_does_not_grow_beyond_it() {
    let home = Home::new();
    home.write("one.toml", (0, 1.0));
    let mut db = Connection::open(home.database()).unwrap();
    let begin = 30_000_000;
    let size = || fs::metadata(home.database()).unwrap().len();
    write::figures(&mut db, "one", &filled(begin..begin + write::KEPT, 80), begin + write::KEPT - 1, true).unwrap();
    let day = size();
    assert_eq!(number(&db, "SELECT count(*) FROM figure"), write::KEPT * 80);
    // Hour by hour, for another day.
    for hour in 0..24 {
        let from = begin + write::KEPT + hour * 60;
        write::figures(&mut db, "one", &filled(from..from + 60, 80), from + 59, false).unwrap();
    }
    assert_eq!(number(&db, "SELECT count(*) FROM figure"), write::KEPT * 80);
    assert_eq!(number(&db, "SELECT min(minute) FROM figure"), begin + write::KEPT);
    assert!(size() < day + day / 4, "{} after {day}", size());
    // Then fewer: what is free goes back to the file system, and the names that nothing is of any more go, too.
    let late = begin + 4 * write::KEPT;
    write::figures(&mut db, "one", &filled(late..late + 1, 2), late, true).unwrap();
    assert_eq!((number(&db, "SELECT count(*) FROM figure"), number(&db, "SELECT count(*) FROM series")), (2, 2));
    assert!(size() < 2 << 20 && size() < day / 2, "{}", size());
}

#[test]
fn a_file_that_would_be_too_large_loses_its_oldest_hours_first() {
    let home = Home::new();
    home.write("one.toml", (0, 1.0));
    let mut db = Connection::open(home.database()).unwrap();
    let begin = 30_000_000;
    write::figures(&mut db, "one", &filled(begin..begin + 600, 40), begin + 599, true).unwrap();
    let pages = number(&db, "PRAGMA page_count");
    let change = db.transaction().unwrap();
    write::make_room(&change, u64::try_from(pages / 2).unwrap()).unwrap();
    change.commit().unwrap();
    let used = number(&db, "PRAGMA page_count") - number(&db, "PRAGMA freelist_count");
    assert!(used < pages / 2, "{used} of {pages}");
    let (least, greatest) =
        (number(&db, "SELECT min(minute) FROM figure"), number(&db, "SELECT max(minute) FROM figure"));
    assert!((begin + 240..=begin + 420).contains(&least), "{}", least - begin);
    assert_eq!((greatest, (least - begin) % 60), (begin + 599, 0));
    // And SQLite itself takes no more than that.
    let db = schema::open(&place::Place::prepare(&home.about("x").state, &home.about("x").around).unwrap()).unwrap();
    assert_eq!(number(&db, "PRAGMA max_page_count") * number(&db, "PRAGMA page_size"), 512 << 20);
}

#[test]
fn what_lies_ahead_is_not_shown_and_does_not_stay_for_ever() {
    let home = Home::new();
    home.write("one.toml", (120, 1.0));
    let notify = home.teller();
    // A clock that was an hour ahead, and one that was a year ahead, each wrote; now it is right.
    let db = Connection::open(home.database()).unwrap();
    for ahead in [60, 365 * 24 * 60] {
        let minute = minute(ago(0)) + ahead;
        db.execute("INSERT INTO figure SELECT ?1, id, 0, 7.0, NULL, NULL FROM series", [minute]).unwrap();
    }
    assert_eq!(home.values("one.toml"), [1.0]);
    home.write("one.toml", (0, 2.0));
    assert_eq!(home.values("one.toml"), [1.0, 2.0]);
    assert_eq!(number(&db, "SELECT count(*) FROM figure WHERE value = 7.0"), 1, "that of a year ahead is gone");
    // A figure that is itself ahead is not written.
    let mut pending = noted(&[row("api", (-7200, 8.0))]);
    home.keeper("one.toml", &notify).write(&mut pending);
    assert_eq!(number(&db, "SELECT count(*) FROM figure WHERE value = 8.0"), 0);
}

#[test]
fn one_process_writes_for_an_estate_and_the_next_takes_over() {
    let home = Home::new();
    let notify = home.teller();
    let (mut first, mut second) = (home.keeper("one.toml", &notify), home.keeper("one.toml", &notify));
    first.write(&mut noted(&[row("api", (240, 1.0))]));
    let mut pending = noted(&[row("api", (600, 5.0)), row("api", (0, 2.0))]);
    second.write(&mut pending);
    assert_eq!(pending.0.len(), 1, "what is older than three minutes is the writer's");
    assert_eq!(home.values("one.toml"), [1.0]);
    // Another estate has its own writer, in the same file and at the same time.
    home.write("other.toml", (0, 9.0));
    first.write(&mut noted(&[row("api", (60, 3.0))]));
    drop(first);
    second.write(&mut pending);
    assert_eq!(home.values("one.toml"), [1.0, 3.0, 2.0]);
    assert_eq!((home.values("other.toml"), home.reported()), (vec![9.0], vec![]));
}

#[test]
fn a_history_ends_with_what_was_noted_and_begins_with_it() {
    let home = Home::new();
    let (send, events) = channel();
    let history = History::start(home.about("one.toml"), move |event| drop(send.send(event)));
    assert!(matches!(events.recv(), Ok(Event::Read(past)) if past.0.is_empty()));
    let rows = Rows { kind: TargetKind::Service, target: "api".to_owned(), rows: vec![row("api", (0, 4.0))] };
    history.recorder().note(&rows);
    history.read_again();
    assert!(matches!(events.recv(), Ok(Event::Read(past)) if past.figures(&id("api")).len() == 1));
    history.recorder().note(&Rows { rows: vec![row("api", (120, 3.0))], ..rows });
    drop(history);
    assert_eq!(home.values("one.toml"), [3.0, 4.0]);
}

#[test]
fn a_reading_contributes_where_no_one_writes_and_there_is_a_directory() {
    let home = Home::new();
    let read =
        |value| [Rows { kind: TargetKind::Service, target: "api".to_owned(), rows: vec![row("api", (0, value))] }];
    contribute(home.about("one.toml"), &read(1.0));
    assert!(!home.state().exists(), "a command that only looks makes none");
    home.write("other.toml", (0, 9.0));
    contribute(home.about("one.toml"), &read(2.0));
    assert_eq!(home.values("one.toml"), [2.0]);
    let notify = home.teller();
    let mut writer = home.keeper("one.toml", &notify);
    writer.write(&mut noted(&[row("api", (0, 3.0))]));
    contribute(home.about("one.toml"), &read(4.0));
    assert_eq!(home.values("one.toml"), [3.0]);
}

#[test]
fn a_disk_that_does_not_answer_is_reported_once_and_blocks_no_reading() {
    let home = Home::new();
    let reported = Arc::clone(&home.reported);
    let notify = home.teller();
    let shared = Shared {
        pending: Mutex::default(),
        busy: AtomicU64::new(clock::boot().0.saturating_sub(21_000_000_000).max(1)),
        slow: AtomicBool::new(false),
        place: "/nfs/state/history.db".into(),
        report: Box::new(notify),
    };
    let recorder = Recorder(Arc::new(shared));
    let rows = |value| Rows { kind: TargetKind::Service, target: "api".to_owned(), rows: vec![row("api", (0, value))] };
    (0..3).for_each(|value| recorder.note(&rows(f64::from(value))));
    let text = "cannot keep history in /nfs/state/history.db: no answer within 20 s\n  hint: its file system may hang: `findmnt` lists the mounts";
    assert_eq!(*reported.lock().unwrap(), [text]);
    assert_eq!(recorder.0.pending.lock().unwrap().0.len(), 1);
}

/// Readings of one service in one minute, some minutes ago.
fn within_a_minute(values: &[f64]) -> Pending {
    let start = minute(clock::now().wall) - 5;
    let rows = (0..).zip(values).map(|(second, value)| {
        let mut row = row("api", (0, *value));
        let at = Wall::from_unix(start * 60 + second, 0);
        row.observation = row.observation.map(|seen| Observation { observed_at: at, ..seen });
        row
    });
    noted(&rows.collect::<Vec<_>>())
}

#[test]
fn a_peak_within_a_minute_is_kept_also_where_the_minute_is_written_in_parts() {
    let home = Home::new();
    let notify = home.teller();
    for values in [[4.0, 90.0, 5.0], [6.0, 2.0, 7.0], [8.0, 8.0, 8.0]] {
        home.keeper("x", &notify).write(&mut within_a_minute(&values));
    }
    let past = read(home.about("x"), SHOWN).unwrap();
    let [figure] = past.figures(&id("api")) else { panic!("{past:?}") };
    assert_eq!((figure.value, figure.least, figure.greatest), (8.0, 2.0, 90.0));
    let mut newer = within_a_minute(&[3.0, 1.0]);
    newer.put_back(within_a_minute(&[50.0]));
    let figure = newer.0.values().next().unwrap();
    assert_eq!((figure.value, figure.least, figure.greatest), (1.0, 1.0, 50.0));
}

/// The tables as the first version made them.
const FIRST_TABLES: &str = "
CREATE TABLE series (
    id INTEGER PRIMARY KEY, estate TEXT NOT NULL, kind TEXT NOT NULL, target TEXT NOT NULL, object TEXT NOT NULL, fact TEXT NOT NULL,
    UNIQUE (estate, kind, target, object, fact)
) STRICT;
CREATE TABLE figure (
    minute INTEGER NOT NULL, series INTEGER NOT NULL, ms INTEGER NOT NULL, value REAL NOT NULL, PRIMARY KEY (minute, series)
) STRICT, WITHOUT ROWID;
PRAGMA user_version = 1;
";

#[test]
fn a_file_of_the_first_version_is_read_as_it_is_and_brought_up_by_who_writes() {
    let home = Home::new();
    home.write("x", (600, 1.0));
    let version = || number(&Connection::open(home.database()).unwrap(), "PRAGMA user_version");
    assert_eq!(version(), VERSION);
    let old = Connection::open(home.database()).unwrap();
    old.execute_batch("ALTER TABLE series RENAME TO s; ALTER TABLE figure RENAME TO f;").unwrap();
    old.execute_batch(FIRST_TABLES).unwrap();
    let copy = "INSERT INTO series SELECT * FROM s; INSERT INTO figure SELECT minute, series, ms, value FROM f;";
    old.execute_batch(&format!("{copy} DROP TABLE s; DROP TABLE f;")).unwrap();
    drop(old);
    let past = read(home.about("x"), SHOWN).unwrap();
    let [figure] = past.figures(&id("api")) else { panic!("{past:?}") };
    assert_eq!((figure.value, figure.least, figure.greatest), (1.0, 1.0, 1.0));
    assert_eq!(version(), 1, "who only reads changes nothing");
    home.write("x", (0, 3.0));
    assert_eq!((home.values("x"), version()), (vec![1.0, 3.0], VERSION));
    assert_eq!(home.reported(), [""; 0]);
}
