use super::*;
use crate::runner::adapters::exec;
use std::os::unix::fs::{PermissionsExt, symlink};

fn file(dir: &Path, name: &str, text: &str, mode: u32) -> PathBuf {
    let path = dir.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path
}

fn pinned(program: &Path, argv: &[&str]) -> Result<Pinned, Error> {
    let argv: Vec<String> = std::iter::once("x").chain(argv.iter().copied()).map(str::to_owned).collect();
    Pinned::of(&Start { program, argv: &argv, cwd: program.parent().unwrap(), search: exec::PATH, restless: &[] })
}

#[test]
fn a_native_program_is_executed_by_its_descriptor_and_a_script_by_its_path() {
    let dir = tempfile::tempdir().unwrap();
    let native = dir.path().join("true");
    fs::copy("/bin/true", &native).unwrap();
    let found = pinned(&native, &[]).unwrap();
    assert!(!found.interpreted && matches!(found.open(), Ok(Executable::Descriptor(_))));
    for text in ["#!/bin/sh\n", "echo no first line\n"] {
        let script = file(dir.path(), "script", text, 0o755);
        let found = pinned(&script, &[]).unwrap();
        assert!(found.interpreted && matches!(found.open(), Ok(Executable::Path(path)) if path == script), "{text}");
    }
}

#[test]
fn a_replaced_or_changed_file_is_detected_even_with_its_old_time_and_size() {
    let dir = tempfile::tempdir().unwrap();
    let (program, data) = (file(dir.path(), "p", "#!/bin/sh\necho one\n", 0o755), file(dir.path(), "d", "one", 0o644));
    let option = format!("--file={}", data.display());
    for name in [data.to_str().unwrap(), "d", &option] {
        for changed in [&program, &data] {
            let before = fs::read(changed).unwrap();
            let shown = pinned(&program, &[name, "-v", "/no/such/file"]).unwrap();
            assert_eq!(shown.files.len(), 2, "the interpreter and the argument: {shown:?}");
            assert!(shown.open().is_ok() && shown.changes(&pinned(&program, &[name]).unwrap()).is_empty());
            let time = fs::metadata(changed).unwrap().modified().unwrap();
            // In place, of the same length, with the time set back.
            fs::write(changed, String::from_utf8(before.clone()).unwrap().replace("one", "two")).unwrap();
            File::options().write(true).open(changed).unwrap().set_modified(time).unwrap();
            let why = shown.open().err().unwrap();
            assert_eq!(why, format!("{} has changed since it was shown", changed.display()));
            assert_eq!(shown.changes(&pinned(&program, &[name]).unwrap()), [why]);
            // Another file of the same content.
            fs::write(dir.path().join("new"), &before).unwrap();
            fs::set_permissions(dir.path().join("new"), fs::metadata(changed).unwrap().permissions()).unwrap();
            fs::rename(dir.path().join("new"), changed).unwrap();
            let why = shown.open().err().unwrap();
            assert_eq!(why, format!("{} is another file than the one shown", changed.display()));
        }
    }
}

#[test]
fn what_is_too_large_to_be_hashed_is_known_by_its_inode_and_its_times() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(dir.path(), "large", "text", 0o644);
    let shown = FileIdentity::of(&path, 3).unwrap();
    assert!(shown.sha256.is_none() && shown.ctime.is_some() && shown.open_same().is_ok());
    let time = fs::metadata(&path).unwrap().modified().unwrap();
    fs::write(&path, "tent").unwrap();
    File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    assert!(shown.open_same().unwrap_err().contains("has changed"));
}

#[test]
fn only_the_inode_of_a_file_that_changes_all_the_time_is_compared() {
    let dir = tempfile::tempdir().unwrap();
    let log = file(dir.path(), "log", "one\n", 0o644);
    let argv = ["x".to_owned(), "log".to_owned()];
    let program = Path::new("/bin/true");
    let look = |restless: &[PathBuf]| {
        Pinned::of(&Start { program, argv: &argv, cwd: dir.path(), search: "", restless }).unwrap()
    };
    let shown = look(&[]);
    fs::write(&log, "one\ntwo\n").unwrap();
    assert_eq!(shown.changed_arguments(&look(&[])).collect::<Vec<_>>(), [log.as_path()]);
    let restless = look(std::slice::from_ref(&log));
    fs::write(&log, "one\ntwo\nthree\n").unwrap();
    assert!(restless.open().is_ok() && restless.changes(&look(std::slice::from_ref(&log))).is_empty());
    assert_eq!(restless.unhashed().map(|file| file.path.as_path()).collect::<Vec<_>>(), [log.as_path()]);
    file(dir.path(), "new", "one\n", 0o644);
    fs::rename(dir.path().join("new"), &log).unwrap();
    assert!(restless.open().is_err());
}

#[test]
fn what_is_no_regular_file_is_never_opened() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("fifo");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, Mode::RWXU).unwrap();
    assert!(FileIdentity::of(&fifo, 1).unwrap_err().to_string().contains("not a regular file"));
    assert!(FileIdentity::of(dir.path(), 1).is_err() && FileIdentity::of(&dir.path().join("none"), 1).is_err());
}

#[test]
fn a_script_that_others_could_replace_is_refused_and_a_native_program_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let below = dir.path().join("below");
    fs::create_dir(&below).unwrap();
    let script = file(&below, "script", "#!/bin/sh\n", 0o755);
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    assert!(pinned(&script, &[]).is_ok());
    for (place, loose) in [(&script, 0o757), (&below, 0o757), (&below, 0o777)] {
        let before = fs::metadata(place).unwrap().permissions();
        mode(place, loose);
        let refusal = pinned(&script, &[]).unwrap_err();
        assert!(refusal.kind == Kind::Refused && refusal.message.contains(&format!("mode {loose:04o}")), "{refusal}");
        fs::set_permissions(place, before).unwrap();
    }
    // In a directory with the sticky bit, other users cannot replace our file.
    mode(&below, 0o1777);
    assert!(pinned(&script, &[]).is_ok());
    // A link in another user's directory can point anywhere.
    let loose = dir.path().join("loose");
    fs::create_dir(&loose).unwrap();
    mode(&loose, 0o777);
    symlink(&script, loose.join("link")).unwrap();
    let refusal = pinned(&loose.join("link"), &[]).unwrap_err();
    assert!(refusal.message.contains(&format!("others may write to {} (", loose.display())), "{refusal}");
    fs::copy("/bin/true", loose.join("native")).unwrap();
    assert!(pinned(&loose.join("native"), &[]).is_ok());
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&script, Some(12345), None).unwrap();
        assert!(pinned(&script, &[]).unwrap_err().message.contains("belongs to uid 12345"));
        mode(&below, 0o755);
        std::os::unix::fs::chown(&script, Some(0), Some(12345)).unwrap();
        mode(&script, 0o775);
        assert!(pinned(&script, &[]).unwrap_err().message.contains("others may write to"));
    }
}

#[test]
fn a_text_that_is_kept_for_an_interpreter_is_that_text() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(dir.path(), "script", "echo one\n", 0o600);
    assert!(holds(&path, "echo one\n").is_ok());
    for other in ["echo two\n", "echo one\nmore\n", "echo one"] {
        assert!(holds(&path, other).is_err(), "{other}");
    }
}

#[test]
fn the_program_that_env_finds_is_compared_as_well() {
    let dir = tempfile::tempdir().unwrap();
    let own = file(dir.path(), "own", "", 0o755);
    let own = own.to_str().unwrap();
    for (line, found) in [
        ("/usr/bin/env sh".to_owned(), Some("sh")),
        ("/usr/bin/env -S sh -e".to_owned(), Some("sh")),
        ("/usr/bin/env -i A=b sh".to_owned(), Some("sh")),
        ("/usr/bin/env -S -u HOME sh".to_owned(), Some("sh")),
        (format!("/usr/bin/env -S {own} -x"), Some("own")),
        (format!("/usr/bin/env -S{own}"), Some("own")),
        ("/usr/bin/env".to_owned(), None),
        ("/bin/sh -e".to_owned(), None),
    ] {
        let script = file(dir.path(), "script", &format!("#!{line}\ntrue\n"), 0o755);
        let names: Vec<_> = pinned(&script, &[]).unwrap().files.into_iter().map(|file| file.path).collect();
        let first = line.split(' ').next().map(PathBuf::from);
        assert_eq!(names.first(), first.as_ref(), "{line}");
        let second = names.get(1).and_then(|path| path.file_name()).and_then(std::ffi::OsStr::to_str);
        assert_eq!((second, names.len()), (found, if found.is_some() { 2 } else { 1 }), "{line}");
    }
}

#[test]
fn a_file_that_an_argument_names_in_any_manner_is_compared() {
    let dir = tempfile::tempdir().unwrap();
    let program = file(dir.path(), "program", "#!/bin/sh\n", 0o755);
    let named = file(dir.path(), "named", "text", 0o644);
    let absolute = named.to_str().unwrap();
    for word in ["named", absolute, "--file=named", &format!("if={absolute}"), "-fnamed", &format!("-f{absolute}")] {
        let found = pinned(&program, &["-v", word]).unwrap().files;
        assert!(found.iter().any(|file| file.path == named && file.sha256.is_some()), "{word}: {found:?}");
    }
    for word in ["absent", "--file=absent", "-fabsent", "--named", "-", "=", "."] {
        let found = pinned(&program, &[word]).unwrap().files;
        assert!(found.iter().all(|file| file.path != named), "{word}: {found:?}");
    }
}

#[test]
fn env_finds_an_interpreter_by_the_path_that_the_program_has() {
    let dir = tempfile::tempdir().unwrap();
    let below = |name: &str| {
        fs::create_dir(dir.path().join(name)).unwrap();
        file(&dir.path().join(name), "interp", "", 0o755)
    };
    let (one, two) = (below("one"), below("two"));
    file(dir.path(), "interp", "", 0o644);
    let given = format!("{0}:{0}/one:{0}/two", dir.path().display());
    for (line, found) in [
        ("#!/usr/bin/env interp", Some(&one)),
        ("#!/usr/bin/env -S A=b interp -x", Some(&one)),
        ("#!/usr/bin/env -S PATH=@two interp", Some(&two)),
        ("#!/usr/bin/env -S -u A -C / interp", Some(&one)),
        ("#!/usr/bin/env -S./two/interp", Some(&two)),
        ("#!/usr/bin/env -S -i interp", None),
        ("#!/usr/bin/env -S -uPATH interp", None),
        ("#!/usr/bin/env other", None),
    ] {
        let line = line.replace('@', &format!("{}/", dir.path().display()));
        let script = file(dir.path(), "script", &format!("{line}\n"), 0o755);
        let argv = ["script".to_owned()];
        let start = Start { program: &script, argv: &argv, cwd: dir.path(), search: &given, restless: &[] };
        let shown = Pinned::of(&start).unwrap();
        let files: Vec<PathBuf> = shown.files.into_iter().map(|file| fs::canonicalize(file.path).unwrap()).collect();
        let expected: Vec<PathBuf> = std::iter::once(Path::new("/usr/bin/env"))
            .chain(found.map(PathBuf::as_path))
            .map(|path| fs::canonicalize(path).unwrap())
            .collect();
        assert_eq!(files, expected, "{line}");
    }
}
