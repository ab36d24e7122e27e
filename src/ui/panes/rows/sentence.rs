//! Where the sentence of a row begins, and how much of it there is room for: the cause of its verdict before everything else.
//!
//! ```text
//! ✖  next.novacron.io   not valid before 2026-12-10      in its column, as long as it fits
//! ✖  /srv/archive  was removed: no such directory        nearer to a name that is short, and to the end of a path
//! ✖  next.novacr…  not valid before 2026-12-10 00:00     the name gives way to the cause
//! ✖  configs       checksum wrong · 23:27 yesterday      the cause comes first where the rest would cut it off
//! ```

use super::LEAST_NAME;
use crate::domain::{Clean, Row};
use crate::ui::text;

/// What the parts of a sentence stand apart by.
const APART: &str = " · ";

/// The columns between which a sentence stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// Behind as little of the name as must stay.
    pub(super) least: usize,
    /// Behind the whole name, or as much of a path as is enough.
    pub(super) whole: usize,
    /// Where sentences stand that fit.
    pub(super) at: usize,
    /// Where they end.
    pub(super) end: usize,
}

/// Where a sentence begins, and as much of it as there is room for.
pub(super) fn place(row: &Row, message: &str, cause: Option<&str>, room: Room) -> (usize, Clean) {
    let (start, text) = beside_name(row, message, room);
    // Of a path the end is enough, and it is cut already.
    let cause = cause.map(|cause| match cause.split_once(": ") {
        Some((path, cause)) if path.starts_with('/') => cause,
        _ => cause,
    });
    let Some(cause) = cause.filter(|cause| !cause.is_empty() && !text.plain().contains(cause)) else {
        return (start, text);
    };
    if text.width() == Clean::text(message).width() {
        return (start, text);
    }
    let others = message.split(APART).filter(|part| !cause.contains(part) && !part.contains(cause));
    let sentence = std::iter::once(cause).chain(others).collect::<Vec<_>>().join(APART);
    let start = room.end.saturating_sub(Clean::text(cause).width()).max(room.least).min(start);
    (start, text::fitted(&sentence, room.end.saturating_sub(start)))
}

/// At its column; or, where that cuts off what must be read, as far before it as the name leaves room. Of a path the end is enough, in the
/// name and before a cause.
fn beside_name(row: &Row, message: &str, Room { whole, at, end, .. }: Room) -> (usize, Clean) {
    let room = end.saturating_sub(at);
    let must = row.lost.as_ref().map_or(message, |(why, _)| why);
    let wanted = Clean::text(message).width();
    if Clean::text(must).width() <= room {
        return (at, text::fitted(message, room));
    }
    let start = at.min(end.saturating_sub(wanted)).max(whole.min(at));
    let room = end.saturating_sub(start);
    let text = match must.split_once(": ").filter(|(path, _)| path.starts_with('/') && wanted > room) {
        Some((path, cause)) => {
            let left = room.saturating_sub(Clean::text(cause).width() + 2).max(LEAST_NAME);
            Clean::text(&format!("{}: {cause}", Clean::text(path).cut_front(left).plain())).cut(room)
        }
        None => text::fitted(message, room),
    };
    (at.min(end.saturating_sub(text.width())).max(whole.min(at)), text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::TargetKind;
    use std::time::Duration;

    fn placed(message: &str, cause: &str, end: usize) -> (usize, String) {
        let row = Row::unread(TargetKind::Certificate, "it".to_owned(), String::new(), Duration::from_secs(60));
        let room = Room { least: 27, whole: 31, at: 35, end };
        let (start, text) = place(&row, message, Some(cause), room);
        (start, text.plain())
    }

    #[test]
    fn the_cause_is_read_before_the_name_and_before_the_rest() {
        let late = "not valid before 2026-12-10";
        assert_eq!(placed(late, late, 62), (35, late.to_owned()));
        assert_eq!(placed(late, late, 60), (33, late.to_owned()), "as near to the name as it must");
        assert_eq!(placed(late, late, 57), (30, late.to_owned()), "and into it");
        assert_eq!(placed(late, late, 50).0, 27, "but not beyond what must stay of it");
        let backup = "23:27 yesterday · checksum wrong";
        assert_eq!(placed(backup, "checksum wrong", 70), (35, backup.to_owned()));
        assert_eq!(placed(backup, "checksum wrong", 60), (35, "checksum wrong …".to_owned()));
        assert_eq!(placed(backup, "checksum wrong", 46), (31, "checksum wrong…".to_owned()));
    }
}
