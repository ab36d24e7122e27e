//! A file that is damaged, not ours, or left by a killed writer.

use super::*;

/// What stands in the place of the file, and what is reported of it.
#[track_caller]
fn refused(make: impl FnOnce(&Path), text: &str) {
    let home = Home::new();
    home.write("one.toml", (60, 1.0));
    fs::remove_file(home.database()).unwrap();
    make(&home.database());
    let before = fs::symlink_metadata(home.database()).unwrap();
    let content = before.is_file().then(|| fs::read(home.database()).unwrap());
    let notify = home.teller();
    let mut supervisor = home.keeper("one.toml", &notify);
    let mut pending = noted(&[row("api", (0, 2.0))]);
    supervisor.read();
    supervisor.write(&mut pending);
    supervisor.write(&mut pending);
    let reported = home.reported();
    assert!(matches!(&*reported, [one] if one.starts_with(text) && one.contains("\n  hint: ")), "{reported:#?}");
    assert_eq!(pending.0.len(), 1, "it waits for its chance");
    let after = fs::symlink_metadata(home.database()).unwrap();
    assert_eq!(before.file_type(), after.file_type());
    assert!(content.is_none_or(|content| fs::read(home.database()).unwrap() == content), "the file was touched");
    // Moved away as the hint says, a new one is begun.
    fs::rename(home.database(), home.state().join("history.db.old")).unwrap();
    supervisor.write(&mut pending);
    assert_eq!((pending.0.len(), home.values("one.toml")), (0, vec![2.0]));
}

#[test]
fn what_is_not_ours_to_use_is_left_alone_and_reported_once() {
    refused(
        |path| symlink("/etc/passwd", path).unwrap(),
        "cannot keep history in STATE/history.db: it is a symbolic link",
    );
    refused(
        |path| fs::create_dir(path).unwrap(),
        "cannot keep history in STATE/history.db: it is a directory, not a file",
    );
    let fifo = |path: &Path| rustix::fs::mkfifoat(rustix::fs::CWD, path, rustix::fs::Mode::RUSR).unwrap();
    refused(fifo, "cannot keep history in STATE/history.db: it is a FIFO, not a file");
    let later = |path: &Path| {
        let sql = format!("CREATE TABLE x (y); PRAGMA application_id = {APPLICATION}; PRAGMA user_version = 3;");
        Connection::open(path).unwrap().execute_batch(&sql).unwrap();
    };
    let text =
        "cannot keep history in STATE/history.db: a later version of Midwatch wrote it (schema 3; this one knows 2)";
    refused(later, text);
    let foreign = |path: &Path| Connection::open(path).unwrap().execute_batch("CREATE TABLE bookmarks (url);").unwrap();
    refused(foreign, "cannot keep history in STATE/history.db: it is the database of another program");
    if rustix::process::geteuid().is_root() {
        let theirs = |path: &Path| {
            fs::write(path, "").unwrap();
            std::os::unix::fs::chown(path, Some(4711), None).unwrap();
        };
        refused(theirs, "cannot keep history in STATE/history.db: it belongs to uid 4711, not to you");
    }
}

#[test]
fn a_file_that_is_open_to_others_is_closed() {
    let home = Home::new();
    home.write("one.toml", (60, 1.0));
    fs::set_permissions(home.database(), fs::Permissions::from_mode(0o644)).unwrap();
    home.write("one.toml", (0, 2.0));
    assert_eq!(fs::metadata(home.database()).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(home.values("one.toml"), [1.0, 2.0]);
}

/// Damages a file of some figures; it is kept as it was, a new one is begun, and that is reported once.
#[track_caller]
fn put_aside(damage: impl FnOnce(&Path)) {
    let home = Home::new();
    home.write("one.toml", (120, 1.0));
    damage(&home.database());
    let content = fs::read(home.database()).unwrap();
    let notify = home.teller();
    let mut supervisor = home.keeper("one.toml", &notify);
    supervisor.read();
    let mut pending = noted(&[row("api", (0, 2.0))]);
    supervisor.write(&mut pending);
    supervisor.write(&mut pending);
    let reported = home.reported();
    let text = "the history in STATE/history.db was damaged, and a new one is begun\n  hint: the damaged one is kept as STATE/";
    let [one] = &*reported else { panic!("{reported:#?}") };
    let kept = one.strip_prefix(text).unwrap_or_else(|| panic!("{one}"));
    assert!(kept.starts_with("history.db.damaged-2"), "{kept}");
    assert_eq!(fs::read(home.state().join(kept)).unwrap(), content, "nothing of it is lost");
    assert_eq!((pending.0.len(), home.values("one.toml")), (0, vec![2.0]));
}

#[test]
fn a_damaged_file_is_put_aside_and_a_new_one_begun() {
    put_aside(|path| fs::write(path, "this is no database, and never was one\n".repeat(200)).unwrap());
    put_aside(|path| {
        let mut bytes = fs::read(path).unwrap();
        bytes.truncate(6000);
        fs::write(path, bytes).unwrap();
    });
    put_aside(|path| {
        let mut bytes = fs::read(path).unwrap();
        bytes[4096..].iter_mut().for_each(|byte| *byte ^= 0xa5);
        fs::write(path, bytes).unwrap();
    });
    put_aside(|path| {
        let sql = format!("DROP TABLE figure; PRAGMA user_version = {VERSION};");
        Connection::open(path).unwrap().execute_batch(&sql).unwrap();
    });
}

#[test]
fn a_damaged_file_is_not_put_aside_by_a_process_that_does_not_write() {
    let home = Home::new();
    let notify = home.teller();
    let mut writer = home.keeper("one.toml", &notify);
    writer.write(&mut noted(&[row("api", (0, 1.0))]));
    fs::write(home.database(), "no database".repeat(900)).unwrap();
    let mut reader = home.keeper("one.toml", &notify);
    reader.read();
    let reported = home.reported();
    assert!(matches!(&*reported, [one] if one.contains("it is damaged")), "{reported:?}");
    let kept = || {
        let names = fs::read_dir(home.state()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.contains(".damaged-") && !name.ends_with("-journal")).count()
    };
    assert_eq!(kept(), 0);
    writer.write(&mut noted(&[row("api", (0, 2.0))]));
    assert_eq!((kept(), home.values("one.toml")), (1, vec![2.0]));
}

#[test]
fn what_a_killed_writer_had_begun_is_rolled_back() {
    let home = Home::new();
    home.write("one.toml", (60, 1.0));
    let mut db = Connection::open(home.database()).unwrap();
    // A cache so small that pages reach the file before the end of the transaction.
    db.execute_batch("PRAGMA journal_mode = TRUNCATE; PRAGMA cache_size = 1; PRAGMA cache_spill = 1;").unwrap();
    let many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
        INSERT INTO figure SELECT ?1, i + 1000, 0, 1.0, NULL, NULL FROM n";
    db.execute(many, [minute(ago(300))]).unwrap();
    let change = db.transaction().unwrap();
    change.execute("UPDATE figure SET value = 66.0", []).unwrap();
    // As the disk is when the process is killed now.
    let killed = Home::new();
    fs::create_dir(killed.state()).unwrap();
    fs::set_permissions(killed.state(), fs::Permissions::from_mode(0o700)).unwrap();
    for name in ["history.db", "history.db-journal"] {
        fs::copy(home.state().join(name), killed.state().join(name)).unwrap();
    }
    drop(change);
    let notify = killed.teller();
    killed.keeper("one.toml", &notify).write(&mut noted(&[row("api", (0, 2.0))]));
    let db = Connection::open(killed.database()).unwrap();
    let of = |value: f64| number(&db, &format!("SELECT count(*) FROM figure WHERE value = {value:.1}"));
    assert_eq!((of(1.0), of(2.0), of(66.0)), (20_001, 1, 0));
    assert_eq!(killed.reported(), [""; 0]);
}
