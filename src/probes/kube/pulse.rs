//! Asks a server again and again what it is, and for something that it can only answer from its store.
//!
//! A server that is cut off from etcd answers `/version`, and watches stay open and end in good order, from memory and for minutes.
//! A GET, or a LIST without a version, is the only sign that what it says is true (kubernetes.io, "API Concepts", "Resource
//! versions").

use crate::domain::{self, Wall};
use crate::probes::clock;
use crate::probes::kube::objects::Plural;
use crate::probes::kube::pace::Pace;
use crate::probes::kube::watch::describe;
use crate::probes::kube::wire::{Hello, Loss, Presence, Wire};
use futures_util::future::try_join_all;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::time::sleep;

/// What is known of the server itself.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    /// Its last answer.
    pub hello: Option<(Hello, Wall)>,
    /// When the newest read was asked for that its store has answered.
    pub sure: Option<Wall>,
    /// Whether each namespace is there.
    pub namespaces: BTreeMap<String, Presence>,
    /// Why the newest attempt failed.
    pub lost: Option<domain::Loss>,
    /// Whether it was tried at all.
    pub tried: bool,
}

/// Keeps what is known of the server up to date; ends with its task.
pub(crate) async fn pulse(wire: Arc<Wire>, namespaces: Vec<String>, pace: Pace, known: watch::Sender<Pulse>) {
    let mut heart = Heart { wire, namespaces, next: 0, allowed: None };
    loop {
        let mut pause = pace.pulse;
        match heart.beat().await {
            Ok(beat) => known.send_modify(|known| {
                known.hello = Some(beat.hello);
                known.sure = beat.sure.or(known.sure);
                known.namespaces.extend(beat.namespaces);
                (known.lost, known.tried) = (None, true);
            }),
            Err(loss) => {
                pause = pause.max(pace.pause(1, loss.wait));
                let down = loss.down;
                let why = describe(loss, pace);
                let lost = if down { domain::Loss::down(why) } else { domain::Loss::unread(why) };
                known.send_modify(|known| (known.lost, known.tried) = (Some(lost), true));
            }
        }
        sleep(pause).await;
    }
}

struct Heart {
    wire: Arc<Wire>,
    namespaces: Vec<String>,
    /// Which namespace is read next; all of them the first time, because each must be known, and one at a time from then on.
    next: usize,
    /// The list that this account may read, where it may not read the namespace.
    allowed: Option<String>,
}

/// What one beat has found.
struct Beat {
    hello: (Hello, Wall),
    sure: Option<Wall>,
    namespaces: Vec<(String, Presence)>,
}

impl Heart {
    async fn beat(&mut self) -> Result<Beat, Loss> {
        let hello = self.wire.hello().await?;
        let hello = (hello, clock::now().wall);
        let asked = clock::now().wall;
        let due: Vec<String> = match self.next.checked_sub(1) {
            None => self.namespaces.clone(),
            Some(next) => self.namespaces.get(next % self.namespaces.len().max(1)).cloned().into_iter().collect(),
        };
        let failed = |loss: Loss| Loss { why: format!("a consistent read failed: {}", loss.why), ..loss };
        let wire = &self.wire;
        let read = due.into_iter().map(|name| async move { Ok((name.clone(), wire.presence(&name).await?)) });
        let namespaces = try_join_all(read).await.map_err(failed)?;
        self.next += 1;
        let shown = namespaces.iter().any(|(_, presence)| *presence != Presence::Hidden);
        let sure = (shown || self.list().await.map_err(failed)?).then_some(asked);
        Ok(Beat { hello, sure, namespaces })
    }

    /// Reads from the first list that the account may read; whether there is one.
    async fn list(&mut self) -> Result<bool, Loss> {
        let paths: Vec<String> = match &self.allowed {
            Some(path) => vec![path.clone()],
            None => {
                let of = |name: &String| Plural::NAMESPACED.map(|plural| plural.path(Some(name.as_str())));
                self.namespaces.iter().flat_map(of).chain([Plural::Nodes.path(None)]).collect()
            }
        };
        self.allowed = None;
        for path in paths {
            if self.wire.first(&path).await? {
                self.allowed = Some(path);
                return Ok(true);
            }
        }
        Ok(false)
    }
}
