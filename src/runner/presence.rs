//! Who is attached to a run: consoles that may act, and those that only watch.
//!
//! Every process that follows a run holds a read lock on one byte of its empty file `presence`: byte `2 × pid`, and
//! the next one if it may also act. That needs no message and no write permission, and the kernel drops the lock when
//! the process ends. The kernel names the holder of a lock (`fcntl(2)`, `F_GETLK`); `/proc` names the user.
//!
//! These are locks of the process, not of the descriptor: only they name their holder. Closing any descriptor of the
//! file drops them, so the holder of one asks through the same descriptor, and takes it again at each look.

use crate::config::plain;
use crate::domain::{Actor, Attendee};
use crate::runner::identity;
use crate::runner::rundir::{PRESENCE, RunDir};
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use std::fs::File;

/// How many holders are listed at most, and how many times the kernel is asked at most.
const MOST: usize = 32;

/// A process's lock among those attached to a run, held until it is dropped.
#[derive(Debug)]
pub struct Presence {
    file: File,
    dir: RunDir,
    mine: Option<libc::off_t>,
}

impl Presence {
    /// Lists without being listed: for the runner, which is not a console.
    #[must_use]
    pub fn unseen(dir: &RunDir) -> Option<Self> {
        let file = plain::open(&dir.path.join(PRESENCE)).ok()?;
        Some(Self { file, dir: dir.clone(), mine: None })
    }

    /// Takes a lock; `acts` is whether its holder may act. `None` if the run has no such file.
    #[must_use]
    pub fn take(dir: &RunDir, acts: bool) -> Option<Self> {
        let pid = libc::off_t::from(std::process::id());
        let mine = Some(pid * 2 + libc::off_t::from(acts));
        Self::unseen(dir).map(|presence| Self { mine, ..presence })
    }

    /// Every attached process, including this one, in the order of the pids.
    #[must_use]
    pub fn people(&self) -> Vec<Attendee> {
        let mut held: Vec<libc::off_t> = self.mine.into_iter().collect();
        if let Some(mine) = self.mine {
            let _ = fcntl(&self.file, FcntlArg::F_SETLK(&bytes(libc::F_RDLCK, mine, 1)));
        }
        // The kernel names any one lock of a range, so the ranges left and right of it are asked for next.
        let mut ranges = vec![(0, 0)];
        let mut asked = 0;
        while let Some((start, length)) = ranges.pop().filter(|_| asked < 2 * MOST && held.len() < MOST) {
            asked += 1;
            let mut lock = bytes(libc::F_WRLCK, start, length);
            let result = fcntl(&self.file, FcntlArg::F_GETLK(&mut lock));
            if result.is_err() || libc::c_int::from(lock.l_type) == libc::F_UNLCK {
                continue;
            }
            if lock.l_start / 2 == libc::off_t::from(lock.l_pid) {
                held.push(lock.l_start);
            }
            let after = lock.l_start + lock.l_len.max(1);
            if lock.l_start > start {
                ranges.push((start, lock.l_start - start));
            }
            match length {
                0 => ranges.push((after, 0)),
                _ if after < start + length => ranges.push((after, start + length - after)),
                _ => {}
            }
        }
        held.sort_unstable();
        held.into_iter().filter_map(|byte| self.attendee(byte)).collect()
    }

    fn attendee(&self, byte: libc::off_t) -> Option<Attendee> {
        let pid = u32::try_from(byte / 2).ok()?;
        let acts = byte % 2 == 1;
        let (actor, groups) = identity::running(pid, if acts { "console" } else { "watch" })?;
        let may_act = acts && may_act(&self.dir, &actor, &groups);
        Some(Attendee { actor, may_act })
    }
}

/// Whether a user with these groups may act on a run: its own user, root, and in a team directory a member of the
/// group.
#[must_use]
pub fn may_act(dir: &RunDir, actor: &Actor, groups: &[u32]) -> bool {
    actor.uid == 0 || dir.owner() == Some(actor.uid) || dir.team().is_some_and(|team| groups.contains(&team))
}

/// A lock on some bytes; a length of 0 extends to the end.
fn bytes(kind: libc::c_int, start: libc::off_t, length: libc::off_t) -> libc::flock {
    libc::flock {
        l_type: libc::c_short::try_from(kind).unwrap_or_default(),
        l_whence: 0,
        l_start: start,
        l_len: length,
        l_pid: 0,
    }
}
