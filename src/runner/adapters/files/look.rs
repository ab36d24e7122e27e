//! Walks a tree, and freezes what an act would touch.

use crate::domain::glob;
use crate::domain::quantity::{count, counted};
use crate::domain::{EffectClass, Error, Kind, Preview};
use crate::procedure::plan::Action;
use crate::runner::adapters::files::beneath::{self, Root, split};
use crate::runner::adapters::files::frozen::{Frozen, Had, Head, MOST, Name};
use crate::runner::adapters::files::{
    KEY, Op, Select, Spec, archive, attributes, compressed, handles, names, permissions, rotate,
};
use crate::runner::adapters::frozen::{self, Listed};
use crate::runner::adapters::{self as common, Look, limit};
use rustix::fs::{Dir, FileType, Stat};
use rustix::io::Errno;
use std::borrow::Cow;
use std::io::Write;

/// After how many names the deadline is checked.
const BREATH: u64 = 256;

/// The noun for the items of a set in a phrase.
pub(in crate::runner::adapters) const NOUN: &str = "files";

/// The result of a walk.
#[derive(Default)]
struct Seen {
    /// How many regular files match the pattern.
    of: u64,
    /// The files that the act would touch, or that compete for being the newest.
    files: Vec<Frozen>,
    /// Symbolic links that match; they are left out.
    links: u64,
    /// Other entries that match: sockets, pipes, devices.
    others: u64,
    /// Files of another mount, also a single file mounted over a name; they are left out.
    mounted: u64,
    /// Files with other names, which a change of permissions would affect too; they are left out.
    linked: u64,
    /// Files that are already compressed, being written, or already as requested; they are left out.
    packed: u64,
    written: u64,
    already: u64,
    /// Files whose new name is taken: those that get another name, and those that are left out.
    renamed: u64,
    taken: Vec<String>,
    names: u64,
}

/// Walks, freezes, checks the limit, and writes the set.
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
    match (&spec.to, &spec.grant) {
        (Some(to), _) => {
            if spec.op == Op::Archive {
                let (written, packed) = archive::sift(&root, &mut seen.files, action, look)?;
                (seen.written, seen.packed) = (written, seen.packed + packed);
            }
            (seen.renamed, seen.taken) = names::destine(&root, &mut seen.files, &spec, select, to, look)?;
        }
        (None, Some(grant)) => {
            let before = seen.files.len();
            seen.files.retain(|file| file.links <= 1);
            seen.linked = (before - seen.files.len()) as u64;
            seen.already = permissions::narrow(&mut seen.files, grant, &mut facts)?;
        }
        (None, None) if spec.op == Op::Rotate => rotate::destine(&root, &mut seen.files, look)?,
        (None, None) => {}
    }
    refuse_what_is_lost(&root, &seen.files, spec.op)?;
    let total: u64 = seen.files.iter().map(|file| file.size).fold(0, u64::saturating_add);
    let limit = limit::judge(look.limit, seen.files.len() as u64, seen.of, Some(total), "files")?;
    freeze(set, &root, &spec, select, &seen.files)?;
    let mut preview = shown(&spec, select, look, &seen, total);
    preview.limit = limit;
    preview.facts = facts;
    permissions::describe(&seen.files, &mut preview);
    if let Some(reopen) = &spec.reopen {
        rotate::preview_reopen(reopen, &seen.files, &mut preview)?;
    }
    if let Some(grant) = &spec.grant {
        permissions::warn(&root, &seen.files, grant, &mut preview)?;
    }
    warn(&mut preview, &seen, &spec);
    if spec.op != Op::List {
        handles::report(&seen.files, look, &mut preview);
    }
    Ok(preview)
}

/// Refuses a copy that would lose an attribute of its file.
fn refuse_what_is_lost(root: &Root, files: &[Frozen], op: Op) -> Result<(), Error> {
    let lost = matches!(op, Op::Archive | Op::Rotate).then(|| attributes::not_kept(root, files)).flatten();
    lost.map_or(Ok(()), |why| {
        let what = format!("cannot {} files with all that they have: {why}", op.word());
        Err(Error::new(Kind::Refused, what)
            .hint("run it as the files' owner or as root, or leave such files out with `except`"))
    })
}

/// Writes the set.
fn freeze(set: &mut dyn Write, root: &Root, spec: &Spec, select: &Select, files: &[Frozen]) -> Result<(), Error> {
    let head = Head {
        set: KEY.to_owned(),
        op: spec.op,
        root: spec.root.clone(),
        dev: root.dev,
        ino: root.ino,
        under: select.under.clone(),
        count: files.len() as u64,
    };
    let frozen = files.iter().map(|file| match spec.op {
        Op::Rotate => Cow::Owned(file.growing()),
        _ => Cow::Borrowed(file),
    });
    frozen::write(set, &head, frozen)
}

/// Every file that matches the pattern, of any age.
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
                Err(Errno::NOENT) => continue, // It was removed since it was listed.
                Err(cause) => {
                    let shown = Name(inner).shown();
                    return Err(Error::machine(format_args!("look at {}/{shown}", spec.root), cause));
                }
            };
            if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
                // The directory of moved files is not searched again.
                if select.recursive && spec.to.as_ref().is_none_or(|to| to.as_bytes() != inner) {
                    waiting.push(inner);
                }
            } else {
                let is_mounted = || match beneath::hold(fd, name) {
                    Ok(_) | Err(Errno::NOENT) => Ok(false),
                    Err(Errno::XDEV) => Ok(true),
                    Err(cause) => {
                        let shown = Name(join(&path, name)).shown();
                        Err(Error::machine(format_args!("look at {}/{shown}", spec.root), beneath::why(cause)))
                    }
                };
                note(&mut seen, inner, &stat, spec, select, look, &is_mounted)?;
            }
        }
    }
    Ok(seen)
}

/// Notes an entry that is not a directory.
fn note(
    seen: &mut Seen,
    path: Vec<u8>,
    stat: &Stat,
    spec: &Spec,
    select: &Select,
    look: &Look,
    is_mounted: &dyn Fn() -> Result<bool, Error>,
) -> Result<(), Error> {
    let name = split(&path).1;
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
    let spared = select.except.iter().any(|pattern| glob::fits(pattern.as_bytes(), name));
    let is_packed = spec.op == Op::Archive && compressed::by_name(name).is_some();
    let mut file = Frozen::of(path, stat);
    file.had = (spec.op == Op::Permissions).then(|| Had::of(stat));
    file.sparse = spec.op == Op::Archive && is_sparse(stat);
    if is_packed {
        seen.packed += 1;
        return Ok(());
    }
    let competes = select.keep_newest > 0 || is_older(&file, select, look);
    if spared || !competes || file.size < select.larger {
        return Ok(());
    }
    if is_mounted()? {
        seen.mounted += 1;
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

/// Whether a file uses less disk space than its length, like one with holes. Source: stat(2), `st_blocks` is in units
/// of 512 bytes.
fn is_sparse(stat: &Stat) -> bool {
    let used = u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(512);
    u64::try_from(stat.st_size).is_ok_and(|size| used < size)
}

fn is_older(file: &Frozen, select: &Select, look: &Look) -> bool {
    select.older_s.is_none_or(|seconds| look.now.since(file.modified()) > std::time::Duration::from_secs(seconds))
}

/// Takes out the newest, which are kept, and those that are not old enough.
fn narrow(files: &mut Vec<Frozen>, select: &Select, look: &Look) {
    if select.keep_newest > 0 {
        files.sort_by(|a, b| b.mtime.cmp(&a.mtime).then_with(|| a.name.cmp(&b.name)));
        let kept = usize::try_from(select.keep_newest).unwrap_or(usize::MAX).min(files.len());
        files.drain(..kept);
        files.retain(|file| is_older(file, select, look));
    }
}

/// Joins a directory (empty for the root) and a name.
pub(super) fn join(directory: &[u8], name: &[u8]) -> Vec<u8> {
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
    let destroys = look.effect == EffectClass::Destroy;
    let phrase = format!("{} {found} {NOUN}", spec.op.word());
    Preview {
        headline,
        place: format!("{}:{}{slash}{}", look.host, spec.root, select.under),
        count: found,
        of: Some(seen.of),
        bytes: Some(total),
        oldest: seen.files.iter().min_by_key(|file| file.mtime).map(Frozen::item),
        newest: seen.files.iter().max_by_key(|file| file.mtime).map(Frozen::item),
        undo: look.undo.clone(),
        takes_s: look.takes_s,
        phrase: if destroys { phrase } else { String::new() },
        ..Preview::default()
    }
}

fn warn(preview: &mut Preview, seen: &Seen, spec: &Spec) {
    let mut add = |number: u64, one: &str, many: &str, what: &str| {
        if number > 0 {
            preview.warnings.push(format!("{} {what}", counted(number, one, many)));
        }
    };
    let to = spec.to.as_deref().map_or("", |to| if to.is_empty() { "." } else { to });
    add(seen.links, "symbolic link", "symbolic links", "left out");
    add(seen.others, "socket, pipe or device", "sockets, pipes or devices", "left out");
    add(seen.mounted, "file", "files", "left out: mounted from elsewhere");
    add(seen.linked, "file", "files", "left out: has other names (hard links), which may lie outside the root");
    add(seen.packed, "file", "files", "left out: compressed already");
    add(seen.written, "file", "files", "left out: written to now");
    add(seen.already, "file", "files", "left out: already as requested");
    if !seen.taken.is_empty() {
        let names = format!("left out: name taken in {to}: {}", seen.taken.join(", "));
        add(seen.taken.len() as u64, "file", "files", &names);
    }
    add(seen.renamed, "file", "files", &format!("with a time in the new name: the name is taken in {to}"));
    let linked = seen.files.iter().filter(|file| file.links > 1).count() as u64;
    match spec.op {
        Op::Archive => {
            add(linked, "file", "files", "with other names (hard links): unpacked, it is a file of its own");
        }
        Op::Delete => {
            add(
                linked,
                "file",
                "files",
                "with other names (hard links): its space is freed only when the last name is deleted",
            );
        }
        _ => {}
    }
    let odd = seen.files.iter().filter(|file| file.name.shown().contains('\\')).count() as u64;
    add(odd, "name", "names", "cannot be shown as they are and are written with \\");
    if preview.count == 0 {
        preview.warnings.push(common::NOTHING_FITS.to_owned());
    }
}
