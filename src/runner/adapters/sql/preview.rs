//! The preview of a statement: which server, which objects, which lock, which sessions block it.

use crate::domain::quantity::{bytes, count, counted, shortened};
use crate::domain::reference;
use crate::domain::{EffectClass, Error, Kind, Listing, Preview};
use crate::probes::postgres::connect::{Failure, Session, connect};
use crate::procedure::plan::Action;
use crate::procedure::quote::Quote;
use crate::runner::adapters::frozen;
use crate::runner::adapters::sql::blockers::{self, Left};
use crate::runner::adapters::sql::frozen::Head;
use crate::runner::adapters::sql::look::{self, Seen, Server};
use crate::runner::adapters::sql::shape::{Shape, shape};
use crate::runner::adapters::sql::{Ask, Spec, connection, listing, one_line, rows, short};
use crate::runner::adapters::{self as common, Look};
use std::io::Write;
use std::time::Duration;

/// The SQLSTATE of a missing privilege.
const DENIED: &str = "permission denied";

/// The result of the look.
struct Sight {
    place: String,
    server: Server,
    shape: Shape,
    objects: Vec<Seen>,
    /// The partitions that the statement processes, beside the objects that it names.
    partitions: Vec<Seen>,
    /// The existing invalid indexes.
    left: Vec<Left>,
    facts: Vec<(String, String)>,
    warnings: Vec<String>,
    /// The rows, if they are frozen.
    rows: Option<rows::Rendered>,
}

/// Looks over `watch`, and freezes the server, the statement and its objects.
pub(in super::super) fn preview(action: &Action, asked: &Look, set: &mut dyn Write) -> Result<Preview, Error> {
    let spec: Spec = common::spec(action)?;
    let Ask::Statement { sql, lock_timeout_ms, .. } = &spec.ask else {
        return Err(Error::new(Kind::Usage, format!("cannot preview \"{}\": it only looks", action.line)));
    };
    connection::finish(async {
        let (session, sight) = see(&spec, sql, action.least, asked).await?;
        asked.in_time(&format!("look at {}", spec.target))?;
        freeze(&session, sql, &sight, asked, set).await?;
        Ok(shown(&spec, sql, Duration::from_millis(*lock_timeout_ms), asked, sight))
    })?
}

/// Writes the set.
async fn freeze(session: &Session, sql: &str, sight: &Sight, asked: &Look, set: &mut dyn Write) -> Result<(), Error> {
    let head = Head {
        set: "sql".to_owned(),
        system: sight.server.system.clone(),
        database: sight.server.database.clone(),
        statement: sql.to_owned(),
        counted_since: sight.server.counted_since.clone(),
        count: (sight.objects.len() + sight.partitions.len()) as u64,
        left: sight.left.clone(),
        rows: sight.rows.as_ref().map(|rendered| rendered.rows.clone()),
    };
    frozen::write(set, &head, sight.objects.iter().chain(&sight.partitions).map(|seen| &seen.object))?;
    match &sight.rows {
        Some(answer) => rows::stream(session, answer, asked.deadline, set).await,
        None => Ok(()),
    }
}

async fn see(spec: &Spec, sql: &str, least: EffectClass, asked: &Look) -> Result<(Session, Sight), Error> {
    let doing = format!("look at {}", spec.target);
    let failed = |why: &dyn std::fmt::Display| Error::machine(&doing, why);
    let session = connect(&spec.watch()?.access()).await.map_err(|why| failed(&why))?;
    let server = look::server(&session).await.map_err(|why| failed(&why))?;
    if server.standby && least > EffectClass::Read {
        let message = format!("cannot go on: {} is a standby, which takes no changes", spec.target);
        return Err(Error::new(Kind::Refused, message).hint("let `act` and `watch` lead to the primary"));
    }
    let shape = shape(sql);
    let mut sight = Sight {
        place: format!("{} ({})", spec.target, session.server()),
        server,
        shape,
        objects: Vec::new(),
        partitions: Vec::new(),
        left: Vec::new(),
        facts: Vec::new(),
        warnings: Vec::new(),
        rows: None,
    };
    for named in &sight.shape.named {
        match look::by_name(&session, named).await.map_err(|why| failed(&why))? {
            Some(seen) => sight.objects.push(seen),
            None => match &named.schema {
                Some(schema) => sight.warnings.push(format!("there is no {schema}.{}", named.name)),
                None => sight.warnings.push(format!("{} has no schema before it and is not looked for", named.name)),
            },
        }
    }
    sight.objects.sort_by_key(|seen| seen.object.oid);
    sight.objects.dedup_by_key(|seen| seen.object.oid);
    for seen in &mut sight.objects {
        look::measure(&session, seen).await;
    }
    partitions(&session, &mut sight).await.map_err(|why| failed(&why))?;
    around(&session, sql, &mut sight).await;
    if matches!(sight.shape.word.as_str(), "delete" | "update") {
        row_by_row(&session, sql, asked, &mut sight).await?;
    }
    Ok((session, sight))
}

/// Adds the partitions that a VACUUM or an ANALYZE of a partitioned table processes.
async fn partitions(session: &Session, sight: &mut Sight) -> Result<(), Failure> {
    if !matches!(sight.shape.word.as_str(), "vacuum" | "analyze") {
        return Ok(());
    }
    for seen in sight.objects.iter_mut().filter(|seen| seen.object.kind == "partitioned table") {
        let found = look::partitions(session, seen.object.oid).await?;
        let oids: Vec<i64> = found.iter().map(|part| part.object.oid).collect();
        let dead: i64 = found.iter().map(|part| part.dead.max(0)).sum();
        seen.size = look::sizes(session, &oids).await;
        let size = seen.size.as_ref().map_or_else(|why| format!("size unknown ({why})"), |size| bytes(*size));
        let dead = count(u64::try_from(dead).unwrap_or_default());
        let parts = counted(found.len() as u64, "partition", "partitions");
        sight
            .facts
            .push((format!("partitions of {}", seen.object.called()), format!("{parts} · {size} · {dead} dead")));
        sight.partitions.extend(found);
    }
    sight.partitions.sort_by_key(|seen| seen.object.oid);
    sight.partitions.dedup_by_key(|seen| seen.object.oid);
    let named = &sight.objects;
    sight.partitions.retain(|part| !named.iter().any(|seen| seen.object.oid == part.object.oid));
    Ok(())
}

/// Finds the rows of a DELETE or an UPDATE, or reports why they are not frozen.
async fn row_by_row(session: &Session, sql: &str, asked: &Look, sight: &mut Sight) -> Result<(), Error> {
    let table = sight.objects.iter().find(|seen| seen.object.kind.ends_with("table"));
    let result = match (table, rows::parts(sql)) {
        (Some(table), Ok(_)) => rows::look(session, sql, table, asked.limit).await?,
        (None, Ok(_)) => Err("its table is not found".to_owned()),
        (_, Err(why)) => Err(why),
    };
    match result {
        Ok(mut rendered) => {
            sight.facts.retain(|(name, _)| name != "rows");
            sight.facts.append(&mut rendered.facts);
            sight.warnings.append(&mut rendered.warnings);
            sight.rows = Some(rendered);
        }
        Err(why) if asked.limit.is_some() => {
            let message = format!("cannot go on: the rows cannot be held against their limit: {why}");
            return Err(Error::new(Kind::Refused, message));
        }
        Err(why) => sight.warnings.push(format!("its rows are not frozen, and the statement is done whole: {why}")),
    }
    Ok(())
}

/// The circumstances of the statement now. If one cannot be learned, that is shown, and the rest goes on.
async fn around(session: &Session, sql: &str, sight: &mut Sight) {
    let all = sight.objects.iter().chain(&sight.partitions);
    let oids: Vec<i64> = all.flat_map(|seen| [Some(seen.object.oid), seen.table_oid]).flatten().collect();
    if let Some(lock) = sight.shape.lock {
        sight.facts.push(("lock".to_owned(), format!("{}: blocks {}", lock.mode, lock.blocks)));
        let text = match look::in_the_way(session, &oids, lock, 0).await {
            Ok(found) if found.is_empty() => "no session now".to_owned(),
            Ok(found) => {
                sight.warnings.extend(found.iter().map(|who| format!("in the way now: {who}")));
                found.join("; ")
            }
            Err(why) => format!("not known: {why}"),
        };
        sight.facts.push(("in the way".to_owned(), text));
    }
    if let Some(setting) = sight.shape.setting.clone() {
        sight.facts.extend(settings(session, &setting, &mut sight.warnings).await);
    }
    if sight.shape.counts_rows {
        sight.facts.push(("rows".to_owned(), estimate(session, sql).await));
    }
    if sight.shape.concurrently {
        beside_others(session, &oids, sight).await;
    }
    if sight.shape.word == "vacuum" {
        match look::oldest_snapshot(session, look::OLD_S).await {
            Ok(Some(snapshot)) if snapshot.is_old() => {
                let (who, aged) = (&snapshot.who, snapshot.aged());
                sight.warnings.push(format!("the oldest snapshot is of {who}, {aged}: rows that died since stay"));
            }
            Ok(_) => {}
            Err(why) => sight.warnings.push(format!("the oldest snapshot is not known: {why}")),
        }
    }
}

/// The sessions that it will wait for, and the invalid indexes of earlier ones.
async fn beside_others(session: &Session, oids: &[i64], sight: &mut Sight) {
    let text = match blockers::waited_for(session, oids, 0).await {
        Ok(found) if found.is_empty() => "no transaction now".to_owned(),
        Ok(found) => {
            sight.warnings.extend(found.iter().map(|who| format!("it will wait for {who}")));
            found.join("; ")
        }
        Err(why) => format!("not known: {why}"),
    };
    sight.facts.push(("waits for".to_owned(), text));
    match blockers::invalid_indexes(session, oids).await {
        Ok(left) => {
            let others = left.iter().filter(|left| !oids.contains(&left.oid));
            sight
                .warnings
                .extend(others.map(|left| format!("an invalid index is there already, to be dropped: {}", left.name)));
            sight.left = left;
        }
        Err(why) => sight.warnings.push(format!("whether an invalid index is there already is not known: {why}")),
    }
}

/// The current setting, and whether changing it needs a restart.
async fn settings(session: &Session, name: &str, warnings: &mut Vec<String>) -> Vec<(String, String)> {
    let name = Quote::Literal.quote(name);
    let asked = format!(
        "SELECT s.setting || coalesce(' ' || s.unit, '') AS now, s.context, s.pending_restart AS pending, s.min_val, s.max_val \
         FROM pg_settings s WHERE s.name = {name}"
    );
    let line = match session.rows(&asked).await {
        Ok(lines) => lines.into_iter().next(),
        Err(why) => return vec![("setting".to_owned(), format!("not known: {why}"))],
    };
    let Some(line) = line else {
        warnings.push("the server knows no setting of this name".to_owned());
        return Vec::new();
    };
    let takes = match line.text("context") {
        Some("postmaster") => {
            warnings.push("it takes effect only when the server is restarted".to_owned());
            "after a restart of the server"
        }
        Some("sighup") => "after a reload (SELECT pg_reload_conf())",
        Some("internal") => "never: it cannot be changed",
        Some(_) => "after a reload, in sessions that begin then",
        None => "not known",
    };
    if line.flag("pending") == Some(true) {
        warnings.push("an earlier change of it waits for a restart already".to_owned());
    }
    let mut facts = vec![("now".to_owned(), line.text("now").unwrap_or("not known").to_owned())];
    if let (Some(least), Some(most)) = (line.text("min_val"), line.text("max_val")) {
        facts.push(("range".to_owned(), format!("{least} to {most}")));
    }
    facts.push(("takes effect".to_owned(), takes.to_owned()));
    facts
}

/// How many rows the planner expects; the statement does not run.
async fn estimate(session: &Session, sql: &str) -> String {
    let line = match session.row(&format!("EXPLAIN (FORMAT JSON) {sql}")).await {
        Ok(line) => line,
        Err(why) if why.is_denied() => return format!("not known: {DENIED} to ask for the plan"),
        Err(why) => return format!("not known: {why}"),
    };
    let plan: Option<serde_json::Value> = line.at(0).and_then(|text| serde_json::from_str(text).ok());
    let top = plan.as_ref().and_then(|plan| plan.get(0)?.get("Plan"));
    let source = top.and_then(|top| if is_writing(top) { top.get("Plans")?.get(0) } else { Some(top) });
    match source.and_then(|node| node.get("Plan Rows")?.as_u64()) {
        Some(rows) => format!("about {} (the planner's estimate)", count(rows)),
        None => "unknown: the plan has no estimate".to_owned(),
    }
}

fn is_writing(node: &serde_json::Value) -> bool {
    node.get("Node Type").and_then(serde_json::Value::as_str) == Some("ModifyTable")
}

fn shown(spec: &Spec, sql: &str, lock_timeout: Duration, asked: &Look, sight: Sight) -> Preview {
    let Sight { place, server, shape, objects, mut facts, mut warnings, rows, .. } = sight;
    let role = if server.standby { "standby" } else { "primary" };
    let who = format!("PostgreSQL {} · {role} · system {}", server.version, server.system);
    // Open references in a plan are named before it is cut, so that no name is cut in its braces.
    let headline = shortened(&reference::show(&one_line(sql)), Listing::SHORT);
    let listing = listing(&reference::show(sql));
    let mut pairs = vec![("server".to_owned(), who)];
    for seen in &objects {
        pairs.push((format!("{} {}", seen.object.kind, seen.object.called()), look::describe(seen)));
    }
    pairs.append(&mut facts);
    if shape.lock.is_some() {
        pairs.push(("lock timeout".to_owned(), short(lock_timeout)));
    }
    if let Some(copy) = copy(&shape, &objects) {
        pairs.push(("disk".to_owned(), copy));
    }
    let stopped = if rows.is_some() { "the batches that are done stay done" } else { when_stopped(&shape) };
    pairs.push(("when stopped".to_owned(), stopped.to_owned()));
    if asked.effect == EffectClass::Destroy {
        warnings.extend(objects.iter().filter(|seen| !seen.dependants.is_empty()).map(dependants));
    }
    let sizes: Option<Vec<u64>> = objects.iter().map(|seen| seen.size.clone().ok()).collect();
    let number = rows.as_ref().map_or(objects.len().max(1) as u64, |rendered| rendered.rows.count);
    let size = match &rows {
        Some(answer) => answer.bytes,
        None => sizes.filter(|sizes| !sizes.is_empty()).map(|sizes| sizes.into_iter().fold(0, u64::saturating_add)),
    };
    let destroys = asked.effect == EffectClass::Destroy;
    let noun = match objects.as_slice() {
        [only] => common::plain_word(&only.object.name, "table"),
        [] => "statement".to_owned(),
        _ => "objects".to_owned(),
    };
    let phrase = format!("{} {number} {noun}", common::plain_word(&shape.word, "run"));
    Preview {
        headline: format!("{headline} on {}", spec.target),
        place,
        count: number,
        of: rows.as_ref().and_then(|output| output.of),
        bytes: size,
        facts: pairs,
        warnings,
        listing,
        limit: rows.and_then(|found| found.limit),
        undo: asked.undo.clone(),
        takes_s: asked.takes_s,
        phrase: if destroys { phrase } else { String::new() },
        ..Preview::default()
    }
}

fn dependants(seen: &Seen) -> String {
    format!("{} depend on {}: {}", seen.dependants.len(), seen.object.called(), seen.dependants.join(", "))
}

/// The disk space that a rewrite needs beside the old table.
fn copy(shape: &Shape, objects: &[Seen]) -> Option<String> {
    let rewrites = match shape.word.as_str() {
        "reindex" | "cluster" => true,
        "vacuum" => shape.lock.is_some_and(|lock| lock.mode == "AccessExclusive"),
        _ => false,
    };
    let size = objects.iter().map(|seen| seen.size.clone().ok()).sum::<Option<u64>>();
    rewrites.then(|| match size {
        Some(size) => format!("up to {} more until it is done, and as much WAL", bytes(size)),
        None => "a second copy until it is done, and as much WAL".to_owned(),
    })
}

/// Source: PostgreSQL 18 manual, the reference pages of VACUUM, REINDEX and ALTER TABLE.
fn when_stopped(shape: &Shape) -> &'static str {
    match shape.word.as_str() {
        "vacuum" if shape.lock.is_some_and(|lock| lock.mode != "AccessExclusive") => "what is done so far stays done",
        "alter" if shape.concurrently => "the partition stays half detached: FINALIZE completes it",
        _ if shape.concurrently => "an invalid index may be left, which must be dropped",
        _ => "nothing is changed",
    }
}
