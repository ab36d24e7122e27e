//! Errors that say what was being done, to what, what happened, and what to try.

use std::fmt;
use std::io;

/// What kind of failure it was; the kind decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A step of the run failed.
    StepFailed,
    /// The command line, the estate file or a procedure is wrong.
    Usage,
    /// Another run holds a lock.
    Locked,
    /// Policy says no: read-only, outside the window, over a limit, a second person needed.
    Refused,
    /// A step started and its outcome is not known.
    UnknownOutcome,
    /// A person stopped the run.
    Aborted,
    /// The journal could not be written.
    Journal,
    /// A person is needed and none is here.
    Waiting,
    /// A journal does not chain.
    Damaged,
    /// Anything else of the machine: a file, a socket, a process.
    Machine,
}

impl Kind {
    /// The process exit code: 1, 2, 6, 7, 8, 9, 74, 75, and 4 for a damaged journal.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::StepFailed | Self::Machine => 1,
            Self::Usage => 2,
            Self::Damaged => 4,
            Self::Locked => 6,
            Self::Refused => 7,
            Self::UnknownOutcome => 8,
            Self::Aborted => 9,
            Self::Journal => 74,
            Self::Waiting => 75,
        }
    }
}

/// One failure with its whole text: `cannot DOING TARGET: WHAT`, then hints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What kind it was.
    pub kind: Kind,
    /// What was being done, to what, and what happened: one sentence without a full stop.
    pub message: String,
    /// What to try, one sentence each.
    pub hints: Vec<String>,
}

impl Error {
    /// Makes an error of a kind with a sentence.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: system_text(message.into()), hints: Vec::new() }
    }

    /// Makes an error of the machine: "cannot `doing`: `cause`".
    pub fn machine(doing: impl fmt::Display, cause: impl fmt::Display) -> Self {
        Self::new(Kind::Machine, format!("cannot {doing}: {cause}"))
    }

    /// Adds something to try.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(system_text(hint.into()));
        self
    }

    /// The same failure as another kind.
    #[must_use]
    pub fn of_kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        for hint in &self.hints {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// The result of anything that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// How the standard library marks the number of an error of the system: `No such file or directory (os error 2)`.
const MARK: &str = " (os error ";

/// The text of a cause, with errors of the system in plain words; their number stays only where there are none.
#[must_use]
pub fn system_text(cause: impl fmt::Display) -> String {
    let mut rest = cause.to_string();
    if !rest.contains(MARK) {
        return rest;
    }
    let mut out = String::new();
    while let Some((before, behind)) = rest.split_once(MARK) {
        let number = behind.split_once(')').and_then(|(number, after)| Some((number.parse::<i32>().ok()?, after)));
        let Some((number, after)) = number else {
            out.push_str(before);
            out.push_str(MARK);
            rest = behind.to_owned();
            continue;
        };
        let systems = io::Error::from_raw_os_error(number).to_string();
        let systems = systems.split(MARK).next().unwrap_or_default();
        let (before, known) = before.strip_suffix(systems).map_or((before, false), |before| (before, true));
        out.push_str(before);
        if known {
            out.push_str(&words(number, systems));
        }
        rest = after.to_owned();
    }
    out + &rest
}

/// The words for an error of the system; without any, its own first ones, with the number where they say nothing.
fn words(number: i32, systems: &str) -> String {
    use io::ErrorKind as K;
    let kind = match (io::Error::from_raw_os_error(number).kind(), number) {
        (K::NotFound, _) => "no such file or directory",
        (K::PermissionDenied, _) => "permission denied",
        (K::ConnectionRefused, _) => "the connection was refused",
        (K::ConnectionReset, _) => "the connection was reset by the other side",
        (K::ConnectionAborted, _) => "the connection broke",
        (K::HostUnreachable, _) => "no way leads to the host",
        (K::NetworkUnreachable, _) => "no way leads to the network",
        (K::NetworkDown, _) => "the network is down",
        (K::NotConnected, _) => "there is no connection",
        (K::AddrInUse, _) => "the address is in use",
        (K::AddrNotAvailable, _) => "the address is not one of this host",
        (K::BrokenPipe, _) => "the other side has gone",
        (K::AlreadyExists, _) => "it is there already",
        (K::NotADirectory, _) => "a part of the path is not a directory",
        (K::IsADirectory, _) => "it is a directory",
        (K::DirectoryNotEmpty, _) => "the directory is not empty",
        (K::ReadOnlyFilesystem, _) => "the file system is read-only",
        (K::StaleNetworkFileHandle, _) => "the network file system no longer knows the file",
        (K::TimedOut, _) => "it took too long",
        (K::StorageFull, _) => "no space is left on the device",
        (K::QuotaExceeded, _) => "the quota is used up",
        (K::FileTooLarge, _) => "the file would be too large",
        (K::ResourceBusy, _) => "it is in use",
        (K::ExecutableFileBusy, _) => "the program is being written or is running",
        (K::CrossesDevices, _) => "it lies on another file system",
        (K::TooManyLinks, _) => "it has too many names",
        (K::InvalidFilename, _) => "the name is too long, or none that the file system takes",
        (K::ArgumentListTooLong, _) => "there are too many arguments",
        (K::OutOfMemory, _) => "no memory is left",
        (K::Interrupted, _) => "it was interrupted",
        (K::WouldBlock, _) => "it is not ready",
        (K::InvalidInput, _) => "the system does not take what was asked for",
        (K::Unsupported, _) => "the system does not have this",
        (_, 5) => "the device failed to read or write",
        (_, 23 | 24) => "too many files are open",
        (_, 40) => "too many symbolic links are in the way",
        _ => "",
    };
    if !kind.is_empty() {
        return kind.to_owned();
    }
    if systems.is_empty() || systems.starts_with("Unknown error") {
        return format!("error {number} of the system");
    }
    let mut letters = systems.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_system_is_shown_in_words_and_its_number_only_where_there_are_none() {
        let of = |number: i32| system_text(io::Error::from_raw_os_error(number));
        assert_eq!(of(2), "no such file or directory");
        assert_eq!(of(20), "a part of the path is not a directory");
        assert_eq!((of(1), of(13)), ("permission denied".into(), "permission denied".into()));
        assert_eq!(of(5), "the device failed to read or write");
        assert_eq!(of(71), "protocol error");
        assert_eq!(of(4711), "error 4711 of the system");
        for number in 1..200 {
            let words = of(number);
            assert!(!words.is_empty() && !words.contains("os error"), "{number}: {words}");
            assert!(
                words.chars().next().is_some_and(|first| !first.is_uppercase() || words.starts_with("RFS")),
                "{words}"
            );
        }
    }

    #[test]
    fn the_sentence_around_it_stays() {
        let one = io::Error::from_raw_os_error(2);
        let two = rustix::io::Errno::NOSPC;
        let error =
            Error::machine("copy a to b", format_args!("{one}; and cutting it back: {two}")).hint(format!("/x: {one}"));
        assert_eq!(
            error.message,
            "cannot copy a to b: no such file or directory; and cutting it back: no space is left on the device"
        );
        assert_eq!(error.hints, ["/x: no such file or directory"]);
        // What only looks like one stays as it is.
        for text in ["no mark", "strange (os error x) text", "cut (os error 2", "broken (os error "] {
            assert_eq!(system_text(text), text);
        }
        assert_eq!(system_text("Anything else (os error 2)."), "Anything else.");
    }
}
