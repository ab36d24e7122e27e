//! Keeps the objects of one kind and namespace: a list, then one watch after the other.
//!
//! ```text
//!  list (pages) -> watch from its version -> the server ends it after 15 s -> watch from the last version -> …
//!    ^                 |         |
//!    +---- 410, silence, nonsense         broken off, refused -> pause -> watch from the last version
//! ```

use crate::domain::{Wall, quantity};
use crate::probes::clock;
use crate::probes::kube::objects::{Event, Object, Plural};
use crate::probes::kube::pace::Pace;
use crate::probes::kube::wire::{Fault, Loss, Wire};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

/// The most objects that are kept of one kind and namespace.
const MOST: usize = 50_000;
/// The most deleted workloads that are kept in mind of one kind and namespace.
const MOST_GONE: usize = 100;

/// What is known of the objects of one kind and namespace.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// They by name; `None` before the first list is whole.
    pub objects: Option<BTreeMap<String, Object>>,
    /// The last moment up to which nothing can be missing.
    pub alive: Option<Wall>,
    /// When the list was asked for that they began with.
    pub listed: Option<Wall>,
    /// Why the newest attempt failed.
    pub lost: Option<String>,
    /// Whether this task has had an answer or a loss; what it began with is of the one before.
    pub tried: bool,
    /// Workloads that were there and are deleted, and since when.
    pub gone: BTreeMap<String, Wall>,
}

impl Known {
    /// What another task begins with: all of it, but nothing that it could call its own.
    pub(crate) fn passed_on(&self) -> Self {
        let (objects, gone) = (self.objects.clone(), self.gone.clone());
        Self { objects, gone, alive: self.alive, listed: self.listed, lost: None, tried: false }
    }

    /// Notes that an object is gone, or is there.
    fn note(&mut self, name: &str, is_gone: bool) {
        if !is_gone {
            self.gone.remove(name);
        } else if self.gone.len() < MOST_GONE {
            self.gone.insert(name.to_owned(), clock::now().wall);
        }
    }
}

/// Keeps what is known of one kind and namespace up to date; ends with its task.
pub(crate) async fn keep(
    wire: Arc<Wire>,
    plural: Plural,
    namespace: Option<String>,
    pace: Pace,
    known: watch::Sender<Known>,
) {
    let path = plural.path(namespace.as_deref());
    let mut supervisor = Keeper { wire, plural, path, pace, known, version: None, losses: 0 };
    loop {
        let started = Instant::now();
        let done = match supervisor.version.clone() {
            None => supervisor.list().await.map(|()| started),
            // Watches that end at once must not follow each other at once.
            Some(version) => supervisor.follow(&version).await.map(|()| started + pace.retry),
        };
        match done {
            Ok(next) => sleep_until(next).await,
            Err(loss) => sleep(supervisor.lose(loss)).await,
        }
    }
}

struct Keeper {
    wire: Arc<Wire>,
    plural: Plural,
    path: String,
    pace: Pace,
    known: watch::Sender<Known>,
    /// Up to where the objects are known; `None` where they must be listed.
    version: Option<String>,
    /// How many attempts failed since the watch last gave a sign.
    losses: u32,
}

impl Keeper {
    /// Lists all objects, page by page; what is known stays until the list is whole.
    ///
    /// They are those of the moment in which the first page was asked for, because all pages are of one version.
    async fn list(&mut self) -> Result<(), Loss> {
        let asked = clock::now().wall;
        let mut all = BTreeMap::new();
        let mut token: Option<String> = None;
        loop {
            let bytes = self.wire.page(&self.path, token.as_deref()).await?;
            let page = self.plural.page(&bytes)?;
            let before = all.len();
            all.extend(page.objects.into_iter().map(|object| (object.name.clone(), object)));
            if all.len() > MOST {
                return Err(self.too_many());
            }
            if page.next.is_none() {
                self.version = Some(page.version);
                break;
            }
            // A list that goes on and on without a new object would never end.
            if all.len() == before {
                return Err(Loss::new(Fault::Odd, "a list without an end"));
            }
            token = page.next;
        }
        let counts = self.counts();
        self.known.send_modify(|known| {
            let before = known.objects.take().unwrap_or_default();
            before.keys().filter(|name| counts && !all.contains_key(*name)).for_each(|name| known.note(name, true));
            known.gone.retain(|name, _| !all.contains_key(name));
            known.objects = Some(all);
            (known.alive, known.listed, known.lost, known.tried) = (Some(asked), Some(asked), None, true);
        });
        Ok(())
    }

    /// Follows one watch to its end in good order.
    async fn follow(&mut self, from: &str) -> Result<(), Loss> {
        let mut lines = self.wire.watch(&self.path, from).await?;
        self.known.send_if_modified(|known| known.lost.take().is_some());
        while let Some(line) = lines.next().await? {
            match self.plural.event(&line)? {
                Event::Put(object, version) => self.alive(version, |known| {
                    known.note(&object.name, false);
                    known.objects.get_or_insert_default().insert(object.name.clone(), object);
                }),
                Event::Gone(object, version) => {
                    let counts = self.counts();
                    self.alive(version, |known| {
                        let objects = known.objects.get_or_insert_default();
                        // Its successor of the same name may be there already.
                        if objects.get(&object.name).is_some_and(|kept| kept.uid == object.uid) {
                            objects.remove(&object.name);
                            known.note(&object.name, counts);
                        }
                    });
                }
                Event::Bookmark(version) => self.alive(version, |_| {}),
            }
            if self.known.borrow().objects.as_ref().is_some_and(|objects| objects.len() > MOST) {
                return Err(self.too_many());
            }
        }
        // It ended when it should: whatever happened before would have come.
        self.losses = 0;
        self.known.send_modify(|known| known.alive = Some(clock::now().wall));
        Ok(())
    }

    /// Whether one that is deleted is kept in mind: nodes and pods come and go by themselves.
    fn counts(&self) -> bool {
        Plural::WORKLOADS.contains(&self.plural)
    }

    fn alive(&mut self, version: String, change: impl FnOnce(&mut Known)) {
        self.version = Some(version);
        self.losses = 0;
        self.known.send_modify(|known| {
            known.alive = Some(clock::now().wall);
            change(known);
        });
    }

    fn too_many(&self) -> Loss {
        let most = quantity::count(MOST as u64);
        Loss::new(Fault::Odd, format!("more than {most} {}", self.plural.word()))
    }

    /// Takes note of a loss, and gives the pause after it.
    ///
    /// The first break of a watch in a row is not said: it may be the network's, and the next attempt tells.
    fn lose(&mut self, loss: Loss) -> std::time::Duration {
        self.losses = self.losses.saturating_add(1);
        if matches!(loss.fault, Fault::Expired | Fault::Silent | Fault::Odd) {
            self.version = None;
        }
        let listed = self.known.borrow().tried;
        let passing = matches!(loss.fault, Fault::Expired | Fault::Cut | Fault::Silent);
        // What is no longer kept can be listed at once.
        let losses = if loss.fault == Fault::Expired { 1 } else { self.losses };
        let pause = self.pace.pause(losses, loss.wait);
        if !(passing && listed && self.losses == 1) {
            let why = describe(loss, self.pace);
            self.known.send_modify(|known| (known.lost, known.tried) = (Some(why), true));
        }
        pause
    }
}

/// The words for a loss; with the pause where the server asks for a longer one than it gets.
pub(super) fn describe(loss: Loss, pace: Pace) -> String {
    match loss.wait {
        Some(wait) if wait > pace.longest => {
            let (own, asked) = (quantity::span(pace.longest), quantity::span(wait));
            format!("{}, asked again after {own} instead of {asked}", loss.why)
        }
        _ => loss.why,
    }
}
