//! Why something could not be had from a Redis, in a few words.

use crate::domain::Loss;
use crate::probes::cause;
use crate::probes::redis::link::Trouble;
use std::io;

/// What an error without a code of its own means: the server has nothing but its sentence, in the one language that it speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plain {
    /// It has no place for another client.
    Full,
    /// The password is rejected; version 6 gave that a code.
    WrongPassword,
    /// A password was given, and none is set.
    NoPasswordSet,
    /// It does not know the command, or the part of one.
    NoCommand,
    /// It has no database of that number.
    NoDatabase,
}

/// How the sentences of the code `ERR` begin, in any case of letters. Source: Redis 8.0 and 5.0, `acceptCommonHandler` in networking.c,
/// `authCommand` in acl.c (server.c in 5.0), `commandCheckExistence` in server.c, `addReplySubcommandSyntaxError` in networking.c,
/// `selectCommand` in db.c.
const PLAIN: [(&str, Plain); 7] = [
    ("max number of clients", Plain::Full),
    ("invalid password", Plain::WrongPassword),
    ("auth <password> called without any password configured", Plain::NoPasswordSet),
    ("client sent auth, but no password is set", Plain::NoPasswordSet),
    ("unknown command", Plain::NoCommand),
    ("unknown subcommand", Plain::NoCommand),
    ("db index is out of range", Plain::NoDatabase),
];

impl Plain {
    /// That of an error; `None` of one that has a code, or that says something else.
    pub(super) fn of(code: &str, words: &str) -> Option<Self> {
        let begins = |start: &str| words.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start));
        PLAIN.iter().find(|(start, _)| code == "ERR" && begins(start)).map(|(_, plain)| *plain)
    }
}

/// A script has run for longer than `busy-reply-threshold`: until it ends, or SCRIPT KILL or FUNCTION KILL ends it, every other client is
/// refused.
///
/// Source: <https://redis.io/docs/latest/develop/programmability/>, "Maximum execution time".
const BUSY: &str = "BUSY";

/// Our own code for a password that was rejected because none was given.
pub(super) const NO_PASSWORD: &str = "NOPASSWORD";

/// Whether an error rejects a user's password.
pub(super) fn is_of_password(code: &str, words: &str) -> bool {
    code == "WRONGPASS" || Plain::of(code, words) == Some(Plain::WrongPassword)
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
            _ => of_plain(asked, code, words),
        },
    }
}

/// Why a question was refused, where no code says it.
fn of_plain(asked: &str, code: &str, words: &str) -> String {
    match Plain::of(code, words) {
        Some(Plain::Full) => "no connection left (max number of clients reached)".to_owned(),
        Some(Plain::NoPasswordSet) => "it has no password, but the estate names one".to_owned(),
        Some(Plain::NoCommand) => format!("it has no {asked}: renamed or taken away"),
        Some(Plain::NoDatabase) => "it has no database of that number".to_owned(),
        Some(Plain::WrongPassword) | None => format!("{asked} is refused: {code} {words}"),
    }
}

/// What a reading that was lost proves of the server.
pub(super) fn loss(trouble: &Trouble, user: Option<&str>) -> Loss {
    match trouble {
        Trouble::Gone(loss) => loss.clone(),
        // It says itself that it serves nobody more.
        Trouble::ErrorReply { code, words, .. } if Plain::of(code, words) == Some(Plain::Full) => {
            Loss::down(of(trouble, user))
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_no_code_is_known_by_its_sentence() {
        for (code, words, plain) in [
            ("ERR", "max number of clients reached", Some(Plain::Full)),
            ("ERR", "max number of clients + cluster connections reached", Some(Plain::Full)),
            ("ERR", "invalid password", Some(Plain::WrongPassword)),
            (
                "ERR",
                "AUTH <password> called without any password configured for the default user. Are you sure?",
                Some(Plain::NoPasswordSet),
            ),
            ("ERR", "Client sent AUTH, but no password is set", Some(Plain::NoPasswordSet)),
            (
                "ERR",
                "unknown command 'INFO', with args beginning with: 'max number of clients reached'",
                Some(Plain::NoCommand),
            ),
            ("ERR", "Unknown subcommand or wrong number of arguments for 'SETNAME'", Some(Plain::NoCommand)),
            ("ERR", "DB index is out of range", Some(Plain::NoDatabase)),
            // A code says what it says, whatever stands behind it.
            ("NOPERM", "unknown command", None),
            ("ERR", "the value 'unknown command' is not an integer", None),
            ("ERR", "", None),
            ("ERR", "\u{fc}nknown command", None),
        ] {
            assert_eq!(Plain::of(code, words), plain, "{code} {words}");
        }
    }

    #[test]
    fn a_server_that_says_it_is_full_is_down_and_one_that_refuses_is_not() {
        let describe = |code: &str, words: &str| {
            loss(&Trouble::ErrorReply { asked: "INFO".into(), code: code.into(), words: words.into() }, None)
        };
        assert!(describe("ERR", "max number of clients reached").is_proof());
        assert!(describe("BUSY", "Redis is busy running a script.").is_proof());
        // The name of a key, or of a user, may be anything.
        assert!(!describe("NOPERM", "User max number of clients reached has no permissions").is_proof());
        assert!(!describe("ERR", "no such key 'max number of clients reached'").is_proof());
    }
}
