//! Keeps the objects of one kind and namespace: a list, then one watch after the other.
//!
//! ```text
//!  list (pages) -> watch from its version -> the server ends it after 15 s -> watch from the last version -> …
//!    ^                 |         |
//!    +---- 410, silence, nonsense         broken off, refused -> pause -> watch from the last version
//! ```

use crate::domain::{self, Wall, quantity};
use crate::probes::clock;
use crate::probes::kube::objects::{Event, Object, Plural};
use crate::probes::kube::pace::Pace;
use crate::probes::kube::wire::{Fault, Hello, Loss, Wire};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

/// The most objects that are kept of one kind and namespace.
const MOST: usize = 50_000;

/// What is known of the objects of one kind and namespace.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// They by name; `None` before the first list is whole.
    pub objects: Option<BTreeMap<String, Object>>,
    /// The last moment up to which nothing can be missing.
    pub alive: Option<Wall>,
    /// Why the newest attempt failed.
    pub lost: Option<String>,
}

/// What is known of the server itself.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    /// Its last answer.
    pub hello: Option<(Hello, Wall)>,
    /// Why the newest attempt failed.
    pub lost: Option<domain::Loss>,
}

/// Asks the server for its version again and again.
pub(crate) async fn pulse(wire: Arc<Wire>, pace: Pace, known: watch::Sender<Pulse>) {
    loop {
        let mut pause = pace.pulse;
        match wire.hello().await {
            Ok(hello) => {
                let at = clock::now().wall;
                known.send_modify(|known| *known = Pulse { hello: Some((hello, at)), lost: None });
            }
            Err(loss) => {
                pause = pause.max(pace.pause(1, loss.wait));
                let down = loss.down;
                let why = told(loss, pace);
                let lost = if down { domain::Loss::down(why) } else { domain::Loss::unread(why) };
                known.send_modify(|known| known.lost = Some(lost));
            }
        }
        sleep(pause).await;
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
    let mut keeper = Keeper { wire, plural, path, pace, known, version: None, losses: 0 };
    loop {
        let started = Instant::now();
        let done = match keeper.version.clone() {
            None => keeper.list().await.map(|()| started),
            // Watches that end at once must not follow each other at once.
            Some(version) => keeper.follow(&version).await.map(|()| started + pace.retry),
        };
        match done {
            Ok(next) => sleep_until(next).await,
            Err(loss) => sleep(keeper.lose(loss)).await,
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
        self.known.send_modify(|known| *known = Known { objects: Some(all), alive: Some(asked), lost: None });
        Ok(())
    }

    /// Follows one watch to its end in good order.
    async fn follow(&mut self, from: &str) -> Result<(), Loss> {
        let mut lines = self.wire.watch(&self.path, from).await?;
        self.known.send_if_modified(|known| known.lost.take().is_some());
        while let Some(line) = lines.next().await? {
            match self.plural.event(&line)? {
                Event::Put(object, version) => {
                    self.alive(version, |objects| {
                        objects.insert(object.name.clone(), object);
                    });
                }
                Event::Gone(object, version) => self.alive(version, |objects| {
                    // Its successor of the same name may be there already.
                    if objects.get(&object.name).is_some_and(|kept| kept.uid == object.uid) {
                        objects.remove(&object.name);
                    }
                }),
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

    fn alive(&mut self, version: String, change: impl FnOnce(&mut BTreeMap<String, Object>)) {
        self.version = Some(version);
        self.losses = 0;
        self.known.send_modify(|known| {
            known.alive = Some(clock::now().wall);
            change(known.objects.get_or_insert_default());
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
        let listed = self.known.borrow().objects.is_some();
        let passing = matches!(loss.fault, Fault::Expired | Fault::Cut | Fault::Silent);
        let pause = self.pace.pause(self.losses, loss.wait);
        if !(passing && listed && self.losses == 1) {
            let why = told(loss, self.pace);
            self.known.send_modify(|known| known.lost = Some(why));
        }
        pause
    }
}

/// The words for a loss; with the pause where the server asks for a longer one than it gets.
fn told(loss: Loss, pace: Pace) -> String {
    match loss.wait {
        Some(wait) if wait > pace.longest => {
            let (own, asked) = (quantity::span(pace.longest), quantity::span(wait));
            format!("{}, asked again after {own} instead of {asked}", loss.why)
        }
        _ => loss.why,
    }
}
