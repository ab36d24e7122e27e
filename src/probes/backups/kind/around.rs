//! What lies around the members of a series: lists that end a set, and the snapshots of a repository.

use crate::probes::backups::kind::table::RESTIC;
use crate::probes::backups::kind::{Kind, unwrapped};
use crate::probes::backups::stamp::id::is_hexadecimal;
use std::collections::HashSet;

/// Whether a list is one of a program.
type IsList = fn(&[u8]) -> bool;

/// The directory of a repository of restic that says when it was written to: every backup makes a file in it.
pub const SNAPSHOTS: &[u8] = b"snapshots";

/// What lies around the members of a series and says which of them are finished, and which are a repository's own.
#[derive(Default)]
pub struct Around {
    /// Names of the lists that end a set.
    lists: HashSet<Vec<u8>>,
    /// Where repositories of restic are: what stands before `snapshots/`.
    repositories: Vec<Vec<u8>>,
    /// Whether `snapshots`, and `keys`, are there themselves.
    parts: (bool, bool),
}

impl Around {
    /// Notes a name, or a key, whatever its kind is.
    pub fn note(&mut self, name: &[u8]) {
        self.parts.0 |= name == SNAPSHOTS;
        self.parts.1 |= name == b"keys";
        let lower = name.to_ascii_lowercase();
        let bare = unwrapped(&lower);
        if bare.ends_with(b"_backup_stop_sentinel.json") || (bare.ends_with(b".manifest") && is_duplicity(bare)) {
            self.lists.insert(bare.to_vec());
        }
        if let Some((head, id)) = name.iter().rposition(|byte| *byte == b'/').and_then(|at| name.split_at_checked(at))
            && is_snapshot(id.get(1..).unwrap_or_default())
            && let Some(root) = head.strip_suffix(SNAPSHOTS)
            && !self.repositories.iter().any(|known| known == root)
        {
            self.repositories.push(root.to_vec());
        }
    }

    /// Whether the directory itself is a repository of restic.
    #[must_use]
    pub fn is_repository(&self) -> bool {
        self.parts == (true, true)
    }

    /// What a member is, seen beside the others.
    #[must_use]
    pub fn of(&self, name: &[u8]) -> Kind {
        let is_part = |root: &Vec<u8>| {
            let mut parts = name.strip_prefix(root.as_slice()).unwrap_or_default().split(|byte| *byte == b'/');
            let is_part = RESTIC.iter().any(|part| parts.clone().next() == Some(part.as_bytes()));
            is_part && parts.next_back().is_some_and(is_snapshot)
        };
        let is_own = self.is_repository() && RESTIC.iter().any(|part| name == part.as_bytes());
        if is_own || self.repositories.iter().any(is_part) {
            return Kind::Beside;
        }
        let Some((list, is_own)) = list_of(&name.to_ascii_lowercase()) else { return Kind::Member };
        let is_used = self.lists.iter().any(|list| is_own(list));
        if is_used && !self.lists.contains(&list) { Kind::Unfinished } else { Kind::Member }
    }
}

/// Whether a name is that of an object of restic: 64 hexadecimal digits.
fn is_snapshot(name: &[u8]) -> bool {
    name.len() == 64 && is_hexadecimal(name)
}

fn is_duplicity(name: &[u8]) -> bool {
    [&b"duplicity-full."[..], b"duplicity-inc."]
        .iter()
        .any(|head| name.windows(head.len()).any(|window| window == *head))
}

/// The list that ends the set of a name in small letters, and whether a list is one of the same program.
fn list_of(name: &[u8]) -> Option<(Vec<u8>, IsList)> {
    let volume = name.windows(4).rposition(|window| window == b".vol").filter(|_| is_duplicity(name));
    if let Some(head) = volume.and_then(|at| name.get(..at)) {
        return Some(([head, b".manifest"].concat(), is_duplicity));
    }
    let mut end = 0;
    for part in name.split(|byte| *byte == b'/') {
        end += part.len() + 1;
        let segment = part.strip_prefix(b"base_").unwrap_or_default();
        if segment.len() >= 24 && segment.get(..24).is_some_and(is_hexadecimal) {
            let head = name.get(..end - 1)?;
            return Some(([head, b"_backup_stop_sentinel.json"].concat(), |list| list.ends_with(b"_sentinel.json")));
        }
    }
    None
}
