//! Changes exactly the rows whose keys were frozen, in batches, each in its own transaction.

use crate::domain::quantity::count;
use crate::journal::record::Ending;
use crate::probes::postgres::connect::act::Acting;
use crate::runner::adapters::ActEnd;
use crate::runner::adapters::sql::act::Work;
use crate::runner::adapters::sql::frozen;
use crate::runner::adapters::sql::rows::{Key, Parts, Rows, key_of, parts};
use std::io::{BufRead, Write};
use std::sync::atomic::Ordering;

/// How many rows a transaction changes.
const BATCH: u64 = 1000;

/// The counts.
#[derive(Default)]
struct Tally {
    /// The rows that were touched.
    done: u64,
    /// The rows that were named.
    named: u64,
}

/// The source of the keys.
enum Source<'a> {
    /// The frozen set.
    Listed(&'a mut dyn BufRead),
    /// The predicate, in the order of the key, up to the bound.
    Bounded(Option<Key>),
}

impl Work<'_> {
    /// Runs the statement on the frozen rows.
    pub(super) async fn on_rows(
        &self,
        acting: &mut Acting,
        rows: &Rows,
        set: &mut dyn BufRead,
        out: &mut dyn Write,
        skipped: &mut Vec<String>,
    ) -> ActEnd {
        let parts = match parts(self.sql) {
            Ok(parts) => parts,
            Err(why) => return ActEnd::new(Ending::Failed, format!("nothing was done: {why}")),
        };
        let mut tally = Tally::default();
        let mut source = if rows.bounded { Source::Bounded(None) } else { Source::Listed(set) };
        let stopped = loop {
            if self.cancel.load(Ordering::Relaxed) {
                break Some(ActEnd::new(Ending::Cancelled, "stopped"));
            }
            let keys = match next(&mut source, acting, &parts, rows, tally.named).await {
                Ok(keys) if keys.is_empty() => break None,
                Ok(keys) => keys,
                Err(why) => break Some(ActEnd::new(Ending::Failed, format!("stopped: {why}"))),
            };
            let sql = parts.of_keys(rows, &keys);
            match self.with_retries(acting, &sql, out, skipped).await {
                Ok(done) => {
                    tally.named += keys.len() as u64;
                    tally.done += done.rows;
                    let _ = writeln!(out, "{} of {} rows", count(tally.done), count(rows.count));
                }
                Err(end) => break Some(end),
            }
        };
        self.end_of_rows(rows, &tally, stopped)
    }

    fn end_of_rows(&self, rows: &Rows, tally: &Tally, stopped: Option<ActEnd>) -> ActEnd {
        let word = self.shape.word.to_uppercase();
        let left_alone = tally.named.saturating_sub(tally.done);
        let all = if rows.bounded { "at most " } else { "" };
        let mut detail = format!("{word} of {} of {all}{} rows", count(tally.done), count(rows.count));
        if left_alone > 0 {
            detail.push_str(&format!(", {} left alone", count(left_alone)));
        }
        let mut end = match stopped {
            Some(mut end) => {
                end.detail = format!("{}: {detail}; what was done stays done", end.detail);
                end
            }
            None if tally.done == 0 && left_alone > 0 => ActEnd::new(Ending::Failed, detail),
            None => ActEnd::new(Ending::Ok, detail),
        };
        end.counts.insert("rows".to_owned(), tally.done);
        if left_alone > 0 {
            end.counts.insert("left_alone".to_owned(), left_alone);
        }
        end
    }
}

/// The next keys; none at the end, or when the bound is reached.
async fn next(
    source: &mut Source<'_>,
    acting: &Acting,
    parts: &Parts,
    rows: &Rows,
    named: u64,
) -> Result<Vec<Key>, String> {
    let most = BATCH.min(rows.count.saturating_sub(named));
    let mut keys = Vec::new();
    match source {
        Source::Listed(set) => {
            while (keys.len() as u64) < most {
                let key = frozen::next_key(*set, rows.width()).map_err(|error| error.message)?;
                keys.push(key.ok_or("the frozen set ends before its last row")?);
            }
        }
        Source::Bounded(after) => {
            if most == 0 {
                let more = acting.session().rows(&parts.next_keys(rows, after.as_ref(), 1)).await?;
                return if more.is_empty() { Ok(keys) } else { Err("there are more rows than were shown".to_owned()) };
            }
            let lines = acting.session().rows_within(&parts.next_keys(rows, after.as_ref(), most), PATIENCE).await?;
            for line in &lines {
                keys.push(key_of(line, rows.width()).ok_or("a key is null")?);
            }
            *after = keys.last().cloned().or_else(|| after.take());
        }
    }
    Ok(keys)
}

/// How long reading the keys of a batch may take.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(600);
