//! Who counts as a second person, and what second persons did in a run.
//!
//! Two people differ by what the kernel reports: by their user ids, and, where both are known, by their login uids, which survive
//! `su` and `sudo`. A login uid that is unset is unknown; unknown is not equal, and proves nothing. Root is no exception.

use crate::domain::{Actor, Digest, PromptId, Wall};

/// A second person's consent, or break-glass in its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Approval {
    /// When.
    pub at: Wall,
    /// By whom; of break-glass, who used it.
    pub by: Actor,
    /// The prompt that it was given to.
    pub prompt: PromptId,
    /// The step, from 0.
    pub step: u32,
    /// Whether it was the run's start that was agreed to.
    pub start: bool,
    /// The digest of what was agreed to: of a frozen set, or of the plan.
    pub hash: Digest,
    /// Who had confirmed it before, where that was asked for.
    pub first: Option<Actor>,
    /// What was added; may be empty.
    pub note: String,
    /// The reason of break-glass: then no other person agreed.
    pub break_glass_reason: Option<String>,
}

/// A hard gate, or the end of the window, that another person than the starter overrode.
#[derive(Clone, Debug, PartialEq)]
pub struct Override {
    /// When.
    pub at: Wall,
    /// By whom.
    pub by: Actor,
    /// The step, from 0.
    pub step: u32,
    /// Why.
    pub reason: String,
    /// Whether it was want of time that it was led past: an emergency.
    pub late: bool,
}

/// Whether `who` is another person than the first, who `did` something: `confirmed it`, `started the run`.
///
/// # Errors
/// Why not, in a sentence.
pub fn is_another(who: &Actor, first: &Actor, did: &str) -> Result<(), String> {
    if who.uid == first.uid {
        return Err(format!("{} {did}; the second person must be another one", who.name));
    }
    match (who.login_uid, first.login_uid) {
        (Some(login), Some(other)) if login == other => Err(format!(
            "{} is logged in as the same person as {}, who {did} (login uid {login}); the second person must be another one",
            who.name, first.name
        )),
        _ => Ok(()),
    }
}

/// What a person types, before their reason, to go on without a second person.
pub const BREAK_GLASS: &str = "break glass:";

/// The reason in `break glass: REASON`; `None` where it is not that, or has no reason.
#[must_use]
pub fn break_glass_reason(typed: &str) -> Option<&str> {
    typed.trim().strip_prefix(BREAK_GLASS).map(str::trim).filter(|reason| !reason.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn break_glass_needs_a_reason() {
        assert_eq!(break_glass_reason(" break glass: nobody else is awake "), Some("nobody else is awake"));
        for typed in ["break glass", "break glass:", "break glass:  ", "Break glass: x", "glass: x", ""] {
            assert_eq!(break_glass_reason(typed), None, "{typed:?}");
        }
    }

    fn person(uid: u32, login_uid: Option<u32>) -> Actor {
        let text = |text: &str| text.to_owned();
        Actor { uid, login_uid, pid: 7, name: format!("u{uid}"), host: text("h"), through: text("console") }
    }

    #[test]
    fn people_differ_by_uid_and_by_login_where_both_are_known() {
        let another = |who: (u32, Option<u32>), first: (u32, Option<u32>)| {
            is_another(&person(who.0, who.1), &person(first.0, first.1), "confirmed it").is_ok()
        };
        assert!(another((1002, Some(1002)), (1001, Some(1001))));
        assert!(another((1002, None), (1001, Some(1001))), "unset is unknown, not equal");
        assert!(another((1002, None), (1001, None)));
        assert!(!another((1001, Some(1002)), (1001, Some(1001))), "one account is one person");
        assert!(!another((1002, Some(1001)), (1001, Some(1001))), "su");
        assert!(!another((0, Some(1001)), (1001, Some(1001))), "sudo");
        assert!(another((0, Some(0)), (1001, Some(1001))));
    }
}
