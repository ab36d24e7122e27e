use super::*;
use crate::config::reader::{Problems, parse as parse_toml};
use crate::procedure::adapters::{Adapters, Purpose, Scope};
use crate::runner::adapters::{self, BuiltIn};
use std::fs;

struct Tree(tempfile::TempDir);

impl Tree {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The action of these arguments; `@` before a name means a file in the tree.
    fn action(&self, argv: &[&str]) -> Action {
        let word = |word: &&str| word.replace('@', &format!("{}/", self.0.path().display()));
        let argv: Vec<String> = argv.iter().map(word).collect();
        let mut problems = Problems::of(Path::new("f"));
        let mut table = parse_toml(&format!("exec = {argv:?}"), &mut problems);
        let action = BuiltIn::default().parse(Purpose::Do, &mut table, &Scope::default(), &mut problems);
        assert_eq!(problems.into_sorted(), []);
        action.unwrap()
    }

    fn undo(&self, argv: &[&str]) -> Code {
        Code::of_undo(&self.action(argv), Some(&self.action(&["tool", "@given"])), &[]).unwrap().unwrap()
    }

    fn proof(&self, argv: &[&str]) -> Code {
        Code::of_proof(&self.action(argv), &[]).unwrap().unwrap()
    }
}

/// The names of the argument files that are compared.
fn compared(code: &Code) -> Vec<String> {
    let files = &code.pinned.as_ref().unwrap().files;
    files.iter().map(|file| file.path.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

#[test]
fn what_would_be_run_is_compared_and_what_is_worked_on_is_not() {
    let tree = Tree::new();
    let tool = tree.file("tool", "", 0o755);
    fs::copy("/bin/true", &tool).unwrap();
    tree.file("script", "echo\n", 0o644);
    tree.file("run", "#!/no/such/interpreter\n", 0o755);
    tree.file("data", "one", 0o644);
    tree.file("given", "one", 0o644);
    let cases: [(&[&str], &[&str], &[&str]); 9] = [
        // An interpreter runs its first file.
        (&["sh", "@script", "@data"], &["script"], &["script"]),
        (&["sh", "-c", "true", "@data"], &[], &[]),
        (&["sh", "-c", "exec $0", "@run"], &["run"], &["run"]),
        // Other programs may run any argument; a proof only reads.
        (&["@tool", "--file=@data"], &["data"], &[]),
        (&["@tool", "@run"], &["run"], &["run"]),
        (&["@tool", "@given"], &[], &[]),
        (&["env", "A=b", "sh", "@script"], &["script"], &[]),
        // These run nothing.
        (&["cp", "@run", "@data"], &[], &[]),
        (&["grep", "one", "@data"], &[], &[]),
    ];
    for (argv, of_undo, of_proof) in cases {
        assert_eq!(compared(&tree.undo(argv)), of_undo, "undo {argv:?}");
        assert_eq!(compared(&tree.proof(argv)), of_proof, "proof {argv:?}");
    }
}

#[test]
fn a_change_is_reported_with_the_old_and_the_new_identity() {
    let tree = Tree::new();
    let script = tree.file("script", "echo one\n", 0o755);
    let before = tree.undo(&["@script"]);
    assert_eq!(before.changes(&tree.undo(&["@script"])), Vec::<String>::new());
    tree.file("other", "echo other\n", 0o755);
    fs::rename(tree.path("other"), &script).unwrap();
    let now = tree.undo(&["@script"]);
    let known = |code: &Code| code.pinned.as_ref().unwrap().program.shown();
    let line = format!("{} was {}; is {}", script.display(), known(&before), known(&now));
    assert_eq!(before.changes(&now), [line.as_str()]);
    for known in [known(&before), known(&now)] {
        assert!(["sha256 ", "inode ", "modified "].iter().all(|word| known.contains(word)), "{known}");
    }
    fs::remove_file(&script).unwrap();
    let gone = tree.undo(&["@script"]);
    assert_eq!(before.changes(&gone), [format!("{} was {}; is gone", script.display(), known(&before))]);
    assert!(gone.pinned.is_none() && gone.shown().ends_with(", which is not there"));
    let new = format!("{} was not there, and is {}", script.display(), known(&before));
    tree.file("script", "echo one\n", 0o755);
    let there = tree.undo(&["@script"]);
    assert!(gone.changes(&there)[0].starts_with(&new[..new.find("inode").unwrap()]), "{:?}", gone.changes(&there));
}

#[test]
fn a_script_that_is_handed_only_now_counts_and_another_file_that_is_made_does_not() {
    let tree = Tree::new();
    tree.file("tool", "#!/bin/sh\n", 0o755);
    let (by_shell, by_tool) = (tree.undo(&["sh", "@script"]), tree.undo(&["@tool", "@made"]));
    tree.file("script", "echo\n", 0o644);
    tree.file("made", "by the act", 0o644);
    assert_eq!(by_shell.changes(&tree.undo(&["sh", "@script"])).len(), 1);
    assert_eq!(by_tool.changes(&tree.undo(&["@tool", "@made"])), Vec::<String>::new());
}

#[test]
fn any_head_can_hold_it_and_a_difference_is_reported() {
    let tree = Tree::new();
    let script = tree.file("script", "echo one\n", 0o755);
    let set = |name: &str| {
        let bound = Bound { undo: Some(tree.undo(&["@script"])), prove: Some(tree.proof(&["@script"])) };
        let path = tree.path(name);
        let mut draft = Draft::create(&path).unwrap().with(bound);
        // In pieces, as a buffer may cut it.
        for piece in ["{\"set\":\"exec\",", "\"argv\":[\"x\"]}\n{\"an", "\":\"item\"}\n"] {
            draft.write_all(piece.as_bytes()).unwrap();
        }
        let digest = draft.finish().unwrap();
        let bytes = fs::read(path).unwrap();
        assert_eq!(digest, Digest::of(&bytes));
        bytes
    };
    let before = set("before");
    assert!(before.ends_with(b"}}\n{\"an\":\"item\"}\n"), "{}", String::from_utf8_lossy(&before));
    assert_eq!(Bound::in_set(&mut before.as_slice()).unwrap().undo, Some(tree.undo(&["@script"])));
    assert!(Bound::in_set(&mut b"{\"set\":\"exec\"}\n".as_slice()).is_none());
    fs::write(&script, "echo other\n").unwrap();
    let after = set("after");
    let drift = adapters::drift(&mut before.as_slice(), &mut after.as_slice());
    let begins = |what: &str| format!("its {what}: {} was sha256 ", script.display());
    assert_eq!(drift.len(), 2, "{drift:?}");
    assert!(drift[0].starts_with(&begins("undo")) && drift[1].starts_with(&begins("proof")), "{drift:?}");
}

#[test]
fn a_script_that_others_could_replace_is_refused() {
    let tree = Tree::new();
    tree.file("script", "echo\n", 0o757);
    let undo = UndoPlan::Undo(tree.action(&["@script"]));
    let refusal = Code::of_undo(&tree.action(&["@script"]), None, &[]).unwrap_err();
    assert!(matches!(undo, UndoPlan::Undo(_)) && refusal.message.contains("is a script, and others may write to"));
}
