//! Names of users and groups, as this machine's name service has them (`nsswitch.conf(5)`): the local files first, then what a
//! directory service knows.
//!
//! A directory service may be far away or down. It is asked once for each name, and not waited for longer than two seconds.

use nix::unistd::{Gid, Group, Uid, User};
use std::collections::BTreeMap;
use std::fs;
use std::sync::{LazyLock, Mutex, mpsc};
use std::time::Duration;

/// How long the name service may take; after that a number replaces a name.
const PATIENCE: Duration = Duration::from_secs(2);

const USERS: &str = "/etc/passwd";
const GROUPS: &str = "/etc/group";

/// The users that were asked for, each with its name, where it has one.
static KNOWN: LazyLock<Mutex<BTreeMap<u32, Option<String>>>> = LazyLock::new(Mutex::default);

/// A user's name, else `uid 1000`; a claim for people, never compared.
#[must_use]
pub fn user(uid: u32) -> String {
    let text = fs::read_to_string(USERS).unwrap_or_default();
    let local = text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse::<u32>().ok()? == uid).then(|| name.to_owned())
    });
    let unnamed = || if uid == 0 { "root".to_owned() } else { format!("uid {uid}") };
    local.or_else(|| of_service(uid)).unwrap_or_else(unnamed)
}

fn of_service(uid: u32) -> Option<String> {
    if let Some(known) = KNOWN.lock().ok().and_then(|known| known.get(&uid).cloned()) {
        return known;
    }
    let name = asked(move || User::from_uid(Uid::from_raw(uid)).ok().flatten().map(|user| user.name));
    if let Ok(mut known) = KNOWN.lock() {
        known.insert(uid, name.clone());
    }
    name
}

/// The number of a user, by name or by the number itself.
#[must_use]
pub fn user_id(name: &str) -> Option<u32> {
    let owned = name.to_owned();
    number(name, USERS).or_else(|| asked(move || User::from_name(&owned).ok().flatten().map(|user| user.uid.as_raw())))
}

/// The number of a group, by name or by the number itself.
#[must_use]
pub fn group_id(name: &str) -> Option<u32> {
    let owned = name.to_owned();
    number(name, GROUPS)
        .or_else(|| asked(move || Group::from_name(&owned).ok().flatten().map(|group| group.gid.as_raw())))
}

/// Whether this user is the only member of a group for the name service; no answer counts as no.
#[must_use]
pub fn has_no_other_member(gid: u32, user: &str) -> bool {
    let user = user.to_owned();
    let members = asked(move || {
        let group = Group::from_gid(Gid::from_raw(gid)).ok()?;
        Some(group.is_none_or(|group| group.mem.iter().all(|member| *member == user)))
    });
    members.unwrap_or(false)
}

/// The number of a name in a local file. Source: passwd(5), group(5).
fn number(name: &str, path: &str) -> Option<u32> {
    if name.bytes().all(|byte| byte.is_ascii_digit()) {
        return name.parse().ok();
    }
    let text = fs::read_to_string(path).ok()?;
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then(|| fields.nth(1)?.parse().ok()).flatten()
    })
}

/// What the name service answers in time.
fn asked<T: Send + 'static>(ask: impl FnOnce() -> Option<T> + Send + 'static) -> Option<T> {
    let (notify, answer) = mpsc::channel();
    let run = move || {
        // After the time limit no one listens any more.
        let _ = notify.send(ask());
    };
    std::thread::Builder::new().name("names".to_owned()).spawn(run).ok()?;
    answer.recv_timeout(PATIENCE).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_its_number_belong_together_and_what_is_unknown_is_a_number() {
        assert_eq!((user(0).as_str(), user_id("root"), group_id("root")), ("root", Some(0), Some(0)));
        assert_eq!((user_id("4711"), group_id("4711")), (Some(4711), Some(4711)));
        assert_eq!(user(4_000_000_001), "uid 4000000001");
        assert_eq!((user_id("no-such-user"), group_id("no-such-group")), (None, None));
        assert!(has_no_other_member(0, "root"));
    }
}
