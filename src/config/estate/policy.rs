//! `[policy]`: what an estate does with its own records.

use crate::config::keys::{Form, Key, Kind, Needs, Section};
use crate::config::reader::{Problems, Table};
use crate::domain::quantity::parse_span;
use std::time::Duration;

/// How many sealed runs are kept, and for how long; one without either keeps all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// The newest runs that stay, however old they are.
    pub runs: Option<u32>,
    /// The age up to which a run stays, however many there are.
    pub age: Option<Duration>,
}

/// The most runs that can be named.
const MOST: i64 = 1_000_000;

const DAY: u64 = 86_400;

/// The keys of `keep`.
const KEYS: &[Key] = &[
    Key::optional(
        "runs",
        Kind::Int(1, MOST),
        "no run stays for its number",
        "500",
        "The newest runs that stay, however old they are.",
    ),
    Key::optional(
        "age",
        Kind::Days,
        "no run stays for its age",
        "\"400d\"",
        "The age up to which a run stays, however many there are.",
    ),
];

/// The section in the table of keys.
pub(super) const SECTION: Section = Section {
    name: "policy",
    form: Form::Once,
    doc: "What becomes of the records.",
    keys: &[Key::optional(
        "keep",
        Kind::Table(KEYS),
        "every run is kept",
        "{ runs = 500, age = \"400d\" }",
        "Sealed runs beyond both are removed when a run starts; with one of the two, beyond that one. Never the newest, one that is not sealed, \
         one with unknown outcomes or a rollback that is not complete, or one that another run names.",
    )],
    needs: Needs::Nothing,
};

/// Takes `policy` out of the top of the file.
pub(super) fn read(root: &mut Table, problems: &mut Problems) -> Keep {
    let Some(mut policy) = root.table("policy", problems) else { return Keep::default() };
    let at = policy.place_of("keep");
    let keep = policy.table("keep", problems).map(|mut keep| {
        let has_any = keep.has("runs") || keep.has("age");
        let runs_at = keep.place_of("runs");
        let runs = keep.int("runs", problems).and_then(|runs| {
            let fits = u32::try_from(runs).ok().filter(|_| (1..=MOST).contains(&runs));
            if fits.is_none() {
                problems.add(runs_at, format!("`runs` must be from 1 to {MOST}, not {runs}"));
            }
            fits
        });
        let age = keep.parsed("age", "a span of whole days such as \"400d\"", problems, |text| {
            parse_span(text).filter(|span| span.as_secs() >= DAY && span.as_secs() % DAY == 0)
        });
        keep.finish(problems);
        (has_any, Keep { runs, age })
    });
    policy.finish(problems);
    match keep {
        Some((false, _)) => {
            problems.add_with_hint(
                at,
                "`keep` must say `runs`, `age` or both",
                "such as { runs = 500, age = \"400d\" }",
            );
            Keep::default()
        }
        Some((true, keep)) => keep,
        None => Keep::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::estate::Estate;
    use std::path::Path;

    fn parsed(line: &str) -> Result<Keep, Vec<String>> {
        let text = format!("schema = 1\nname = \"e\"\nenvironment = \"other\"\n[policy]\n{line}\n");
        let read = Estate::parse(&text, Path::new("f"));
        read.map(|estate| estate.keep).map_err(|all| all.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn what_is_kept_is_read_and_what_makes_no_sense_is_refused_at_its_place() {
        let days = |days: u64| Some(Duration::from_secs(days * DAY));
        assert_eq!(parsed(""), Ok(Keep::default()));
        assert_eq!(parsed("keep = { runs = 500, age = \"400d\" }"), Ok(Keep { runs: Some(500), age: days(400) }));
        assert_eq!(parsed("keep = { age = \"2w\" }"), Ok(Keep { runs: None, age: days(14) }));
        for (line, text) in [
            ("keep = { runs = 0 }", "f:5:17: `runs` must be from 1 to 1000000, not 0"),
            ("keep = { age = \"36h\" }", "f:5:16: `age` must be a span of whole days such as \"400d\", not \"36h\""),
            ("keep = { age = \"0d\" }", "f:5:16: `age` must be a span of whole days such as \"400d\", not \"0d\""),
            ("keep = {}", "f:5:8: `keep` must say `runs`, `age` or both (such as { runs = 500, age = \"400d\" })"),
            ("keep = 500", "f:5:8: `keep` must be a table, not a whole number"),
            ("keep = { runs = 5, ages = \"1d\" }", "f:5:20: unknown key `ages` (did you mean `age`?)"),
            ("keeps = { runs = 5 }", "f:5:1: unknown key `keeps` (did you mean `keep`?)"),
        ] {
            assert_eq!(parsed(line), Err(vec![text.to_owned()]), "{line}");
        }
    }
}
