//! Looks at a tree, and freezes what an act would touch.

use crate::domain::glob;
use crate::domain::quantity::{count, counted};
use crate::domain::{EffectClass, Error, Kind, Preview};
use crate::procedure::plan::Action;
use crate::runner::adapters::files::beneath::{self, Root, look_at, split};
use crate::runner::adapters::files::frozen::{Frozen, Had, Head, MOST, Name};
use crate::runner::adapters::files::{KEY, Op, Select, Spec, archive, handles, permissions, rotate};
use crate::runner::adapters::frozen::{self, Listed};
use crate::runner::adapters::{self as common, Look, limit};
use rustix::fs::{Dir, FileType, Stat};
use rustix::io::Errno;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write;
use std::os::fd::OwnedFd;

/// After how many names the deadline is looked at.
const BREATH: u64 = 256;

/// What a walk found.
#[derive(Default)]
struct Seen {
    /// How many regular files the pattern fits.
    of: u64,
    /// Those that the act would touch, or that compete for being the newest.
    files: Vec<Frozen>,
    /// Symbolic links that the pattern fits; they are left out.
    links: u64,
    /// Other things that the pattern fits: sockets, pipes, devices.
    others: u64,
    /// Files that are compressed already, are written to, or are as they shall be; they are left out.
    packed: u64,
    written: u64,
    already: u64,
    names: u64,
}

/// Walks, freezes, judges the limit, and writes the set.
pub(in super::super) fn preview(action: &Action, look: &Look, set: &mut dyn Write) -> Result<Preview, Error> {
    let spec: Spec = common::spec(action)?;
    let Some(select) = &spec.select else {
        return Err(Error::new(Kind::Usage, format!("cannot preview \"{}\": it has its step's set", action.line)));
    };
    let root = Root::open(&spec.root)?;
    let mut seen = walk(&root, &spec, select, look)?;
    narrow(&mut seen.files, select, look);
    seen.files.sort_by(|a, b| a.name.cmp(&b.name));
    let mut facts = Vec::new();
    let mut taken = 0;
    match (&spec.to, &spec.grant) {
        (Some(to), _) => {
            if spec.op == Op::Archive {
                seen.written = archive::sift(&mut seen.files, action, look)?;
            }
            taken = destine(&root, &mut seen.files, &spec, select, to, look)?;
        }
        (None, Some(grant)) => seen.already = permissions::narrow(&mut seen.files, grant, &mut facts)?,
        (None, None) if spec.op == Op::Rotate => rotate::destine(&root, &mut seen.files, look)?,
        (None, None) => {}
    }
    let total: u64 = seen.files.iter().map(|file| file.size).fold(0, u64::saturating_add);
    let limit = limit::judge(look.limit, seen.files.len() as u64, seen.of, Some(total), "files")?;
    let head = Head {
        set: KEY.to_owned(),
        op: spec.op,
        root: spec.root.clone(),
        dev: root.dev,
        ino: root.ino,
        under: select.under.clone(),
        count: seen.files.len() as u64,
    };
    let frozen = seen.files.iter().map(|file| match spec.op {
        Op::Rotate => Cow::Owned(file.growing()),
        _ => Cow::Borrowed(file),
    });
    frozen::write(set, &head, frozen)?;
    let mut preview = shown(&spec, select, look, &seen, total);
    preview.limit = limit;
    preview.facts = facts;
    permissions::told(&seen.files, &mut preview);
    if let Some(reopen) = &spec.reopen {
        rotate::foretell(reopen, &seen.files, &mut preview)?;
    }
    warn(&mut preview, &seen, taken, spec.to.as_deref());
    if spec.op != Op::List {
        handles::report(&seen.files, look, &mut preview);
    }
    Ok(preview)
}

/// Every file that the pattern fits, whatever its age.
pub(super) fn all(root: &Root, spec: &Spec, select: &Select, look: &Look) -> Result<Vec<Frozen>, Error> {
    walk(root, spec, select, look).map(|seen| seen.files)
}

fn walk(root: &Root, spec: &Spec, select: &Select, look: &Look) -> Result<Seen, Error> {
    let mut seen = Seen::default();
    let mut waiting = vec![select.under.clone().into_bytes()];
    while let Some(path) = waiting.pop() {
        let shown = Name(path.clone()).shown();
        let failed = |cause: Errno| Error::machine(format_args!("read {}/{shown}", spec.root), beneath::why(cause));
        let mut directory = Dir::new(root.directory(&path).map_err(failed)?).map_err(failed)?;
        while let Some(entry) = directory.read() {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_bytes();
            seen.names += 1;
            if seen.names.is_multiple_of(BREATH) {
                look.in_time(&format!("look through {}/{}", spec.root, select.under))?;
            }
            if matches!(name, b"." | b"..") {
                continue;
            }
            let inner = join(&path, name);
            let fd = directory.fd().map_err(failed)?;
            let stat = match rustix::fs::statat(fd, entry.file_name(), rustix::fs::AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => stat,
                Err(Errno::NOENT) => continue, // It went away meanwhile.
                Err(cause) => {
                    let shown = Name(inner).shown();
                    return Err(Error::machine(format_args!("look at {}/{shown}", spec.root), cause));
                }
            };
            if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
                // What was moved away once is not looked at again.
                if select.recursive && spec.to.as_ref().is_none_or(|to| to.as_bytes() != inner) {
                    waiting.push(inner);
                }
            } else {
                note(&mut seen, inner, name, &stat, spec, select, look)?;
            }
        }
    }
    Ok(seen)
}

/// Notes what is not a directory.
fn note(
    seen: &mut Seen,
    path: Vec<u8>,
    name: &[u8],
    stat: &Stat,
    spec: &Spec,
    select: &Select,
    look: &Look,
) -> Result<(), Error> {
    if !glob::selects(select.pattern.as_bytes(), name) {
        return Ok(());
    }
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => seen.of += 1,
        FileType::Symlink => {
            seen.links += 1;
            return Ok(());
        }
        _ => {
            seen.others += 1;
            return Ok(());
        }
    }
    let mut file = Frozen::of(path, stat);
    file.had = (spec.op == Op::Permissions).then(|| Had::of(stat));
    if spec.op == Op::Archive && name.ends_with(archive::ENDING) {
        seen.packed += 1;
        return Ok(());
    }
    let spared = select.except.iter().any(|pattern| glob::fits(pattern.as_bytes(), name));
    let competes = select.keep_newest > 0 || is_older(&file, select, look);
    if spared || !competes || file.size < select.larger {
        return Ok(());
    }
    if seen.files.len() == MOST {
        let most = count(MOST as u64);
        return Err(Error::new(Kind::Refused, format!("cannot freeze the set: more than {most} files"))
            .hint("select fewer with `match`, `older` or `under`"));
    }
    seen.files.push(file);
    Ok(())
}

fn is_older(file: &Frozen, select: &Select, look: &Look) -> bool {
    select.older_s.is_none_or(|seconds| look.now.since(file.modified()) > std::time::Duration::from_secs(seconds))
}

/// Takes out the newest, which are kept, and what is not old enough.
fn narrow(files: &mut Vec<Frozen>, select: &Select, look: &Look) {
    if select.keep_newest > 0 {
        files.sort_by(|a, b| b.mtime.cmp(&a.mtime).then_with(|| a.name.cmp(&b.name)));
        let kept = usize::try_from(select.keep_newest).unwrap_or(usize::MAX).min(files.len());
        files.drain(..kept);
        files.retain(|file| is_older(file, select, look));
    }
}

/// Gives each file its new name, the tree below `under` kept, and takes out those whose new name is taken.
fn destine(
    root: &Root,
    files: &mut Vec<Frozen>,
    spec: &Spec,
    select: &Select,
    to: &str,
    look: &Look,
) -> Result<u64, Error> {
    let strip = if select.under.is_empty() { 0 } else { select.under.len() + 1 };
    let mut parents: BTreeMap<Vec<u8>, Option<OwnedFd>> = BTreeMap::new();
    let mut taken = 0;
    let mut kept = Vec::new();
    for mut file in std::mem::take(files) {
        look.in_time("look at the new names")?;
        let mut new = join(to.as_bytes(), file.name.0.get(strip..).unwrap_or_default());
        if spec.op == Op::Archive {
            new.extend_from_slice(archive::ENDING);
        }
        let (parent, name) = split(&new);
        let failed = |cause: Errno| {
            Error::machine(format_args!("look at {}", Name(parent.to_vec()).shown()), beneath::why(cause))
        };
        if !parents.contains_key(parent) {
            let opened = match root.directory(parent) {
                Ok(fd) => Some(fd),
                Err(Errno::NOENT) => None,
                Err(cause) => return Err(failed(cause)),
            };
            parents.clear(); // Files come sorted: one open directory is enough.
            parents.insert(parent.to_vec(), opened);
        }
        let is_its = || spec.op == Op::Archive && archive::is_its(root, &file, &Name(new.clone()));
        let is_free = match parents.get(parent).and_then(Option::as_ref).map(|fd| look_at(fd, name)) {
            None | Some(Err(Errno::NOENT)) => true,
            Some(Ok(_)) => is_its(),
            Some(Err(cause)) => return Err(failed(cause)),
        };
        if is_free {
            file.to = Some(Name(new));
            kept.push(file);
        } else {
            taken += 1;
        }
    }
    *files = kept;
    Ok(taken)
}

/// Joins a directory (empty for the root) and a name.
fn join(directory: &[u8], name: &[u8]) -> Vec<u8> {
    if directory.is_empty() { name.to_vec() } else { [directory, b"/", name].concat() }
}

fn shown(spec: &Spec, select: &Select, look: &Look, seen: &Seen, total: u64) -> Preview {
    let found = seen.files.len() as u64;
    let files = counted(found, "file", "files");
    let under = if select.under.is_empty() { "." } else { &select.under };
    let headline = match (spec.op, &spec.to) {
        (Op::Move, Some(to)) => format!("Move {files} from {under} to {}", if to.is_empty() { "." } else { to }),
        (Op::Archive, Some(to)) => {
            format!("Archive {files} from {under} into {}", if to.is_empty() { "." } else { to })
        }
        (Op::Delete, _) => format!("Delete {files} under {under}"),
        (Op::Rotate, _) => format!("Rotate {} under {under}", counted(found, "log", "logs")),
        (Op::Permissions, _) => format!("Set the permissions of {files} under {under}"),
        _ => format!("List {files} under {under}"),
    };
    let slash = if spec.root == "/" || select.under.is_empty() { "" } else { "/" };
    let last = select.under.rsplit('/').next().unwrap_or_default();
    let destroys = look.effect == EffectClass::Destroy;
    let phrase = format!("{} {found} {}", spec.op.word(), common::plain_word(last, "files"));
    Preview {
        headline,
        place: format!("{}:{}{slash}{}", look.host, spec.root, select.under),
        count: found,
        of: Some(seen.of),
        bytes: Some(total),
        oldest: seen.files.iter().min_by_key(|file| file.mtime).map(Frozen::item),
        newest: seen.files.iter().max_by_key(|file| file.mtime).map(Frozen::item),
        way_back: look.way_back.clone(),
        takes_s: look.takes_s,
        phrase: if destroys { phrase } else { String::new() },
        ..Preview::default()
    }
}

fn warn(preview: &mut Preview, seen: &Seen, taken: u64, to: Option<&str>) {
    let mut say = |number: u64, one: &str, many: &str, what: &str| {
        if number > 0 {
            preview.warnings.push(format!("{} {what}", counted(number, one, many)));
        }
    };
    say(seen.links, "symbolic link", "symbolic links", "left out");
    say(seen.others, "socket, pipe or device", "sockets, pipes or devices", "left out");
    say(seen.packed, "file", "files", "passed over: compressed already");
    say(seen.written, "file", "files", "left out: written to now");
    say(seen.already, "file", "files", "left out: as wanted already");
    say(taken, "file", "files", &format!("left out: the name is taken in {}", to.unwrap_or_default()));
    let odd = seen.files.iter().filter(|file| file.name.shown().contains('\\')).count() as u64;
    say(odd, "name", "names", "cannot be shown as they are and are written with \\");
    if preview.count == 0 {
        preview.warnings.push("nothing fits: there is nothing to do".to_owned());
    }
}
