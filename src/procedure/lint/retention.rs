//! Procedures that delete what others keep longer.
//!
//! Two deletes contradict where one file can fall to both and their ages differ. A parameter has its default; a path without
//! one is open: it may be any directory that the estate's rows give it, and any that another delete names. What contradicts for
//! sure is an error, what does so for some value of an open parameter a warning.

use crate::config::estate::{BackupPlace, Estate};
use crate::config::reader::{Place, Problem, Value};
use crate::domain::TargetKind;
use crate::domain::quantity::{parse_span, span};
use crate::procedure::catalog::Library;
use crate::procedure::header::Procedure;
use crate::procedure::lint::problem;
use crate::procedure::params::{Bound, Param, ParamKind};
use crate::procedure::steps::RawStep;
use crate::procedure::template::fill;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// The directories that rows of the estate give to procedures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// The paths of its mounts.
    pub mounts: Vec<String>,
    /// The directories of its backups.
    pub backups: Vec<String>,
}

impl Places {
    /// Those of an estate.
    #[must_use]
    pub fn of(estate: &Estate) -> Self {
        let directory = |place: &BackupPlace| match place {
            BackupPlace::Files(pattern) => pattern.rsplit_once('/').map(|(directory, _)| directory.to_owned()),
            BackupPlace::Objects(_) => None,
        };
        Self {
            mounts: estate.mounts.iter().map(|mount| mount.path.display().to_string()).collect(),
            backups: estate.backups.iter().filter_map(|backup| directory(&backup.place)).collect(),
        }
    }
}

/// The directory that a procedure works below.
enum Root {
    /// It is known.
    Fixed(String),
    /// A parameter gives it, and rows of the estate these directories to that.
    Open { param: String, rows: Vec<String> },
}

/// What one step deletes.
struct Delete<'a> {
    procedure: &'a Procedure,
    at: Place,
    root: Root,
    /// The directory below the root, without slashes at its ends; empty for the root itself.
    under: String,
    pattern: String,
    except: Vec<String>,
    recursive: bool,
    /// From which age on, in seconds.
    older_s: u64,
}

/// What contradicts for sure, and what does for some value of an open parameter.
#[derive(Default)]
pub(super) struct Found {
    pub(super) errors: Vec<Problem>,
    pub(super) warnings: Vec<Problem>,
}

/// Reports each delete of the judged procedures that deletes what another procedure keeps longer.
pub(super) fn find(judged: &[&Procedure], library: &Library, places: &Places) -> Found {
    let all: Vec<Delete<'_>> = library.values().flat_map(|procedure| deletes(procedure, places)).collect();
    let mut found = Found::default();
    for (short, long) in all.iter().flat_map(|a| all.iter().map(move |b| (a, b))) {
        let is_judged = |one: &Delete<'_>| judged.iter().any(|judged| judged.id == one.procedure.id);
        if short.procedure.id == long.procedure.id || short.older_s >= long.older_s || !short.shares_names(long) {
            continue;
        }
        // Reported at the one that deletes too early; at the other where only that one is judged.
        let (this, what) = match (is_judged(short), is_judged(long)) {
            (true, _) => (short, ("deletes after", "keeps for", long)),
            (false, true) => (long, ("keeps for", "deletes after", short)),
            (false, false) => continue,
        };
        let age = |one: &Delete<'_>| match one.older_s {
            0 => "no time at all".to_owned(),
            seconds => span(Duration::from_secs(seconds)),
        };
        let (does, other_does, other) = what;
        let Some(meeting) = this.meets(other) else { continue };
        let message = format!("this {does} {} what {} {other_does} {}", age(this), other.procedure.id, age(other));
        let hint = Some(format!("{}:{}:{}", other.procedure.file.display(), other.at.line, other.at.column));
        match meeting.words(this, other) {
            None => found.errors.push(problem(this.procedure, this.at, message, hint)),
            Some(so) => found.warnings.push(problem(this.procedure, this.at, format!("{message}, {so}"), hint)),
        }
    }
    found
}

fn deletes<'a>(procedure: &'a Procedure, places: &Places) -> Vec<Delete<'a>> {
    let open = |param: &Param| param.default.is_none() && matches!(param.kind, ParamKind::Path);
    let value =
        |param: &Param| if open(param) { Bound::text(format!("{{{{{}}}}}", param.name)) } else { param.sample() };
    let values = procedure.params.iter().map(|param| (param.name.clone(), value(param))).collect();
    let root = procedure.root.as_ref().map(|node| fill(node, &values).value);
    let Some(Value::Text(root)) = root else { return Vec::new() };
    procedure.steps.iter().filter_map(|step| delete(procedure, step, &root, &values, places)).collect()
}

/// What a row of the estate gives to a parameter.
fn given_by_rows(procedure: &Procedure, param: &str, places: &Places) -> Vec<String> {
    let given = procedure.acts_on.iter().filter_map(|binding| {
        let text = binding.params.get(param)?.replace(' ', "");
        match (binding.row, text.as_str()) {
            (TargetKind::Mount, "{{row.facts.path}}" | "{{row.target}}") => Some(&places.mounts),
            (TargetKind::Backup, "{{row.facts.directory}}") => Some(&places.backups),
            _ => None,
        }
    });
    given.flatten().cloned().collect()
}

fn delete<'a>(
    procedure: &'a Procedure,
    step: &RawStep,
    root: &str,
    values: &BTreeMap<String, Bound>,
    places: &Places,
) -> Option<Delete<'a>> {
    let entry = step.rest.entries.iter().find(|entry| entry.key == "do")?;
    let Value::Table(action) = fill(&entry.node, values).value else { return None };
    let value = |key: &str| {
        action.entries.iter().find(|entry| entry.key == key).map(|entry| (entry.node.at, &entry.node.value))
    };
    let text = |key: &str| match value(key) {
        Some((_, Value::Text(text))) => Some(text.as_str()),
        _ => None,
    };
    if text("files") != Some("delete") {
        return None;
    }
    let older_s = match value("older") {
        None => 0,
        Some((_, Value::Int(days))) => u64::try_from(*days).ok()?.checked_mul(86_400)?,
        Some((_, Value::Text(text))) => parse_span(text)?.as_secs(),
        _ => return None,
    };
    let except: Vec<String> = match value("except") {
        Some((_, Value::List(items))) => items.iter().filter_map(|item| word(&item.value)).collect(),
        _ => Vec::new(),
    };
    let (root, behind) = match root.strip_prefix("{{").and_then(|rest| rest.split_once("}}")) {
        Some((param, behind)) => {
            let rows = given_by_rows(procedure, param, places);
            (Root::Open { param: param.to_owned(), rows }, behind)
        }
        None => (Root::Fixed(root.to_owned()), ""),
    };
    Some(Delete {
        procedure,
        at: value("older").map_or(entry.node.at, |(at, _)| at),
        root,
        under: plain(&format!("{behind}/{}", text("under")?)),
        pattern: text("match")?.to_owned(),
        except,
        recursive: matches!(value("recursive"), Some((_, Value::Bool(true)))),
        older_s,
    })
}

fn word(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    }
}

/// A relative path without needless parts.
fn plain(path: &str) -> String {
    path.split('/').filter(|part| !matches!(*part, "" | ".")).collect::<Vec<_>>().join("/")
}

/// A directory as it is found, its symbolic links followed as far as it exists on this machine.
fn real(directory: &str) -> String {
    let path = Path::new(directory);
    let found = path.ancestors().find_map(|above| Some((above, std::fs::canonicalize(above).ok()?)));
    let real = found.and_then(|(above, real)| Some(real.join(path.strip_prefix(above).ok()?).display().to_string()));
    format!("/{}", plain(real.as_deref().unwrap_or(directory)))
}

/// Where one file can fall to two deletes.
enum Meeting {
    /// Any value.
    Always,
    /// Where the open parameter of one of them is this directory.
    Where(String),
    /// Where both parameters are one directory.
    Together,
}

impl Meeting {
    /// The condition in words; nothing where there is none.
    fn words(&self, this: &Delete<'_>, other: &Delete<'_>) -> Option<String> {
        let of = |one: &Delete<'_>| match &one.root {
            Root::Open { param, .. } => Some(format!("`{param}` of {}", one.procedure.id)),
            Root::Fixed(_) => None,
        };
        let open: Vec<String> = [this, other].into_iter().filter_map(of).collect();
        match self {
            Self::Always => None,
            Self::Where(directory) => Some(format!("where {} is {directory}", open.join(" and "))),
            Self::Together => Some(format!("where {} are one directory", open.join(" and "))),
        }
    }
}

impl Delete<'_> {
    /// Whether one name can fall to both.
    fn shares_names(&self, other: &Self) -> bool {
        let left_alone = self.except.contains(&other.pattern) || other.except.contains(&self.pattern);
        !left_alone && intersect(&self.pattern, &other.pattern)
    }

    /// The directory, with this root.
    fn below(&self, root: &str) -> String {
        real(&format!("/{}/{}", plain(root), self.under))
    }

    /// Whether one file can lie in both places.
    fn shares_place(&self, own: &str, other: &Self, others: &str) -> bool {
        let below = |inner: &str, outer: &str| {
            inner.strip_prefix(outer.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/') && rest.len() > 1)
        };
        own == others || (self.recursive && below(others, own)) || (other.recursive && below(own, others))
    }

    /// Where one file can fall to both, as far as their places go.
    fn meets(&self, other: &Self) -> Option<Meeting> {
        match (&self.root, &other.root) {
            (Root::Fixed(own), Root::Fixed(others)) => {
                self.shares_place(&self.below(own), other, &other.below(others)).then_some(Meeting::Always)
            }
            (Root::Fixed(root), Root::Open { rows, .. }) => other.reaches(rows, self, root),
            (Root::Open { rows, .. }, Root::Fixed(root)) => self.reaches(rows, other, root),
            (Root::Open { rows: own, .. }, Root::Open { rows: others, .. }) => {
                let at = |root: &str| self.shares_place(&self.below(root), other, &other.below(root));
                let row = own.iter().filter(|row| others.contains(row)).find(|row| at(row.as_str()));
                let anywhere = !self.under.is_empty() && !other.under.is_empty() && at("/");
                row.map(|row| Meeting::Where(row.clone())).or(anywhere.then_some(Meeting::Together))
            }
        }
    }

    /// The root with which this delete reaches one whose place is known: one that the estate's rows give, the other's own, or one
    /// that ends where the other's directory, or one above it, goes on as this one does.
    fn reaches(&self, rows: &[String], fixed: &Self, root: &str) -> Option<Meeting> {
        let place = fixed.below(root);
        let mut roots: Vec<String> = rows.to_vec();
        if !self.under.is_empty() {
            let tail = format!("/{}", self.under);
            let above = Path::new(&place).ancestors().filter_map(Path::to_str);
            let ends = above.filter_map(|above| above.strip_suffix(tail.as_str()));
            roots.push(root.to_owned());
            roots.extend(ends.map(|root| if root.is_empty() { "/".to_owned() } else { root.to_owned() }));
        }
        let found = roots.into_iter().find(|root| self.shares_place(&self.below(root), fixed, &place));
        found.map(|root| Meeting::Where(format!("/{}", plain(&root))))
    }
}

/// Whether some name fits two patterns of `*` and `?`.
fn intersect(left: &str, right: &str) -> bool {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    // Each row says, for a beginning of `left`, with which beginnings of `right` it can agree.
    let star = |c: Option<&char>| c == Some(&'*');
    let mut row = vec![true];
    for place in 0..right.len() {
        row.push(row.last() == Some(&true) && star(right.get(place)));
    }
    for one in &left {
        let mut next = vec![*one == '*' && row.first() == Some(&true)];
        for (place, other) in right.iter().enumerate() {
            let (up, side, both) = (row.get(place + 1), next.get(place), row.get(place));
            let agrees = match (one, other) {
                ('*', _) | (_, '*') => up == Some(&true) || side == Some(&true) || both == Some(&true),
                ('?', _) | (_, '?') => both == Some(&true),
                (a, b) => a == b && both == Some(&true),
            };
            next.push(agrees);
        }
        row = next;
    }
    row.last() == Some(&true)
}
