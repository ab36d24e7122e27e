//! The new names of files that are moved or archived.
//!
//! The tree below `under` is kept. If a new name is taken by another file, the time of the file's last change is
//! added to it, so that a numbered log, which has the same name every night, gets a free name every night:
//!
//! ```text
//! logs/access.log.1.gz ──▶ logs/archive/access.log.1.gz                          taken since yesterday
//!                      ──▶ logs/archive/access.log.1.20261129T235959Z.gz
//! ```

use crate::domain::Error;
use crate::runner::adapters::Look;
use crate::runner::adapters::files::beneath::{self, Root, look_at, split};
use crate::runner::adapters::files::frozen::{Frozen, Name};
use crate::runner::adapters::files::look::join;
use crate::runner::adapters::files::{Op, Select, Spec, archive, compressed};
use rustix::io::Errno;
use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::OwnedFd;

/// How many names of one second are tried.
const TRIES: u32 = 100;

/// Gives each file its new name. Returns how many got a time in their name, and the files without any free name.
pub(super) fn destine(
    root: &Root,
    files: &mut Vec<Frozen>,
    spec: &Spec,
    select: &Select,
    to: &str,
    look: &Look,
) -> Result<(u64, Vec<String>), Error> {
    let strip = if select.under.is_empty() { 0 } else { select.under.len() + 1 };
    let ending = if spec.op == Op::Archive { archive::ENDING } else { b"" };
    let mut places = Places { root, open: BTreeMap::new(), given: BTreeSet::new() };
    let (mut renamed, mut taken, mut kept) = (0, Vec::new(), Vec::new());
    for mut file in std::mem::take(files) {
        look.in_time("look at the new names")?;
        let plain = join(to.as_bytes(), file.name.0.get(strip..).unwrap_or_default());
        let new = (0..TRIES).map(|number| [candidate(&plain, &file, number).as_slice(), ending].concat());
        match free(&mut places, spec.op, &file, new)? {
            None => taken.push(file.name.shown()),
            Some((number, new)) => {
                renamed += u64::from(number > 0);
                places.given.insert(new.clone());
                file.to = Some(Name(new));
                kept.push(file);
            }
        }
    }
    *files = kept;
    Ok((renamed, taken))
}

/// The first free name, with its number; or the name of this file's own archive, if an attempt was interrupted.
fn free(
    places: &mut Places<'_>,
    op: Op,
    file: &Frozen,
    names: impl Iterator<Item = Vec<u8>>,
) -> Result<Option<(usize, Vec<u8>)>, Error> {
    for (number, new) in names.enumerate() {
        let is_its = |root: &Root| op == Op::Archive && archive::is_its(root, file, &Name(new.clone()));
        if places.is_free(&new)? || is_its(places.root) {
            return Ok(Some((number, new)));
        }
    }
    Ok(None)
}

/// The plain name, then with the time, then with a number: before the suffix of the compression.
fn candidate(plain: &[u8], file: &Frozen, number: u32) -> Vec<u8> {
    if number == 0 {
        return plain.to_vec();
    }
    let name = split(plain).1;
    let dot = name.iter().rposition(|byte| *byte == b'.').filter(|at| *at > 0 && compressed::by_name(name).is_some());
    let (stem, ending) = plain.split_at(plain.len() - dot.map_or(0, |at| name.len() - at));
    let time = file.modified().0.strftime("%Y%m%dT%H%M%SZ").to_string();
    let more = if number == 1 { String::new() } else { format!("-{number}") };
    [stem, b".", time.as_bytes(), more.as_bytes(), ending].concat()
}

/// The directories of new names, and the names given so far.
struct Places<'a> {
    root: &'a Root,
    open: BTreeMap<Vec<u8>, Option<OwnedFd>>,
    given: BTreeSet<Vec<u8>>,
}

impl Places<'_> {
    fn is_free(&mut self, place: &[u8]) -> Result<bool, Error> {
        let (parent, name) = split(place);
        let failed = |cause: Errno| {
            Error::machine(format_args!("look at {}", Name(parent.to_vec()).shown()), beneath::why(cause))
        };
        if !self.open.contains_key(parent) {
            let opened = match self.root.directory(parent) {
                Ok(fd) => Some(fd),
                Err(Errno::NOENT) => None,
                Err(cause) => return Err(failed(cause)),
            };
            self.open.clear(); // Files come sorted: one open directory is enough.
            self.open.insert(parent.to_vec(), opened);
        }
        let is_given = self.given.contains(place);
        match self.open.get(parent).and_then(Option::as_ref).map(|fd| look_at(fd, name)) {
            None | Some(Err(Errno::NOENT)) => Ok(!is_given),
            Some(Ok(_) | Err(Errno::XDEV)) => Ok(false),
            Some(Err(cause)) => Err(failed(cause)),
        }
    }
}
