//! A series in an object store, out of what the store listed.

use crate::probes::backups::kind;
use crate::probes::backups::lines::Kept;
use crate::probes::backups::series::{Identity, LOOKED_AT, Member, Series, Sieve, newest_first};
use crate::probes::backups::when::{self, Clock, SKEW};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

/// One object of a store: its key below the prefix, its size in bytes, and its last change in seconds since the epoch.
pub struct Stored {
    /// The key below the prefix.
    pub name: OsString,
    /// Bytes.
    pub size: u64,
    /// The last change.
    pub changed: i64,
}

/// Makes a series of what a store listed, as of a moment; `pattern` is that of the names, or how the prefix of the keys ends. An object
/// is whole as soon as it is there. What a console shows as a folder is an empty object whose key ends in `/`; it is no member.
#[must_use]
pub fn of_objects(objects: impl IntoIterator<Item = Stored>, pattern: &str, clock: &Clock) -> Series {
    let pattern = OsString::from(pattern);
    let mut sieve = Sieve::of(&pattern, clock);
    let objects: Vec<Stored> = objects.into_iter().collect();
    objects.iter().for_each(|object| sieve.around.note(object.name.as_bytes()));
    let mut members: Vec<Member> = Vec::new();
    for Stored { name, size, changed } in objects {
        let key = name.as_bytes();
        let last = key.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        // A folder of a console, and what a program keeps for itself: `.keep`.
        if last.is_empty() || last.starts_with(b".") {
            continue;
        }
        let (unix, from) = when::time_of_key(key, changed, clock);
        let own = kind::of_key(key, pattern.as_bytes());
        let kind = if own == kind::Kind::Member { sieve.around.of(key) } else { own };
        if !sieve.is_member(kind, || Some(unix)) {
            continue;
        }
        sieve.series.count += 1;
        if unix > clock.now + SKEW {
            sieve.future(name);
            continue;
        }
        let identity = Identity { inode: (0, 0), size, changed: (changed, 0) };
        members.push(Member {
            name,
            unix,
            from,
            identity,
            is_dir: false,
            size: Some(size),
            unread: None,
            uncounted: None,
        });
        if members.len() >= 2 * LOOKED_AT {
            newest_first(&mut members);
        }
    }
    sieve.leave_out_by_the_others(&mut members);
    when::settle(&mut members, clock);
    newest_first(&mut members);
    let mut kept = Kept::default();
    members.retain(|member| {
        let has_room = kept.has_room(member);
        kept.add(member);
        has_room
    });
    Series { members, ..sieve.series }
}
