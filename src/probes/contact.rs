//! What Midwatch's own log says of connections: one line when a connection is made, one when it ends or cannot be made.
//!
//! A place is named without any secret: a host and a port, a path, a bucket. The process that writes the log adds the run
//! and the step.

use reqwest::Url;
use std::sync::Mutex;

/// A connection that stays open until this is dropped.
#[derive(Debug)]
pub(crate) struct Connection {
    kind: &'static str,
    place: String,
    lost: bool,
}

impl Connection {
    /// Logs that a connection was made.
    pub(crate) fn made(kind: &'static str, place: String) -> Self {
        tracing::info!(kind, place, "connection made");
        Self { kind, place, lost: false }
    }

    /// Logs that it was lost: whoever needs it did not end it.
    pub(crate) fn lose(&mut self, cause: &str) {
        if !std::mem::replace(&mut self.lost, true) {
            tracing::warn!(kind = self.kind, place = self.place, cause, "connection lost");
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if !self.lost {
            tracing::info!(kind = self.kind, place = self.place, "connection closed");
        }
    }
}

/// A place that is asked by requests, each of which may have a connection of its own: a line when it begins to answer, when it
/// ceases to, and when the cause changes.
#[derive(Debug)]
pub(crate) struct Place {
    kind: &'static str,
    name: String,
    last: Mutex<Last>,
}

/// How the last request ended.
#[derive(Debug, Default)]
enum Last {
    #[default]
    None,
    Answered,
    Failed(String),
}

impl Place {
    /// A place that nobody has asked yet.
    pub(crate) fn new(kind: &'static str, name: String) -> Self {
        Self { kind, name, last: Mutex::default() }
    }

    /// The server that a URL leads to: neither user nor path nor query is told.
    pub(crate) fn of_url(url: &str) -> Self {
        let name = Url::parse(url).map_or_else(|_| String::new(), |url| url.origin().ascii_serialization());
        Self::new("http", name)
    }

    /// An answer came, whatever it says.
    pub(crate) fn answered(&self) {
        let Ok(mut last) = self.last.lock() else { return };
        if !matches!(std::mem::replace(&mut *last, Last::Answered), Last::Answered) {
            tracing::info!(kind = self.kind, place = self.name, "connection made");
        }
    }

    /// No answer came.
    pub(crate) fn failed(&self, cause: &str) {
        let Ok(mut last) = self.last.lock() else { return };
        let before = std::mem::replace(&mut *last, Last::Failed(cause.to_owned()));
        let (kind, place) = (self.kind, self.name.as_str());
        match before {
            Last::Failed(known) if known == cause => {}
            Last::Answered => tracing::warn!(kind, place, cause, "connection lost"),
            Last::None | Last::Failed(_) => tracing::warn!(kind, place, cause, "connection failed"),
        }
    }
}

/// What was logged by the code of a test, on its own thread.
#[cfg(test)]
pub(crate) mod captured {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex, OnceLock};
    use tracing::Dispatch;
    use tracing::subscriber::{DefaultGuard, NoSubscriber};

    /// The lines so far.
    #[derive(Clone, Default)]
    pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Lines {
        /// Those that hold a text, without the place in the source.
        pub(crate) fn with(&self, text: &str) -> Vec<String> {
            let all = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
            all.lines().filter(|line| line.contains(text)).map(|line| line.trim().to_owned()).collect()
        }
    }

    /// Begins to capture.
    ///
    /// While there is one subscriber alone, a line that another thread comes to first is switched off for all of them; a second
    /// one, which takes nothing, keeps that from happening.
    pub(crate) fn begin() -> (Lines, DefaultGuard) {
        static SECOND: OnceLock<Dispatch> = OnceLock::new();
        SECOND.get_or_init(|| Dispatch::new(NoSubscriber::default()));
        let lines = Lines::default();
        let own = lines.clone();
        let logger = tracing_subscriber::fmt().without_time().with_target(false).with_ansi(false);
        (lines, tracing::subscriber::set_default(logger.with_writer(move || own.clone()).finish()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Connection, Place, captured};

    #[test]
    fn a_connection_is_made_and_then_either_closed_or_lost() {
        let (lines, _guard) = captured::begin();
        drop(Connection::made("postgres", "db1:5432/app".to_owned()));
        let mut lost = Connection::made("redis", "redis://db2:6379/0".to_owned());
        lost.lose("the connection ended");
        lost.lose("and again");
        drop(lost);
        assert_eq!(
            lines.with(""),
            [
                "INFO connection made kind=\"postgres\" place=\"db1:5432/app\"",
                "INFO connection closed kind=\"postgres\" place=\"db1:5432/app\"",
                "INFO connection made kind=\"redis\" place=\"redis://db2:6379/0\"",
                "WARN connection lost kind=\"redis\" place=\"redis://db2:6379/0\" cause=\"the connection ended\"",
            ]
        );
    }

    #[test]
    fn of_requests_only_what_changes_is_logged_and_a_url_only_by_its_server() {
        let (lines, _guard) = captured::begin();
        let place = Place::of_url("https://user:secret@web1:8443/path?token=secret");
        place.failed("connection refused");
        place.failed("connection refused");
        place.failed("name not found");
        place.answered();
        place.answered();
        place.failed("connection refused");
        let messages: Vec<String> =
            lines.with("").iter().map(|line| line.replace(" kind=\"http\" place=\"https://web1:8443\"", "")).collect();
        assert_eq!(
            messages,
            [
                "WARN connection failed cause=\"connection refused\"",
                "WARN connection failed cause=\"name not found\"",
                "INFO connection made",
                "WARN connection lost cause=\"connection refused\"",
            ]
        );
    }
}
