//! Rotation together with the real logrotate: neither takes the other's files for its own.

use super::*;
use std::process::Command;

const ROTATE: &str = "files = 'rotate'\nunder = 'logs'\nmatch = '*.log'\nreopen = 'each-line'\n";

/// Where Debian has it; elsewhere it is on the path.
fn program() -> &'static str {
    if Path::new("/usr/sbin/logrotate").exists() { "/usr/sbin/logrotate" } else { "logrotate" }
}

/// Makes logrotate rotate once, with its own state file; returns its output.
fn logrotate(tree: &Tree, directives: &str) -> String {
    let (config, state) = (tree.home.path().join("logrotate.conf"), tree.home.path().join("logrotate.state"));
    let text = format!("{} {{\n{directives}\n}}\n", tree.at("logs/*.log").display());
    fs::write(&config, text).unwrap();
    fs::set_permissions(&config, fs::Permissions::from_mode(0o644)).unwrap();
    let done = Command::new(program()).arg("-f").arg("-s").arg(&state).arg(&config).output().unwrap();
    let message = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{directives}: {message}");
    message
}

/// How often a text occurs in the files of a directory, unpacked.
fn holds(tree: &Tree, text: &str) -> usize {
    let count = |entry: fs::DirEntry| {
        let content = if entry.path().extension().is_some_and(|ending| ending == "gz") {
            Command::new("gzip").arg("-dc").arg(entry.path()).output().unwrap().stdout
        } else {
            fs::read(entry.path()).unwrap()
        };
        String::from_utf8_lossy(&content).matches(text).count()
    };
    fs::read_dir(tree.at("logs")).unwrap().map(Result::unwrap).filter(|e| e.path().is_file()).map(count).sum()
}

fn rotated(tree: &Tree) -> String {
    let action = tree.act_of(ROTATE);
    let (_, set) = frozen(&action);
    let (end, text) = acted(&action, &set);
    assert_eq!((end.ending, end.counts["rotated"]), (Ending::Ok, 1), "{text}");
    items(&mut &*set, 0, 1).unwrap().1[0].to.clone().unwrap()
}

#[test]
fn logrotate_never_removes_what_was_rotated_here() {
    // How often it rotates; with dates only once, as it refuses its own date a second time.
    let configurations = [
        (5, "rotate 3\nmissingok"),
        (5, "rotate 3\ncompress\nstart 0"),
        (5, "rotate 2\ncompress\ndelaycompress"),
        (5, "rotate 3\nstart 4"),
        (5, "rotate 3\ncopytruncate"),
        (1, "rotate 1\ndateext"),
        (1, "rotate 1\ndateext\ncompress\ndateformat .%Y%m%d"),
        (1, "rotate 1\ndateext\ncompress\ndateformat .%Y%m%d-%s"),
        (1, "rotate 1\ndateext\ndateformat -%s\nextension .log"),
        (5, "rotate 0"),
    ];
    for (times, directives) in configurations {
        let tree = Tree::new();
        for number in 1..=3 {
            fs::write(tree.file(format!("logs/app.log.{number}"), 1, number), format!("old {number}\n")).unwrap();
        }
        for date in ["-20260101", "-20260102", ".20260101", ".20260102", ".20260102-1767312000"] {
            tree.file(format!("logs/app.log{date}"), 1, 200);
        }
        fs::write(tree.at("logs/app.log"), "the newest line\n").unwrap();
        let name = rotated(&tree);
        fs::write(tree.at("logs/app.log"), "since\n").unwrap();
        for _ in 0..times {
            let text = logrotate(&tree, directives);
            assert!(!text.contains("skipping rotation"), "{directives}: {text}");
            fs::write(tree.at("logs/app.log"), "since\n").unwrap();
        }
        assert_eq!(holds(&tree, "the newest line"), 1, "{directives}: {:?}", tree.all());
        assert_eq!(fs::read_to_string(tree.at(&name)).unwrap(), "the newest line\n", "{directives}: {name}");
    }
}

#[test]
fn no_suffix_goes_on_with_a_date_a_time_or_a_version_of_another() {
    let others = [
        "app.log.3",
        "app.log.20261129",
        "app.log.2026-11-29",
        "app.log.1796003582",
        "app.log.18446744073709551615",
        "app.log-20261129.gz",
        "app.log.rotated-",
        "app.log.rotated-99999999999999999999",
    ];
    for other in others {
        let tree = Tree::new();
        tree.file("logs/app.log", 20, 1);
        tree.file(format!("logs/{other}"), 3, 2);
        assert_eq!(rotated(&tree), "logs/app.log.rotated-1", "{other}");
    }
    let tree = Tree::new();
    tree.file("logs/app.log", 20, 1);
    tree.file("logs/app.log.rotated-7.gz", 3, 2);
    assert_eq!(rotated(&tree), "logs/app.log.rotated-8");
    tree.file("logs/app.log", 20, 1);
    tree.file(format!("logs/app.log.rotated-{}", u64::MAX), 3, 2);
    let error = froze(&tree.act_of(ROTATE), &look()).unwrap_err();
    assert!(error.kind == Kind::Refused && error.message.contains("is taken"), "{error:?}");
}

#[test]
fn numbered_logs_find_a_place_in_the_archive_every_night() {
    let tree = Tree::new();
    let moves = "files = 'move'\nunder = 'logs'\nmatch = '*.gz'\nolder = '1d'\nto = 'logs/archive'\n";
    let archives = "files = 'archive'\nunder = 'logs'\nmatch = '*.log.?'\nto = 'logs/archive'\n";
    for (night, age) in [(1, 9), (2, 6), (3, 3)] {
        for name in ["access.log.1.gz", "access.log.2.gz", "api.log.1"] {
            fs::write(tree.file(format!("logs/{name}"), 1, age), format!("{name} of night {night}\n")).unwrap();
            let time = UNIX_EPOCH + Duration::from_secs(u64::try_from(NOW).unwrap() - age * DAY);
            File::options().write(true).open(tree.at(format!("logs/{name}"))).unwrap().set_modified(time).unwrap();
        }
        let action = tree.act_of(moves);
        let (preview, set) = frozen(&action);
        assert_eq!((preview.count, frozen(&action).1 == set), (2, true), "night {night}");
        assert_eq!(acted(&action, &set).0.counts["moved"], 2, "night {night}");
        let packs = tree.act_of(archives);
        let (preview, set) = frozen(&packs);
        assert_eq!(preview.count, 1, "night {night}: {preview:?}");
        let text = "1 file with a time in the new name: the name is taken in logs/archive".to_owned();
        assert_eq!(preview.warnings.contains(&text), night > 1, "night {night}: {preview:?}");
        assert_eq!(acted(&packs, &set).0.counts["archived"], 1, "night {night}");
    }
    let all = tree.all();
    assert_eq!(all.len(), 9, "{all:?}");
    for name in
        ["access.log.1.20261115T000000Z.gz", "access.log.2.20261118T000000Z.gz", "api.log.1.20261118T000000Z.gz"]
    {
        assert!(all.contains(&format!("root/logs/archive/{name}")), "{name}: {all:?}");
    }
    assert_eq!(
        fs::read_to_string(tree.at("logs/archive/access.log.1.gz")).unwrap(),
        "access.log.1.gz of night 1\n",
        "what was there first is never written over"
    );
}

#[test]
fn what_finds_no_name_is_left_out_by_its_name() {
    let tree = Tree::new();
    tree.file("logs/app.log.1.gz", 10, 9);
    let moves = "files = 'move'\nunder = 'logs'\nmatch = '*.gz'\nolder = '1d'\nto = 'logs/archive'\n";
    // Other files have all the names that are tried: its own, and those with the time of its last change.
    let action = tree.act_of(moves);
    while frozen(&action).0.count == 1 {
        let (_, set) = frozen(&action);
        let to = items(&mut &*set, 0, 1).unwrap().1[0].to.clone().unwrap();
        tree.file(to, 20, 9);
    }
    let (preview, _) = frozen(&action);
    let text = "1 file left out: name taken in logs/archive: logs/app.log.1.gz".to_owned();
    assert!(preview.warnings.contains(&text), "{preview:?}");
    let reason = crate::runner::adapters::nothing_to_do(&preview);
    assert_eq!(reason, format!("nothing to do: Move 0 files from logs to logs/archive; {text}"));
}
