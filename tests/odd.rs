//! Something else in the place of a file that people write: refused with the file's name, or read.

use crate::support::estate::Estate;
use rustix::fs::{CWD, Mode, mkfifoat};
use std::fs::{self, File};
use std::path::Path;

/// Something else in a file's place, or something odd behind its sound text; and a part of what is said, where it is refused.
const ODD: [(&str, Option<&str>); 12] = [
    ("binary", Some("is not UTF-8 text")),
    ("utf-16", Some("line 1 is not UTF-8 text")),
    ("zero byte", Some("is not UTF-8 text")),
    ("empty", Some("it is empty")),
    ("large", Some("4.0 MiB")),
    ("directory", Some("it is a directory, not a file")),
    ("fifo", Some("it is a FIFO, not a file")),
    ("device", Some("it is a character device, not a file")),
    ("lists too deep", Some("more than 64 levels deep")),
    ("names too deep", Some("more than 64 levels deep")),
    ("byte order mark", None),
    ("carriage returns", None),
];

/// Puts it there.
fn put_odd(path: &Path, kind: &str, sound: &str) {
    let _ = fs::remove_file(path);
    let _ = fs::remove_dir(path);
    let write = |bytes: &[u8]| fs::write(path, bytes).unwrap();
    match kind {
        "binary" => write(b"\x7fELF\x02\x01\x00\n\xff\xfe"),
        "utf-16" => {
            write(
                &[0xff, 0xfe].into_iter().chain(sound.encode_utf16().flat_map(u16::to_le_bytes)).collect::<Vec<u8>>(),
            );
        }
        "zero byte" => write(format!("{sound}\0").as_bytes()),
        "empty" => write(b""),
        "large" => File::create(path).unwrap().set_len(100 << 20).unwrap(),
        "directory" => fs::create_dir(path).unwrap(),
        "fifo" => mkfifoat(CWD, path, Mode::RUSR | Mode::WUSR).unwrap(),
        "device" => std::os::unix::fs::symlink("/dev/zero", path).unwrap(),
        "lists too deep" => write(format!("{sound}x = {}\n", "[".repeat(3000)).as_bytes()),
        "names too deep" => write(format!("{sound}[{}a]\n", "a.".repeat(3000)).as_bytes()),
        "byte order mark" => write(format!("\u{feff}{sound}").as_bytes()),
        "carriage returns" => write(sound.replace('\n', "\r\n").as_bytes()),
        other => panic!("{other}"),
    }
}

#[test]
fn whatever_lies_in_the_place_of_a_file_is_refused_with_its_name_or_read() {
    let estate = Estate::default();
    for below in ["themes", "keymaps"] {
        fs::create_dir(estate.beside(below)).unwrap();
    }
    let procedure = "format = 1\nid = \"t/p\"\ntitle = \"T\"\nphases = [\"a\"]\n[[a]]\ntitle = \"x\"\nmanual = \"y\"\n";
    for (name, sound) in [
        ("windows.toml", "schema = 1\n[[window]]\nname = \"w\"\nstarts = \"0 2 * * *\"\nlasts = \"1h\"\n"),
        ("procedures/own.toml", procedure),
        ("themes/own.toml", "schema = 1\nname = \"own\"\n"),
        ("keymaps/own.toml", "schema = 1\nname = \"own\"\n"),
    ] {
        let path = estate.beside(name);
        for (kind, why) in ODD {
            // A directory among the procedures is looked into.
            if (kind, name) == ("directory", "procedures/own.toml") {
                continue;
            }
            put_odd(&path, kind, sound);
            let printed = estate.midwatch(&["lint"]);
            assert!(!printed.err.contains("panicked"), "{kind} {name}: {}", printed.err);
            let refused = printed.out.lines().find(|line| line.starts_with(&format!("{}:", path.display())));
            match why {
                Some(why) => {
                    assert!(
                        printed.code == Some(2) && refused.is_some_and(|line| line.contains(why)),
                        "{kind}: {printed:?}"
                    );
                }
                None => assert_eq!((printed.code, refused), (Some(0), None), "{kind} {name}"),
            }
        }
        let _ = fs::remove_file(&path);
    }
}
