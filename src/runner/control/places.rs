//! Limits the peers that are served at once, per user, so that no user can block another.
//!
//! The run's own user and root have reserved places. All other users share the rest, and each of them gets only a
//! part of it.

use crate::runner::control::CONNECTIONS;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many places a user has who is neither the run's own user nor root.
pub const EACH: usize = 4;

/// How often to check whether all peers have left.
const GLANCE: Duration = Duration::from_millis(2);

/// The places of a socket.
#[derive(Clone)]
pub struct Places {
    owner: u32,
    own: Arc<Semaphore>,
    root: Arc<Semaphore>,
    others: Arc<Semaphore>,
    taken: Arc<Mutex<BTreeMap<u32, usize>>>,
}

/// A place, held until it is dropped.
pub struct Place {
    _permit: OwnedSemaphorePermit,
    uid: u32,
    taken: Arc<Mutex<BTreeMap<u32, usize>>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.uid) {
            *count = count.saturating_sub(1);
        }
        taken.retain(|_, count| *count > 0);
    }
}

impl Places {
    /// The places of a run of this user.
    pub fn of(owner: u32) -> Self {
        let places = || Arc::new(Semaphore::new(CONNECTIONS));
        Self { owner, own: places(), root: places(), others: places(), taken: Arc::default() }
    }

    /// A place for a peer; `None` if all places that it may use are taken.
    pub fn take(&self, uid: u32) -> Option<Place> {
        let is_other = uid != self.owner && uid != 0;
        let pool = match uid {
            _ if uid == self.owner => &self.own,
            0 => &self.root,
            _ => &self.others,
        };
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.get(&uid).copied().unwrap_or(0);
        if is_other && count >= EACH {
            return None;
        }
        let permit = Arc::clone(pool).try_acquire_owned().ok()?;
        taken.insert(uid, count + 1);
        Some(Place { _permit: permit, uid, taken: Arc::clone(&self.taken) })
    }

    /// Waits until all peers have left.
    pub async fn all_left(&self) {
        while !self.taken.lock().unwrap_or_else(PoisonError::into_inner).is_empty() {
            tokio::time::sleep(GLANCE).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_user_can_take_the_places_of_another() {
        let places = Places::of(1000);
        let held: Vec<_> = (0..100).filter_map(|_| places.take(1001)).collect();
        assert_eq!(held.len(), EACH);
        assert!(places.take(1002).is_some());
        let many: Vec<_> = (2000..2100).filter_map(|uid| places.take(uid)).collect();
        assert_eq!(many.len(), CONNECTIONS - EACH);
        assert!(places.take(1000).is_some() && places.take(0).is_some());
        let own: Vec<_> = (0..100).filter_map(|_| places.take(1000)).collect();
        assert_eq!(own.len(), CONNECTIONS);
        assert!(places.take(0).is_some(), "root stops a run that its own user has crowded");
        drop(held);
        assert!(places.take(1001).is_some());
        drop((many, own));
        assert!(places.taken.lock().unwrap().is_empty());
    }
}
