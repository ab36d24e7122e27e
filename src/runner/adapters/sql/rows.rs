//! The rows that a DELETE or an UPDATE changes: its parts, its keys by the same WHERE, and its cascades.
//!
//! The rows of a statement on one table with a primary key, whose WHERE only computes, are frozen by their keys. More
//! than a million are frozen as a predicate with an upper bound and a count, *bounded, not listed*. The act adds the
//! keys to the author's WHERE: a row that no longer matches is left alone.

use crate::domain::quantity::{bytes, count, counted};
use crate::domain::{EffectClass, Error, Kind};
use crate::probes::postgres::connect::{Failure, NO_LOOK, Session};
use crate::procedure::quote::Quote;
use crate::procedure::sql::examine;
use crate::runner::adapters::sql::classify::classify;
use crate::runner::adapters::sql::look::Seen;
use crate::runner::adapters::{limit, write_line};
use serde::{Deserialize, Serialize};
use squawk_syntax::{SyntaxKind as K, SyntaxNode};
use std::io::Write;
use std::time::{Duration, Instant};

/// The most rows that are listed.
pub(super) const MOST: u64 = 1_000_000;
/// How many keys are fetched at once.
const FETCH: u64 = 10_000;
/// The time limit of a question about rows on the server.
const QUESTION: Duration = Duration::from_secs(50);

/// The parts of a statement whose rows can be frozen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parts {
    /// The text before WHERE.
    pub(super) head: String,
    /// The table as it is written, with ONLY and its alias.
    from: String,
    /// How its columns are named.
    alias: String,
    /// The condition; every row if there is none.
    condition: Option<String>,
    /// Whether it deletes rows.
    deletes: bool,
    /// Whether the condition names a column that is set.
    converges: bool,
}

/// Splits a statement into its parts.
///
/// # Errors
/// Why its rows cannot be frozen, in a few words.
pub(super) fn parts(sql: &str) -> Result<Parts, String> {
    examine(sql, |parsed| parts_of(&parsed.syntax_node())).map_err(|why| why.to_string())?
}

fn parts_of(tree: &SyntaxNode) -> Result<Parts, String> {
    let statement = tree.children().find(|node| matches!(node.kind(), K::DELETE | K::UPDATE));
    let Some(statement) = statement else { return Err("it is neither DELETE nor UPDATE".to_owned()) };
    let child = |kind: K| statement.children().find(|node| node.kind() == kind);
    for (kind, why) in [
        (K::WITH_CLAUSE, "it begins with WITH"),
        (K::USING_CLAUSE, "it uses other tables"),
        (K::FROM_CLAUSE, "it uses other tables"),
        (K::WHERE_CURRENT_OF, "it follows a cursor"),
        (K::RETURNING_CLAUSE, "it gives rows back"),
        (K::FOR_PORTION_OF, "it touches a part of a time"),
    ] {
        if child(kind).is_some() {
            return Err(why.to_owned());
        }
    }
    let deletes = statement.kind() == K::DELETE;
    let name = child(K::RELATION_NAME).ok_or("its table is not found")?;
    let alias = statement.children().find(|node| format!("{:?}", node.kind()).contains("ALIAS"));
    let clause = child(K::WHERE_CLAUSE);
    let condition = clause.as_ref().map(|clause| {
        let text = clause.text().to_string();
        text.trim_start().get("where".len()..).unwrap_or_default().to_owned()
    });
    let text = statement.text().to_string();
    let begin = usize::from(statement.text_range().start());
    let end = clause.as_ref().map(|clause| usize::from(clause.text_range().start()).saturating_sub(begin));
    let head = text.get(..end.unwrap_or(text.len())).unwrap_or_default();
    let head = head.trim_end().trim_end_matches(';').to_owned();
    let from = match &alias {
        Some(alias) => format!("{} {}", name.text(), alias.text()),
        None => name.text().to_string(),
    };
    let converges = deletes || names_a_set_column(child(K::SET_CLAUSE), clause.as_ref());
    let alias = match alias {
        Some(alias) => last_word(&alias),
        None => last_word(&name),
    };
    let parts = Parts { head, from, alias: alias.ok_or("its table has no plain name")?, condition, deletes, converges };
    match classify(&parts.select("1")) {
        Ok(class) if class.least == EffectClass::Read => Ok(parts),
        Ok(class) => Err(format!("in its WHERE {}", class.why)),
        Err(why) => Err(why),
    }
}

/// The last name in a node, as it is written.
fn last_word(node: &SyntaxNode) -> Option<String> {
    let tokens = node.descendants_with_tokens().filter_map(squawk_syntax::SyntaxElement::into_token);
    let names = tokens.filter(|token| token.text().starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '"'));
    names.last().map(|token| token.text().to_owned())
}

/// Whether a condition names a column that is set; only then does it exclude rows that were changed already.
fn names_a_set_column(set: Option<SyntaxNode>, condition: Option<&SyntaxNode>) -> bool {
    let words = |node: &SyntaxNode| -> Vec<String> {
        let tokens = node.descendants_with_tokens().filter_map(squawk_syntax::SyntaxElement::into_token);
        tokens
            .map(|token| token.text().to_lowercase())
            .filter(|text| text.starts_with(|c: char| c.is_alphabetic() || c == '"'))
            .collect()
    };
    let (Some(set), Some(condition)) = (set, condition) else { return false };
    let named = words(condition);
    // The first name of each assignment is the column that is set.
    let text = set.text().to_string();
    let text = text.trim_start().get("set".len()..).unwrap_or_default();
    let targets = text
        .split(',')
        .filter_map(|part| part.split('=').next())
        .map(|target| target.trim().trim_matches('(').to_lowercase());
    targets.into_iter().any(|target| named.contains(&target))
}

impl Parts {
    /// A SELECT over the same rows.
    fn select(&self, columns: &str) -> String {
        format!("SELECT {columns} FROM {}{}", self.from, self.filter())
    }

    fn filter(&self) -> String {
        self.condition.as_ref().map(|condition| format!(" WHERE ({condition}\n)")).unwrap_or_default()
    }

    /// The key's columns, as they are named in the statement.
    fn key(&self, rows: &Rows) -> String {
        let columns = rows.columns.iter().map(|column| format!("{}.{}", self.alias, Quote::Ident.quote(column)));
        columns.collect::<Vec<_>>().join(", ")
    }

    /// The statement for these keys only.
    pub(super) fn of_keys(&self, rows: &Rows, keys: &[Key]) -> String {
        let values: Vec<String> = keys.iter().map(|key| format!("({})", rows.literal(key))).collect();
        let and = self.condition.as_ref().map(|condition| format!("({condition}\n) AND ")).unwrap_or_default();
        // On its own line: a comment at the end of the head would swallow it.
        format!("{}\nWHERE {and}({}) IN (VALUES {})", self.head, self.key(rows), values.join(", "))
    }

    /// A SELECT of the next keys, in their order.
    pub(super) fn next_keys(&self, rows: &Rows, after: Option<&Key>, most: u64) -> String {
        let key = self.key(rows);
        let text = self.key_as_text(rows);
        let after = after.map(|after| format!("({key}) > ({})", rows.literal(after)));
        let filter = match (&self.condition, after) {
            (Some(condition), Some(after)) => format!(" WHERE ({condition}\n) AND {after}"),
            (None, Some(after)) => format!(" WHERE {after}"),
            (_, None) => self.filter(),
        };
        format!("SELECT {text} FROM {}{filter} ORDER BY {key} LIMIT {most}", self.from)
    }

    fn key_as_text(&self, rows: &Rows) -> String {
        let columns = rows.columns.iter().map(|column| format!("{}.{}::text", self.alias, Quote::Ident.quote(column)));
        columns.collect::<Vec<_>>().join(", ")
    }
}

/// The key of one row, as the server writes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(in crate::runner::adapters) struct Key {
    pub(super) key: Vec<String>,
}

/// The rows in the head of a set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::runner::adapters) struct Rows {
    /// The columns of the primary key, with their types.
    columns: Vec<String>,
    types: Vec<String>,
    /// Their number; for a bounded set, the upper bound.
    pub(super) count: u64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) bounded: bool,
    /// The cascades: the table, and how many of its rows if that is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) cascades: Vec<(String, Option<u64>)>,
}

impl Key {
    /// For people.
    pub(super) fn shown(&self) -> String {
        self.key.join(", ")
    }
}

impl Rows {
    fn literal(&self, key: &Key) -> String {
        let pairs = key.key.iter().zip(&self.types);
        pairs.map(|(value, kind)| format!("{}::{kind}", Quote::Literal.quote(value))).collect::<Vec<_>>().join(", ")
    }

    /// How many columns a key has.
    pub(super) fn width(&self) -> usize {
        self.columns.len()
    }
}

/// The rows in a prompt.
pub(super) struct Rendered {
    pub(super) rows: Rows,
    pub(super) parts: Parts,
    /// How many rows the table has, about.
    pub(super) of: Option<u64>,
    pub(super) bytes: Option<u64>,
    pub(super) facts: Vec<(String, String)>,
    pub(super) warnings: Vec<String>,
    pub(super) limit: Option<String>,
}

/// Finds the rows of a statement in a snapshot that stays open until [`stream`] has read their keys.
///
/// # Errors
/// The outer error refuses; the inner one is why the rows cannot be frozen; then the statement runs as a whole.
pub(super) async fn look(
    session: &Session,
    sql: &str,
    table: &Seen,
    wanted: Option<crate::procedure::plan::Limit>,
) -> Result<Result<Rendered, String>, Error> {
    let parts = match parts(sql) {
        Ok(parts) => parts,
        Err(why) => return Ok(Err(why)),
    };
    let called = table.object.called();
    let doing = format!("look at the rows of {called}");
    let describe = |failure: Failure| {
        if failure.is_denied() {
            let message = format!("cannot go on: the rows of {called} cannot be seen: {failure}");
            return Error::new(Kind::Refused, message).hint("grant SELECT on it to the role of `watch`");
        }
        Error::machine(&doing, failure)
    };
    let Some((columns, types)) = primary_key(session, table.object.oid).await.map_err(describe)? else {
        return Ok(Err("its table has no primary key".to_owned()));
    };
    if session.is_pooled() {
        return Err(Error::new(Kind::Refused, format!("cannot {doing}: {NO_LOOK}")));
    }
    session.rows("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await.map_err(describe)?;
    session.rows(&format!("SET LOCAL statement_timeout = {}", QUESTION.as_millis())).await.map_err(describe)?;
    let sums = parts.select(&format!("count(*) AS rows, sum(pg_column_size({}.*))::int8 AS size", parts.alias));
    let lines = session.rows_within(&sums, QUESTION + Duration::from_secs(1)).await.map_err(describe)?;
    let line = lines.first().ok_or_else(|| Error::machine(&doing, "the server counts nothing"))?;
    let number = |column: &str| line.int(column).and_then(|number| u64::try_from(number).ok());
    let found = number("rows").ok_or_else(|| Error::machine(&doing, "the server counts nothing"))?;
    let size = if found == 0 { Some(0) } else { number("size") };
    let of = match wanted {
        Some(crate::procedure::plan::Limit::Share(_)) => whole_count(session, &parts).await.map_err(describe)?,
        _ => table.rows.and_then(|rows| u64::try_from(rows).ok()),
    };
    let limit = limit::judge(wanted, found, of.unwrap_or(found), size, "rows")?;
    let bounded = found > MOST;
    let mut rows = Rows { columns, types, count: found, bounded, cascades: Vec::new() };
    let (mut facts, mut warnings) = (Vec::new(), Vec::new());
    if bounded {
        rows.count = limit::bound(found);
        let words =
            format!("bounded, not listed: {} rows now, at most {} are touched", count(found), count(rows.count));
        facts.push(("set".to_owned(), words));
    }
    let size = size.map(|size| format!(", {}", bytes(size))).unwrap_or_default();
    facts.push(("rows".to_owned(), format!("{} by the same WHERE{size}", count(found))));
    if parts.deletes {
        cascades(session, &parts, table, &mut rows, &mut facts, &mut warnings).await.map_err(describe)?;
    }
    if !parts.converges {
        let words = "its WHERE also matches rows that it has changed: a second run would change them again";
        warnings.push(words.to_owned());
    }
    let size = number("size");
    Ok(Ok(Rendered { rows, parts, of, bytes: size, facts, warnings, limit }))
}

async fn whole_count(session: &Session, parts: &Parts) -> Result<Option<u64>, Failure> {
    let lines = session.rows_within(&format!("SELECT count(*) AS rows FROM {}", parts.from), QUESTION).await?;
    Ok(lines.first().and_then(|line| line.int("rows")).and_then(|rows| u64::try_from(rows).ok()))
}

/// The columns of the primary key with their types; none if there is no such key.
async fn primary_key(session: &Session, oid: i64) -> Result<Option<(Vec<String>, Vec<String>)>, Failure> {
    let lines = session
        .rows(&format!(
            "SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS kind FROM pg_index i \
            CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, place) \
            JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum \
            WHERE i.indrelid = {oid} AND i.indisprimary AND k.place <= i.indnkeyatts ORDER BY k.place"
        ))
        .await?;
    let pair = |line: &crate::probes::postgres::connect::Line| {
        Some((line.text("name")?.to_owned(), line.text("kind")?.to_owned()))
    };
    let pairs: Option<Vec<_>> = lines.iter().map(pair).collect();
    Ok(pairs.filter(|pairs| !pairs.is_empty()).map(|pairs| pairs.into_iter().unzip()))
}

/// The rows that are deleted, or lose their reference, with the deleted rows.
async fn cascades(
    session: &Session,
    parts: &Parts,
    table: &Seen,
    rows: &mut Rows,
    facts: &mut Vec<(String, String)>,
    warnings: &mut Vec<String>,
) -> Result<(), Failure> {
    let asked = format!(
        "SELECT k.confdeltype AS kind, k.conrelid AS oid, format('%I.%I', n.nspname, c.relname) AS child, \
            (SELECT string_agg(format('%I', a.attname), ', ' ORDER BY x.place) FROM unnest(k.conkey) WITH ORDINALITY x(num, place) \
                JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = x.num) AS own, \
            (SELECT string_agg(format('%I', a.attname), ', ' ORDER BY x.place) FROM unnest(k.confkey) WITH ORDINALITY x(num, place) \
                JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = x.num) AS referred, \
            EXISTS (SELECT FROM pg_constraint f WHERE f.confrelid = k.conrelid AND f.contype = 'f' AND f.confdeltype = 'c') AS further \
        FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
        WHERE k.confrelid = {} AND k.contype = 'f' AND k.confdeltype IN ('c', 'n', 'd') AND k.conparentid = 0 ORDER BY 3",
        table.object.oid
    );
    for line in session.rows(&asked).await? {
        let text = |column: &str| line.text(column).unwrap_or_default().to_owned();
        let (child, own, referred) = (text("child"), text("own"), text("referred"));
        let referred: Vec<String> = referred.split(", ").map(|column| format!("{}.{column}", parts.alias)).collect();
        let filter = parts.select(&referred.join(", "));
        // A failed query would end the snapshot for the following ones.
        session.rows("SAVEPOINT cascade").await?;
        let counted_rows = format!("SELECT count(*) AS rows FROM {child} WHERE ({own}) IN ({filter})");
        let found = match session.rows_within(&counted_rows, QUESTION).await {
            Ok(lines) => lines.first().and_then(|line| line.int("rows")).and_then(|rows| u64::try_from(rows).ok()),
            Err(failure) if failure.code.is_some() => {
                session.rows("ROLLBACK TO SAVEPOINT cascade").await?;
                None
            }
            Err(failure) => return Err(failure),
        };
        let verb = if text("kind") == "c" { "go with them" } else { "lose their reference" };
        let many = found.map_or_else(|| "an unknown number of rows".to_owned(), |found| counted(found, "row", "rows"));
        facts.push((format!("cascade to {child}"), format!("{many} {verb}")));
        if found.is_none_or(|found| found > 0) {
            warnings.push(format!("{many} of {child} {verb}"));
        }
        if line.flag("further") == Some(true) && text("kind") == "c" {
            warnings.push(format!("from {child} it goes on to further tables, which are not counted"));
        }
        rows.cascades.push((child, found));
    }
    Ok(())
}

/// Writes the keys of a listed set, as many as its head holds.
pub(super) async fn stream(
    session: &Session,
    rendered: &Rendered,
    deadline: Instant,
    set: &mut dyn Write,
) -> Result<(), Error> {
    let doing = "freeze the rows";
    let failed = |why: &dyn std::fmt::Display| Error::machine(doing, why);
    if !rendered.rows.bounded && rendered.rows.count > 0 {
        let keys = rendered.parts.key(&rendered.rows);
        let columns = rendered.parts.key_as_text(&rendered.rows);
        let asked = format!("DECLARE keys NO SCROLL CURSOR FOR {} ORDER BY {keys}", rendered.parts.select(&columns));
        session.rows_within(&asked, QUESTION).await.map_err(|why| failed(&why))?;
        let mut left = rendered.rows.count;
        while left > 0 {
            if Instant::now() >= deadline {
                return Err(failed(&"it took longer than a preview may"));
            }
            let lines =
                session.rows_within(&format!("FETCH {FETCH} FROM keys"), QUESTION).await.map_err(|why| failed(&why))?;
            if lines.is_empty() {
                return Err(failed(&"the server gives fewer keys than it counts"));
            }
            for line in &lines {
                let key = key_of(line, rendered.rows.width()).ok_or_else(|| failed(&"a key is null"))?;
                write_line(set, &key)?;
                left = left.checked_sub(1).ok_or_else(|| failed(&"the server gives more keys than it counts"))?;
            }
        }
    }
    session.rows("ROLLBACK").await.map_err(|why| failed(&why)).map(drop)
}

/// The key in one line of an answer.
pub(super) fn key_of(line: &crate::probes::postgres::connect::Line, width: usize) -> Option<Key> {
    (0..width).map(|place| line.at(place).map(str::to_owned)).collect::<Option<Vec<_>>>().map(|key| Key { key })
}

#[cfg(test)]
mod tests;
