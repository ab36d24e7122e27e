//! Kubernetes clusters: the API itself, workloads, nodes.
//!
//! ```text
//!  settings (kubeconfig, pod) -> wire (TLS, limits) -> keep (list, watch) -> link (what is known) -> read: rows, at once
//!                                                  \-> pulse (version, consistent read)
//! ```
//! Tasks of the reader's own keep what is known; a reading only says it. A row is as old as the last moment up to which nothing
//! can be missing from it: the moment in which a list was asked for, an event or a bookmark arrived, or a watch ended when it
//! should. That a watch was opened proves nothing. Every watch asks the server to end it after 15 s, and the next one goes on
//! from the last version, so a quiet and healthy cluster is never more than some 16 s old. A watch alone proves nothing where
//! the API server is cut off from its store: it goes on in good order and says nothing. So no row is younger than the last read
//! that only the store can answer (a GET of the namespace, or a LIST without a version), which the pulse asks for every 10 s. A watch that is silent for 20 s is
//! given up for a new list; where that is not answered either, the rows are stale 30 s after the last sign.
//!
//! What the account may not read (403) has one row that says so, and the rest goes on. A part that fails leaves its rows with
//! their last readings and the reason, also where the kubeconfig leads elsewhere. A workload that is deleted is named by its
//! namespace. A workload is held against its own pods: a status that says more than they carry is not believed. It takes
//! 30 s of contradiction until the pods alone count, because the two are read one after the other. Pods without a
//! workload have rows of their own. Where pods are not known, only the status is said.

use crate::domain::{Finding, quantity};
pub use identity::identity;

use crate::probes::blocking::run_blocking;
use crate::probes::kube::link::Link;
use crate::probes::kube::pace::Pace;
use crate::probes::kube::settings::Settings;
use crate::probes::kube::wire::Wire;
use crate::probes::target::Cluster;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::timeout;

mod client;
#[cfg(test)]
pub(crate) mod double;
mod identity;
mod link;
mod loose;
mod node;
mod objects;
mod pace;
mod pods;
mod pulse;
mod settings;
#[cfg(test)]
mod tests;
mod watch;
mod wire;
mod workload;

/// How long the kubeconfig and the files that it names may take to be read.
const FILES: Duration = Duration::from_secs(3);

/// Where its readings come from, without any secret.
#[must_use]
pub fn source(target: &Cluster) -> String {
    let files = settings::files(target).into_iter().map(|path| path.display().to_string()).collect::<Vec<_>>();
    let place = if files.is_empty() { "in-cluster".to_owned() } else { files.join(":") };
    match &target.entry.context {
        Some(context) => format!("{place} context {context}"),
        None => place,
    }
}

/// Reads one cluster again and again; dropping it ends its watches.
pub struct KubeReader {
    target: Cluster,
    pace: Pace,
    link: Option<Link>,
}

impl KubeReader {
    /// A reader that has read nothing yet.
    #[must_use]
    pub fn new(target: Cluster) -> Self {
        Self { target, pace: Pace::default(), link: None }
    }

    /// Gives what is known; the first time it waits until everything was tried once.
    ///
    /// Each time it looks whether the kubeconfig leads elsewhere, or has another token, and then starts again. The context stays
    /// the one it began with.
    ///
    /// # Errors
    /// Why there is no way to ask the cluster. A cluster that does not answer says so on its rows.
    pub async fn read(&mut self) -> Result<Vec<Finding>, String> {
        match self.prepared().await {
            // What was known stays until the new way has an answer.
            Ok(Some((settings, wire))) => self.link = Some(Link::new(settings, wire, self.pace, self.link.as_ref())),
            Ok(None) => {}
            // The old settings are good enough while the file is being changed.
            Err(why) if self.link.is_none() => return Err(why),
            Err(_) => {}
        }
        let link = self.link.as_mut().ok_or("there is no way to ask it")?;
        link.tried().await;
        Ok(link.findings())
    }

    /// A new way where there is none, or where its settings have changed; off the runtime's own threads, because it reads files.
    async fn prepared(&self) -> Result<Option<(Settings, Wire)>, String> {
        let (target, pace) = (self.target.clone(), self.pace);
        let pinned = self.link.as_ref().map(|link| link.context().to_owned());
        let before = self.link.as_ref().filter(|link| !link.is_broken()).map(Link::digest);
        let prepare = move || {
            let settings = settings::resolve(&target, pinned.as_deref())?;
            if before == Some(settings.digest) {
                return Ok(None);
            }
            let wire = Wire::new(&settings, pace)?;
            Ok(Some((settings, wire)))
        };
        off_the_runtime(&self.target, prepare).await
    }
}

/// Does work that reads the files of a cluster in a thread that may wait; a panic in it is its error.
async fn off_the_runtime<T: Send + 'static>(
    target: &Cluster,
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    // A client is made of them, and it starts tasks.
    let runtime = Handle::current();
    let within = move || {
        let _entered = runtime.enter();
        work()
    };
    let done = timeout(FILES, run_blocking("kubeconfig", format!("kubeconfig {}", source(target)), within)).await;
    done.unwrap_or_else(|_| Err(format!("the kubeconfig cannot be read: no answer within {}", quantity::span(FILES))))
}
