//! Data past their retention: deleted from the demo's own row once a backup is proven, and left alone where none is.

use super::{console, plan, report};
use crate::pty::{Home, all_output, demo, files, line_with, open_prompt, start, stdout};
use crate::support::pty::{Pty, SOON};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, SystemTime};

const DAY: Duration = Duration::from_secs(86_400);

/// Types a phrase into a dialog that may still be asleep.
fn phrase(pty: &Pty, words: &str) {
    let typed = |screen: &str| {
        let line = line_with(screen, "to confirm:");
        line.split("to confirm:").nth(1).unwrap_or_default().trim_matches([' ', '┃', '│', '▌']).to_owned()
    };
    pty.wait_for(SOON, |screen| screen.contains(&format!("Type  {words}  to confirm:")));
    pty.press_until("d", |screen| typed(screen).starts_with('d'));
    pty.press_until("\x7f", |screen| typed(screen).is_empty());
    pty.type_in(words);
    pty.wait_for(SOON, |screen| typed(screen) == words);
    pty.send("\r");
}

/// How many files of a directory are older than some days.
fn older(dir: &Path, days: u32) -> usize {
    let entries = fs::read_dir(dir).unwrap().map(Result::unwrap);
    let modified =
        entries.filter(|entry| entry.path().is_file()).map(|entry| entry.metadata().unwrap().modified().unwrap());
    modified.filter(|at| at.elapsed().unwrap_or_default() > DAY * days).count()
}

#[test]
fn what_is_past_its_retention_is_deleted_once_the_newest_backup_is_proven() {
    let home = Home::new();
    let pty = demo::demo(&home);
    let root = home.path("state/demo/srv/cell0");
    let (sessions, archive) = (root.join("data/sessions"), root.join("logs/archive"));
    assert_eq!((older(&sessions, 90), older(&archive, 365)), (350, 3));
    demo::plan(&pty, "Data retention cleanup", 4);
    let shown = pty.screen();
    assert!(shown.contains("Compare the checksum of the newest backup"), "{shown}");
    start(&pty, "■ DESTROY");
    let shown = pty.wait_for(SOON, |screen| screen.contains("delete 350 files"));
    for expected in ["350 of 1,200", "limit 40 %", "in the backup proven above", "tonight · fits"] {
        assert!(shown.contains(expected), "{expected}\n{shown}");
    }
    assert_eq!(files(&sessions, ".json"), 1200, "nothing is done before it is confirmed");
    phrase(&pty, "delete 350 files");
    open_prompt(&pty, "Type  delete 3 files");
    assert_eq!((files(&sessions, ".json"), older(&sessions, 90), older(&archive, 365)), (850, 0, 3));
    phrase(&pty, "delete 3 files");
    let over = pty.wait_for(SOON, |screen| screen.contains("ended well"));
    assert!(over.contains("8/8"), "{over}");
    assert_eq!((files(&archive, ".gz"), older(&archive, 365)), (15, 0));
    let state = home.word("state/demo/state");
    let ask = |arguments: &[&str]| {
        std::process::Command::new(crate::pty::MIDWATCH).args(["--state", &state]).args(arguments).output().unwrap()
    };
    let run = stdout(&ask(&["runs"])).split_whitespace().next().unwrap().to_owned();
    let page = ask(&["report", &run]);
    for expected in ["Compare the checksum of the newest backup", "Check the service", "delete 350 files"] {
        assert!(stdout(&page).contains(expected), "{expected}\n{}", all_output(&page));
    }
    let stop = home.command(&["demo", "--stop"]);
    assert!(stop.status.success(), "{}", all_output(&stop));
}

/// A service that is ok, for as long as the test lasts.
fn service() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
        }
    });
    port
}

/// Writes a file of some age, with the SHA-256 of what it should hold beside it where that is given.
fn aged(path: &Path, bytes: &[u8], age: Duration, summed: Option<&[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
    if let Some(summed) = summed {
        let name = path.file_name().unwrap().to_str().unwrap();
        let line = format!("{}  {name}\n", midwatch::domain::Digest::of(summed).as_str());
        fs::write(path.with_file_name(format!("{name}.sha256")), line).unwrap();
    }
    fs::File::options().write(true).open(path).unwrap().set_modified(SystemTime::now() - age).unwrap();
}

/// An estate with a window that is open, old sessions, and one backup as the test has it.
fn cell(backup: &[u8], age: Duration, summed: Option<&[u8]>) -> Home {
    let home = Home::new();
    for below in ["config/midwatch", "srv/data/sessions", "srv/logs/archive", "srv/backups"] {
        fs::create_dir_all(home.path(below)).unwrap();
    }
    let estate = format!(
        "schema = 1\nname = \"test\"\nenvironment = \"other\"\npacks = [\"cell0\"]\n[[mount]]\npath = \"{}\"\ndisk = {{ warn = \"99%\", critical = \"100%\" }}\n\
         [[service]]\nname = \"cell0-gateway\"\nurl = \"http://127.0.0.1:{}/\"\n",
        home.word("srv"),
        service()
    );
    fs::write(home.path("config/midwatch/midwatch.toml"), estate).unwrap();
    let windows = "schema = 1\n[[window]]\nname = \"always\"\nstarts = \"0 0 * * *\"\nlasts = \"24h\"\n";
    fs::write(home.path("config/midwatch/windows.toml"), windows).unwrap();
    for number in 0..4 {
        aged(&home.path(&format!("srv/data/sessions/s-{number}.json")), b"{}", DAY * 100 * (number % 2), None);
    }
    aged(&home.path("srv/backups/cell0-1.tar.gz"), backup, age, summed);
    home
}

#[test]
fn without_a_proven_backup_of_today_nothing_is_deleted() {
    let hour = Duration::from_secs(3600);
    for (home, why) in [
        (cell(b"spoilt", hour, Some(b"sound")), "Compare the checksum of the newest backup"),
        (cell(b"sound", hour, None), "Compare the checksum of the newest backup"),
        (cell(b"sound", DAY * 3, Some(b"sound")), "is of today"),
        (cell(b"", hour, Some(b"")), "is of today"),
    ] {
        let pty = console(&home, &[], "cell0-gateway");
        plan(&pty, ("1", "srv"), "Data retention cleanup", "", 4);
        start(&pty, "DECIDE");
        let shown = pty.wait_for(SOON, |screen| screen.contains("Reason:"));
        assert!(shown.contains(why), "{why}\n{shown}");
        for choice in ["skip", "override"] {
            assert!(!shown.contains(&format!("  {choice}")), "{choice} is offered: {shown}");
        }
        super::decide(&pty, "abort");
        pty.wait_for(SOON, |screen| screen.contains("failed at"));
        assert_eq!(older(&home.path("srv/data/sessions"), 90), 2, "everything is still there");
        assert!(report(&home).contains(why));
    }
}

#[test]
fn more_than_the_limit_is_a_mistake_and_is_refused() {
    let home = cell(b"sound", Duration::from_secs(3600), Some(b"sound"));
    for number in 0..6 {
        aged(&home.path(&format!("srv/data/sessions/old-{number}.json")), b"{}", DAY * 100, None);
    }
    let pty = console(&home, &[], "cell0-gateway");
    plan(&pty, ("1", "srv"), "Data retention cleanup", "", 4);
    let shown = start(&pty, "DECIDE");
    assert!(shown.contains("Delete old sessions") && shown.contains("40 %"), "{shown}");
    super::decide(&pty, "abort");
    assert_eq!(files(&home.path("srv/data/sessions"), ".json"), 10);
}

#[test]
fn old_backups_are_not_deleted_where_there_is_no_second_person() {
    let home = cell(b"sound", Duration::from_secs(3600), Some(b"sound"));
    let directory = format!("directory={}", home.word("srv/backups"));
    let out = home.command(&["run", "common/delete-old-backups", "set=files", &directory]);
    let text = all_output(&out);
    assert_eq!(out.status.code(), Some(7), "{text}");
    assert!(text.contains("needs a second person") && text.contains("install -d -o root -g midwatch"), "{text}");
}
