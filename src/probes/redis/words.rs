//! Why something could not be had from a Redis, in a few words.

use crate::domain::Loss;
use crate::probes::cause;
use crate::probes::redis::link::Trouble;
use std::io;

/// How a server says that it has no place for another client; it has no code for it (`acceptCommonHandler` in networking.c).
const FULL: &str = "max number of clients";

/// A script has run for longer than `busy-reply-threshold`: until it ends, or SCRIPT KILL or FUNCTION KILL ends it, every other client is
/// refused.
///
/// Source: <https://redis.io/docs/latest/develop/programmability/>, "Maximum execution time".
const BUSY: &str = "BUSY";

/// Our own code for a password that was rejected because none was given.
pub(super) const NO_PASSWORD: &str = "NOPASSWORD";

/// Whether an error rejects a user's password: before version 6 there was no code for it.
pub(super) fn is_of_password(code: &str, words: &str) -> bool {
    code == "WRONGPASS" || (code == "ERR" && words.contains("invalid password"))
}

/// Why a reading was lost.
pub(super) fn of(trouble: &Trouble, user: Option<&str>) -> String {
    let who = user.map(|user| format!(" to user {user}")).unwrap_or_default();
    match trouble {
        Trouble::Gone(loss) => loss.why().to_owned(),
        Trouble::Lost(why) => why.clone(),
        Trouble::ErrorReply { asked, code, words } => match code.as_str() {
            "NOAUTH" => "a password is required (NOAUTH)".to_owned(),
            NO_PASSWORD => format!(
                "a password is required{}: none is given",
                user.map(|user| format!(" for user {user}")).unwrap_or_default()
            ),
            _ if is_of_password(code, words) => wrong_password(user),
            "NOPERM" => format!("{asked} is denied{who} (NOPERM)"),
            "LOADING" => "it is loading its data (LOADING)".to_owned(),
            BUSY => "busy running a script, answers no client (BUSY)".to_owned(),
            "MASTERDOWN" => "its primary is down and it serves nothing (MASTERDOWN)".to_owned(),
            "READONLY" => "it is a replica, which takes no changes (READONLY)".to_owned(),
            "MISCONF" => "it refuses changes because it cannot save its data (MISCONF)".to_owned(),
            "OOM" => "its memory is full and it takes nothing new (OOM)".to_owned(),
            "NOREPLICAS" => "it refuses changes because too few replicas follow it (NOREPLICAS)".to_owned(),
            "MOVED" | "ASK" => format!("another node of its cluster has the key ({code} {words})"),
            "CROSSSLOT" => "the keys lie on several nodes of its cluster (CROSSSLOT)".to_owned(),
            "CLUSTERDOWN" => "its cluster is down (CLUSTERDOWN)".to_owned(),
            "WRONGTYPE" => format!("{asked} does not fit what the key holds (WRONGTYPE)"),
            "CHANGED" => "somebody changed it meanwhile".to_owned(),
            "DENIED" => "its protected mode refuses this host (DENIED)".to_owned(),
            "ERR" if words.contains(FULL) => "no connection left (max number of clients reached)".to_owned(),
            "ERR" if words.contains("without any password configured") => {
                "it has no password, but the estate names one".to_owned()
            }
            "ERR" if words.contains("unknown command") => format!("it has no {asked}: renamed or taken away"),
            "ERR" if words.contains("DB index is out of range") => "it has no database of that number".to_owned(),
            _ => format!("{asked} is refused: {code} {words}"),
        },
    }
}

/// What a reading that was lost proves of the server.
pub(super) fn loss(trouble: &Trouble, user: Option<&str>) -> Loss {
    match trouble {
        Trouble::Gone(loss) => loss.clone(),
        // It says itself that it serves nobody more.
        Trouble::ErrorReply { words, .. } if words.contains(FULL) => Loss::down(of(trouble, user)),
        Trouble::ErrorReply { code, .. } if code == BUSY => Loss::down(of(trouble, user)),
        Trouble::Lost(_) | Trouble::ErrorReply { .. } => Loss::unread(of(trouble, user)),
    }
}

fn wrong_password(user: Option<&str>) -> String {
    match user {
        Some(user) => format!("password rejected for user {user}"),
        None => "password rejected".to_owned(),
    }
}

/// Why a connection could not be made or broke.
pub(super) fn io(error: &io::Error) -> Loss {
    match error.kind() {
        io::ErrorKind::PermissionDenied => Loss::unread("permission denied"),
        _ => cause::io(error, false),
    }
}

/// Why the socket of a server could not be connected to.
pub(super) fn socket(error: &io::Error) -> Loss {
    match error.kind() {
        io::ErrorKind::NotFound => Loss::down("its socket does not exist"),
        // The kernel does not wait for a place in the queue of a socket (`unix(7)`, EAGAIN).
        io::ErrorKind::WouldBlock => Loss::unread("too many wait at its socket: it takes no connection"),
        _ => io(error),
    }
}
