//! Checks and reads: one row of a statement, or a built-in question. Always over `watch`.

use crate::domain::Evidence;
use crate::domain::quantity::{bytes, counted, span};
use crate::journal::record::Ending;
use crate::probes::clock;
use crate::probes::postgres::connect::{Line, Session, connect};
use crate::procedure::plan::Action;
use crate::runner::adapters::frozen;
use crate::runner::adapters::sql::act::cancelled;
use crate::runner::adapters::sql::blockers::{self, Left};
use crate::runner::adapters::sql::frozen::{Head, Object};
use crate::runner::adapters::sql::{Ask, Spec, connection, look};
use crate::runner::adapters::{self as common, ActEnd, Proof};
use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// The time limit of a question on the server, and for its answer.
const QUESTION: Duration = Duration::from_secs(60);
/// How long a late counter is waited for: before PostgreSQL 15 a separate process kept them.
const LATE: Duration = Duration::from_secs(2);
const GLANCE: Duration = Duration::from_millis(200);
/// A table whose rows are in its partitions.
const PARTITIONED: &str = "partitioned table";
/// The most columns of one row, and the most bytes of all of them; more is refused with its size.
const MOST_FACTS: usize = 1000;
const MOST_BYTES: usize = 256 << 10;

/// Carries out a check or a read.
pub(super) fn ask(action: &Action, spec: &Spec, out: &mut dyn Write, cancel: &AtomicBool) -> ActEnd {
    let work = async {
        tokio::select! {
            end = answer(action, spec) => end,
            () = cancelled(cancel) => ActEnd::new(Ending::Cancelled, "stopped"),
        }
    };
    let end = connection::finish(work).unwrap_or_else(|error| ActEnd::unknown(error.message));
    let _ = writeln!(out, "{}", end.detail);
    end
}

async fn answer(action: &Action, spec: &Spec) -> ActEnd {
    let session = match session(spec).await {
        Ok(session) => session,
        Err(why) => return ActEnd::unknown(why),
    };
    let end = match &spec.ask {
        Ask::Question { sql, facts } => question(&session, sql, *facts).await,
        Ask::OldestSnapshot { under_s } => oldest_snapshot(&session, *under_s).await,
        Ask::Statement { .. } | Ask::Vacuumed { .. } | Ask::Reindexed { .. } => {
            return ActEnd::unknown("the action is no question");
        }
    };
    match end {
        Err(why) => ActEnd::unknown(why),
        Ok((ending, detail, facts)) => {
            let source = format!("{} ({})", action.line, session.server());
            let seen = Evidence { source, seen: clock::now().wall, facts };
            let started = session.row("SELECT pg_postmaster_start_time() AS started").await;
            let run = started.ok().and_then(|line| line.text("started").map(str::to_owned));
            let end = ending.map_or_else(|| ActEnd::unknown(&detail), |ending| ActEnd::new(ending, &detail));
            end.seen(seen).of_run(run)
        }
    }
}

async fn session(spec: &Spec) -> Result<Session, String> {
    let way = spec.watch().map_err(|error| error.message)?;
    connect(&way.access()).await
}

/// The ending, if anything was learned; the words; the facts.
type Answer = (Option<Ending>, String, BTreeMap<String, String>);

/// Judges by the first column of the one row, or takes the row as facts.
async fn question(session: &Session, sql: &str, takes_facts: bool) -> Result<Answer, String> {
    let lines = asked(session, sql).await?;
    let [line] = lines.as_slice() else {
        return Ok((None, format!("the answer has {} rows, not one", lines.len()), BTreeMap::new()));
    };
    let facts = facts(line)?;
    let first = line.at(0);
    let describe = || facts.iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(" · ");
    if takes_facts {
        let learned = first.is_some().then_some(Ending::Ok);
        let detail = if learned.is_some() { describe() } else { "the first column is empty".to_owned() };
        return Ok((learned, detail, facts));
    }
    let (ending, text) = match first {
        Some("t") => (Some(Ending::Ok), "true"),
        Some("f") => (Some(Ending::Failed), "false"),
        Some(_) => (None, "the first column is neither true nor false"),
        None => (None, "the first column is null"),
    };
    let rest = describe();
    let detail = if facts.len() > 1 { format!("{text} · {rest}") } else { text.to_owned() };
    Ok((ending, detail, facts))
}

async fn asked(session: &Session, sql: &str) -> Result<Vec<Line>, String> {
    Ok(session.long_rows(sql, QUESTION).await?)
}

/// The columns by their names, complete; an empty one is no fact.
fn facts(line: &Line) -> Result<BTreeMap<String, String>, String> {
    let columns = line.columns().count();
    if columns > MOST_FACTS {
        return Err(format!("the row has {columns} columns, and the limit is {MOST_FACTS}"));
    }
    let fact = |(place, name): (usize, &str)| Some((name.to_owned(), line.at(place)?.to_owned()));
    let facts: BTreeMap<String, String> = line.columns().enumerate().filter_map(fact).collect();
    let size: usize = facts.iter().map(|(name, value)| name.len() + value.len()).sum();
    if size > MOST_BYTES {
        let (is, most) = (bytes(size as u64), bytes(MOST_BYTES as u64));
        return Err(format!("the row has {is}, and the limit is {most}"));
    }
    Ok(facts)
}

async fn oldest_snapshot(session: &Session, under_s: u64) -> Result<Answer, String> {
    let Some(oldest) = look::oldest_snapshot(session, under_s).await? else {
        return Ok((Some(Ending::Ok), "no session holds a snapshot".to_owned(), BTreeMap::new()));
    };
    let mut facts = BTreeMap::from([("holder".to_owned(), oldest.who.clone())]);
    facts.extend(oldest.age_s.map(|age| ("age_s".to_owned(), age.to_string())));
    let detail = format!("the oldest snapshot is of {}, {}", oldest.who, oldest.aged());
    let limit = span(Duration::from_secs(under_s));
    Ok(match oldest.age_s {
        None => (None, detail, facts),
        Some(age) if age < under_s => (Some(Ending::Ok), detail, facts),
        Some(_) => (Some(Ending::Failed), format!("{detail}; limit {limit}"), facts),
    })
}

/// Checks whether the effect on a frozen set is present.
pub(in super::super) fn prove(
    action: &Action,
    set: &mut dyn BufRead,
    out: &mut dyn Write,
    cancel: &AtomicBool,
) -> Proof {
    let ready = common::spec::<Spec>(action).map_err(|error| error.message);
    let proof = ready.and_then(|spec| {
        let work = async {
            tokio::select! {
                proof = proved(&spec, set) => proof,
                () = cancelled(cancel) => Err("stopped".to_owned()),
            }
        };
        connection::finish(work).map_err(|error| error.message)?
    });
    let proof = proof.unwrap_or_else(Proof::Unclear);
    let (Proof::Done(text) | Proof::NotDone(text) | Proof::Unclear(text)) = &proof;
    let _ = writeln!(out, "{text}");
    proof
}

async fn proved(spec: &Spec, set: &mut dyn BufRead) -> Result<Proof, String> {
    if let Ask::Question { sql, .. } = &spec.ask {
        let (ending, text, _) = question(&session(spec).await?, sql, false).await?;
        return Ok(match ending {
            Some(Ending::Ok) => Proof::Done(text),
            Some(_) => Proof::NotDone(text),
            None => Proof::Unclear(text),
        });
    }
    let (head, objects) = frozen::whole::<Head>(set).map_err(|error| error.message)?;
    let session = session(spec).await?;
    let server = look::server(&session).await?;
    if (&server.system, &server.database) != (&head.system, &head.database) {
        return Ok(Proof::Unclear("this is another server or database than the one shown".to_owned()));
    }
    let find = |schema: &str, name: &str| {
        let found = objects.iter().find(|object| object.schema == schema && object.name == name);
        found.ok_or_else(|| format!("{schema}.{name} is not among what was shown"))
    };
    match &spec.ask {
        Ask::Vacuumed { schema, table } => {
            let before = find(schema, table)?;
            let began = Instant::now();
            loop {
                let proof = vacuumed(&session, before, &objects, &head).await?;
                if !matches!(proof, Proof::NotDone(_)) || began.elapsed() > LATE {
                    return Ok(proof);
                }
                tokio::time::sleep(GLANCE).await;
            }
        }
        Ask::Reindexed { schema, index } => reindexed(&session, find(schema, index)?, &head).await,
        _ => Err("the action is no proof".to_owned()),
    }
}

/// A table by its own time of VACUUM, a partitioned one by those of all its partitions: it has none itself.
async fn vacuumed(session: &Session, before: &Object, all: &[Object], head: &Head) -> Result<Proof, String> {
    let name = before.called();
    let files: Vec<&Object> = if before.kind == PARTITIONED {
        all.iter().filter(|object| object.kind != PARTITIONED).collect()
    } else {
        vec![before]
    };
    if files.is_empty() {
        return Ok(Proof::Done(format!("{name} has no partition that could be vacuumed")));
    }
    let oids: Vec<i64> = files.iter().map(|file| file.oid).collect();
    let now: BTreeMap<i64, Object> =
        look::by_oid(session, &oids).await?.into_iter().map(|seen| (seen.object.oid, seen.object)).collect();
    let lost = look::server(session).await?.counted_since != head.counted_since;
    let mut last = String::new();
    for file in &files {
        let name = file.called();
        let Some(now) = now.get(&file.oid) else { return Ok(Proof::Unclear(format!("{name} is gone"))) };
        match (&now.last_vacuum, &file.last_vacuum) {
            (Some(now), before) if Some(now) != before.as_ref() => last.clone_from(now),
            (None, Some(_)) => {
                return Ok(Proof::Unclear(format!("the server has forgotten when {name} was vacuumed")));
            }
            _ if lost => {
                let why = format!("the server has lost its statistics: unknown whether {name} was vacuumed");
                return Ok(Proof::Unclear(why));
            }
            _ => return Ok(Proof::NotDone(format!("{name} was not vacuumed since"))),
        }
    }
    Ok(Proof::Done(match before.kind.as_str() {
        PARTITIONED => format!("{name}: {} vacuumed", counted(files.len() as u64, "partition was", "partitions were")),
        _ => format!("{name} was vacuumed at {last} UTC"),
    }))
}

async fn reindexed(session: &Session, before: &Object, head: &Head) -> Result<Proof, String> {
    let name = before.called();
    let named =
        crate::runner::adapters::sql::shape::Named { schema: Some(before.schema.clone()), name: before.name.clone() };
    let Some(now) = look::by_name(session, &named).await? else {
        return Ok(Proof::Unclear(format!("{name} is gone")));
    };
    let left = blockers::invalid_indexes(session, &[now.object.oid]).await?;
    let rebuilt = !before.is(&now.object);
    let earlier: Vec<&Left> = left.iter().filter(|left| head.left.contains(left)).collect();
    let earlier = match earlier.as_slice() {
        [] => String::new(),
        earlier => format!("; invalid since before, to be dropped: {}", blockers::names(earlier.iter().copied())),
    };
    let new = blockers::new_ones(left, &head.left);
    Ok(match (rebuilt, new.is_empty()) {
        (true, true) if earlier.is_empty() => Proof::Done(format!("{name} was rebuilt, and no invalid index is left")),
        (true, true) => Proof::Done(format!("{name} was rebuilt{earlier}")),
        (false, true) => Proof::NotDone(format!("{name} is the same as before{earlier}")),
        (rebuilt, false) => {
            let done = if rebuilt { "was rebuilt" } else { "is the same as before" };
            Proof::Unclear(format!("{name} {done}; left invalid: {}{earlier}", blockers::names(&new)))
        }
    })
}
