//! Whether a server archives its WAL: what is not archived is kept until the disk is full, and no backup reaches beyond it.
//!
//! ```text
//!  pg_stat_archiver                 the last segment that was archived, the last failure    every role
//!  pg_wal/archive_status/*.ready    the segments that wait, and since when                  pg_monitor
//! ```
//! A segment that failed is tried again until it is archived: a failure that is newer than the last success has not ended. A command
//! that hangs neither fails nor succeeds, and shows only in what waits.
//!
//! Source: PostgreSQL 18 manual, 19.5.3, 25.3.1 and 27.2.12 (`pg_stat_archiver`); 9.28.10 (`pg_ls_archive_statusdir`).

use crate::domain::{Fact, Observation, Verdict, quantity};
use crate::probes::postgres::connect::{Failure, Line, Session};
use crate::probes::postgres::kept::Kept;
use crate::probes::postgres::story::Story;
use crate::probes::postgres::{About, plain, text};
use std::time::Duration;

/// `archive_library` is of version 15 on, and stands instead of the command.
const QUESTION: &str = "SELECT s.mode, s.command = '' AND s.library = '' AS is_empty, \
    CASE WHEN s.library = '' THEN 'archive_command' ELSE 'archive_library' END AS by, \
    pg_size_bytes(current_setting('wal_segment_size')) AS segment, \
    has_function_privilege('pg_ls_archive_statusdir()', 'EXECUTE') AS counts, \
    a.failed_count, a.last_failed_wal, a.last_archived_wal, \
    extract(epoch FROM clock_timestamp() - a.last_failed_time)::bigint AS failed_s, \
    extract(epoch FROM clock_timestamp() - a.last_archived_time)::bigint AS archived_s, \
    coalesce(a.last_failed_time > coalesce(a.last_archived_time, '-infinity'), false) AS fails \
    FROM pg_stat_archiver AS a, (SELECT current_setting('archive_mode') AS mode, \
        current_setting('archive_command') AS command, \
        coalesce(current_setting('archive_library', true), '') AS library) AS s";
/// The segments that wait; a history file or a backup's label is none.
const WAITING: &str = r"SELECT count(*) AS files,
    extract(epoch FROM clock_timestamp() - min(modification))::bigint AS age_s
    FROM pg_ls_archive_statusdir() WHERE name ~ '^[0-9A-F]{24}\.ready$'";

/// A segment that waits for this long, in seconds, is late; for this long, it is critical where archiving fails.
const LATE: i64 = 600;
const TOO_LATE: i64 = 3600;

/// What waits to be archived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Waiting {
    files: i64,
    bytes: i64,
    /// Since when the oldest waits, in seconds.
    age: Option<i64>,
}

/// Reads a server that archives; `None` of one that does not. A standby archives with `archive_mode = always` alone.
pub(super) async fn read(session: &Session, about: &About, limit: Kept) -> Result<Option<Observation>, Failure> {
    let line = session.row(QUESTION).await?;
    let archives = match line.text("mode") {
        Some("always") => true,
        Some("on") => !about.standby,
        _ => false,
    };
    if !archives {
        return Ok(None);
    }
    let waiting = match line.flag("counts") {
        Some(true) => session.row(WAITING).await.map_err(String::from).and_then(|counted| Waiting::of(&counted, &line)),
        _ => Err("hidden, needs pg_monitor".to_owned()),
    };
    let mut story = Story::new(about.standby);
    let fails = describe(&line, &mut story);
    match waiting {
        Ok(waiting) => waiting.describe(fails, limit, &mut story),
        Err(why) => {
            story
                .facts
                .extend(about.remedy().or_else(|| line.flag("counts").is_some_and(|may| !may).then(|| grant(about))));
            // That it fails is known all the same.
            let verdict = if fails { Verdict::Ok } else { Verdict::Unknown };
            story.add(verdict, format!("WAL that waits: {why}"));
        }
    }
    Ok(Some(story.end()))
}

/// For a role that has `pg_monitor` where that was not granted this.
fn grant(about: &About) -> (&'static str, Fact) {
    let grant = format!("GRANT EXECUTE ON FUNCTION pg_ls_archive_statusdir() TO {};", about.role);
    ("remedy_command", Fact::Text(grant))
}

/// What the archiver itself reports; whether it fails.
fn describe(line: &Line, story: &mut Story) -> bool {
    let texts = [
        ("archive_mode", "mode"),
        ("archive_last_wal", "last_archived_wal"),
        ("archive_failed_wal", "last_failed_wal"),
    ];
    story.facts.extend(texts.into_iter().filter_map(|(fact, column)| Some((fact, text(line, column)?))));
    story.count([("archive_failures", line.int("failed_count")), ("archive_age_s", line.int("archived_s"))]);
    let ago = |column: &str| Some(quantity::age(Duration::from_secs(plain(line.int(column)?))));
    let is_empty = line.flag("is_empty") == Some(true);
    let fails = is_empty || line.flag("fails") == Some(true);
    story.facts.insert("archive_fails", Fact::Bool(fails));
    if is_empty {
        story.add(Verdict::Warn, "archive_mode is on and archive_command is empty: all WAL is kept");
    } else if fails {
        let (by, wal) = (line.text("by").unwrap_or("archive_command"), line.text("last_failed_wal").unwrap_or("WAL"));
        let tried = ago("failed_s").map_or_else(String::new, |ago| format!(", tried {ago} ago"));
        story.add(Verdict::Warn, format!("{by} fails: {wal} is not archived{tried}"));
    }
    let last = ago("archived_s").map(|ago| format!("last archived {ago} ago"));
    story.add(Verdict::Ok, last.unwrap_or_else(|| "nothing archived yet".to_owned()));
    fails
}

impl Waiting {
    fn of(counted: &Line, line: &Line) -> Result<Self, String> {
        let (files, segment) = counted.int("files").zip(line.int("segment")).ok_or("the server does not count it")?;
        Ok(Self { files, bytes: files.saturating_mul(segment), age: counted.int("age_s") })
    }

    fn judge(self, fails: bool, limit: Kept) -> Verdict {
        let late = match self.age {
            Some(age) if age >= TOO_LATE && fails => Verdict::Critical,
            Some(age) if age >= LATE => Verdict::Warn,
            _ => Verdict::Ok,
        };
        limit.judge(self.bytes).worse(late)
    }

    fn describe(self, fails: bool, limit: Kept, story: &mut Story) {
        story.draw("archive_waiting_bytes", self.bytes);
        story.count([("archive_waiting", Some(self.files)), ("archive_waiting_s", self.age)]);
        let verdict = self.judge(fails, limit);
        // A segment that was just finished waits for a moment.
        if verdict == Verdict::Ok && self.files <= 1 {
            return;
        }
        let since = self.age.map(|age| format!(", for {}", quantity::age(Duration::from_secs(plain(age)))));
        let bytes = quantity::bytes(plain(self.bytes));
        story.add(verdict, format!("{bytes} of WAL waits{}", since.unwrap_or_default()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_judged_by_its_size_and_by_how_long_it_waits() {
        let verdict = |fails, bytes, age| Waiting { files: 1, bytes, age }.judge(fails, Kept::from(64 << 20));
        assert_eq!(verdict(false, 16 << 20, Some(3)), Verdict::Ok);
        assert_eq!(verdict(false, 16 << 20, Some(LATE)), Verdict::Warn, "the command hangs");
        assert_eq!(verdict(false, 16 << 20, Some(TOO_LATE)), Verdict::Warn);
        assert_eq!(verdict(true, 16 << 20, Some(TOO_LATE)), Verdict::Critical);
        assert_eq!(verdict(false, 64 << 20, Some(3)), Verdict::Warn);
        assert_eq!(verdict(false, 10 << 30, None), Verdict::Critical);
        assert_eq!(verdict(true, 0, None), Verdict::Ok);
    }
}
