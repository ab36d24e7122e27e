//! `newest`: the age and the size of the newest file of a pattern.
//!
//! No file at all fails. A directory that cannot be read is unknown. Checksums, logs and unfinished files are left
//! out, as in the Backups pane.

use crate::config::reader::{Problems, Table};
use crate::domain::quantity::{age, bytes, parse_bytes, parse_span, span};
use crate::domain::{EffectClass, Error, Evidence};
use crate::journal::record::Ending;
use crate::probes::backups::kind::{self, Kind};
use crate::probes::clock;
use crate::procedure::adapters::Purpose;
use crate::procedure::plan::Action;
use crate::runner::adapters::files::beneath::{Root, split};
use crate::runner::adapters::files::frozen::Frozen;
use crate::runner::adapters::files::look::all;
use crate::runner::adapters::files::{KEY, Op, Select, Spec, pattern, relative};
use crate::runner::adapters::frozen::Listed;
use crate::runner::adapters::{self as common, ActEnd, Look};
use crate::runner::identity;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::time::{Duration, Instant};

/// How long the look may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The conditions for the newest file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Wanted {
    /// Not older than this, in seconds.
    younger_s: Option<u64>,
    /// Not smaller than this, in bytes.
    larger: u64,
}

/// Reads the action.
pub(super) fn parse(purpose: Purpose, mut table: Table, root: String, problems: &mut Problems) -> Option<Action> {
    let at = table.at;
    let under_at = table.place_of("under");
    let under = table.required_text("under", problems).and_then(|text| relative(&text, "under", under_at, problems));
    let match_at = table.place_of("match");
    let pattern = table.required_text("match", problems).and_then(|text| pattern(text, match_at, problems));
    let has_limit = table.has("younger");
    let younger = table.parsed("younger", "a span such as \"24h\" or \"7d\"", problems, |text| {
        parse_span(text).map(|span| span.as_secs()).filter(|seconds| *seconds > 0)
    });
    if !has_limit && purpose == Purpose::Check {
        problems.add(at, "`younger` is missing: how old may the newest be?");
    }
    // An empty file is not a backup.
    let larger = table.parsed("larger", "a size such as \"1MiB\"", problems, parse_bytes).unwrap_or(1);
    let recursive = table.bool("recursive", problems).unwrap_or(false);
    table.finish(problems);
    let (under, pattern) = (under?, pattern?);
    let slash = if under.is_empty() { "" } else { "/" };
    let mut line = format!("the newest {under}{slash}{pattern}");
    if let Some(seconds) = younger {
        line.push_str(&format!(" is younger than {}", span(Duration::from_secs(seconds))));
    }
    let select = Select { under, pattern, except: Vec::new(), older_s: None, keep_newest: 0, recursive, larger: 0 };
    let newest = Some(Wanted { younger_s: younger, larger });
    let spec = Spec { select: Some(select), newest, ..Spec::of(Op::Newest, root) };
    common::action(KEY, EffectClass::Read, line, &spec)
}

/// Looks, and judges what was found.
pub(super) fn act(action: &Action, spec: &Spec, out: &mut dyn Write) -> ActEnd {
    let (Some(select), Some(wanted)) = (&spec.select, &spec.newest) else {
        return ActEnd::unknown("the action names no files");
    };
    match find(spec, select) {
        Err(cause) => ActEnd::unknown(cause.message),
        Ok(None) => ActEnd::new(Ending::Failed, format!("no file fits {} under {}", select.pattern, spec.root)),
        Ok(Some(file)) => {
            let end = judge(&file, wanted, action);
            let _ = writeln!(out, "{}", end.detail);
            end
        }
    }
}

/// The newest file that matches.
pub(super) fn find(spec: &Spec, select: &Select) -> Result<Option<Frozen>, Error> {
    let look = Look {
        limit: None,
        takes_s: None,
        undo: String::new(),
        host: identity::host_name(),
        effect: EffectClass::Read,
        now: clock::now().wall,
        deadline: Instant::now() + PATIENCE,
        restless: Vec::new(),
    };
    let mut files = all(&Root::open(&spec.root)?, spec, select, &look)?;
    files.retain(|file| kind::of(split(&file.name.0).1, select.pattern.as_bytes()) == Kind::Member);
    Ok(files.into_iter().max_by(|a, b| a.mtime.cmp(&b.mtime).then_with(|| a.name.cmp(&b.name))))
}

fn judge(file: &Frozen, wanted: &Wanted, action: &Action) -> ActEnd {
    let now = clock::now().wall;
    let item = file.item();
    let old = now.since(file.modified());
    let detail = format!("{} · {} old · {}", item.name, age(old), bytes(file.size));
    let facts = BTreeMap::from([
        ("name".to_owned(), item.name),
        ("size_bytes".to_owned(), file.size.to_string()),
        ("age_s".to_owned(), old.as_secs().to_string()),
        ("modified".to_owned(), file.modified().0.to_string()),
    ]);
    let evidence = Evidence { source: action.line.clone(), seen: now, facts };
    let limit = wanted.younger_s.map(Duration::from_secs);
    let end = match limit {
        // A time in the future has no age.
        _ if file.modified() > now => ActEnd::unknown(format!("{detail}; its time is in the future")),
        Some(limit) if old > limit => ActEnd::new(Ending::Failed, format!("{detail}; limit {}", span(limit))),
        _ if file.size < wanted.larger => {
            ActEnd::new(Ending::Failed, format!("{detail}; less than {}", bytes(wanted.larger)))
        }
        _ => ActEnd::new(Ending::Ok, detail),
    };
    end.seen(evidence)
}
