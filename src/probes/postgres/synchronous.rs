//! Commits that wait for a synchronous standby, and whether one can still come that lets them go on.
//!
//! ```text
//!  synchronous_standby_names   FIRST 2 (a, b) · ANY 1 (a, b) · 2 (a, b) · a, b · *     how many must confirm
//!  pg_stat_replication         sync, quorum                                            how many do
//!  pg_stat_activity            wait_event SyncRep                                      who waits
//! ```
//! A commit waits for a moment on every busy server. It hangs where too few standbys are there, or where the same ones still wait at a
//! second look and nothing was replayed meanwhile.
//!
//! Source: PostgreSQL 18 manual, 19.6.2, 26.2.8 and 27.2.3.

use crate::domain::{Fact, Verdict, quantity};
use crate::probes::postgres::About;
use crate::probes::postgres::connect::{Failure, Line, Session};
use crate::probes::postgres::plain;
use crate::probes::postgres::story::Story;
use std::time::Duration;

const SETTINGS: &str = "SELECT current_setting('synchronous_standby_names') AS names, \
    current_setting('synchronous_commit') IN ('on', 'remote_write', 'remote_apply') AS waits";
/// Who waits, since their statement began: when a wait itself began, the server does not tell.
const WAITING: &str = "SELECT pid, query_start::text AS began, \
    extract(epoch FROM clock_timestamp() - query_start)::bigint AS age \
    FROM pg_stat_activity WHERE wait_event = 'SyncRep' ORDER BY query_start";
/// How far each synchronous standby has replayed.
const REPLAYED: &str = "SELECT pid, replay_lsn::text AS at FROM pg_stat_replication \
    WHERE sync_state IN ('sync', 'quorum') ORDER BY pid";
/// Waits of statements that are younger than this, in seconds, are looked at once.
const YOUNG: i64 = 2;
/// How long it takes to the second look.
const PAUSE: Duration = Duration::from_secs(1);

/// One who waits.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Waiting {
    pid: i64,
    began: String,
    age: i64,
}

/// Judges the commits of a primary.
pub(super) async fn read(
    session: &Session,
    standbys: &[Line],
    about: &About,
    story: &mut Story,
) -> Result<(), Failure> {
    let line = session.row(SETTINGS).await?;
    let names = line.text("names").unwrap_or_default();
    if names.is_empty() {
        return Ok(());
    }
    story.facts.insert("synchronous_standby_names", Fact::Text(names.to_owned()));
    let hidden = standbys.iter().any(|line| line.text("state").is_none()) && !about.monitor;
    let wanted = required(names);
    let confirming = |line: &&Line| {
        matches!(line.text("sync_state"), Some("sync" | "quorum")) && line.text("state") == Some("streaming")
    };
    let held = standbys.iter().filter(confirming).count();
    let lacks = !hidden && held < wanted && line.flag("waits") == Some(true);
    let mut waiting = waiting(session).await?;
    let mut hangs = false;
    if !lacks && waiting.iter().any(|one| one.age >= YOUNG) {
        let before = replayed(session).await?;
        tokio::time::sleep(PAUSE).await;
        let now = self::waiting(session).await?;
        waiting.retain(|one| now.iter().any(|still| (still.pid, &still.began) == (one.pid, &one.began)));
        hangs = !waiting.is_empty() && replayed(session).await? == before;
    }
    if lacks {
        story.add(
            Verdict::Critical,
            if held == 0 && wanted == 1 {
                "no synchronous standby: commits wait".to_owned()
            } else {
                format!("{held} of {wanted} synchronous standbys: commits wait")
            },
        );
    }
    let longest = waiting.iter().map(|one| one.age).max().unwrap_or_default();
    if lacks && !waiting.is_empty() || longest >= YOUNG {
        let verdict = if lacks || hangs { Verdict::Critical } else { Verdict::Warn };
        story.facts.insert("commits_waiting", Fact::Int(i64::try_from(waiting.len()).unwrap_or(i64::MAX)));
        story.facts.insert("commits_waiting_s", Fact::Int(longest));
        let many = quantity::counted(waiting.len() as u64, "commit waits", "commits wait");
        let longest = quantity::span(Duration::from_secs(plain(longest)));
        story.add(verdict, format!("{many} for a synchronous standby, longest {longest}"));
    }
    Ok(())
}

async fn waiting(session: &Session) -> Result<Vec<Waiting>, Failure> {
    let one = |line: &Line| {
        Some(Waiting { pid: line.int("pid")?, began: line.text("began")?.to_owned(), age: line.int("age")? })
    };
    Ok(session.rows(WAITING).await?.iter().filter_map(one).collect())
}

async fn replayed(session: &Session) -> Result<Vec<(Option<i64>, Option<String>)>, Failure> {
    let lines = session.rows(REPLAYED).await?;
    Ok(lines.iter().map(|line| (line.int("pid"), line.text("at").map(str::to_owned))).collect())
}

/// How many standbys must confirm a commit: `FIRST 2 (…)`, `ANY 2 (…)`, `2 (…)`, or one of a bare list.
fn required(names: &str) -> usize {
    let before = names.split_once('(').map(|(before, _)| before.trim());
    let number = before.and_then(|before| before.split_whitespace().next_back()?.parse().ok());
    number.unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_standbys_are_required_as_the_setting_says() {
        let cases =
            [("FIRST 2 (a, b)", 2), ("any 3(*)", 3), ("2 (a, b, c)", 2), ("a, b", 1), ("*", 1), ("\"odd (4)\"", 1)];
        for (names, expected) in cases {
            assert_eq!(required(names), expected, "{names}");
        }
    }
}
