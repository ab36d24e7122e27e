//! What stands on a page for parameters that are not given: `<root>`, which no value can be mistaken for.
//!
//! A plan is made of values. So each open parameter gets one that occurs nowhere else, and the page that comes of it shows the
//! parameter's name in its place. Where a step takes only certain values (a word of a list, a number within bounds), one of those
//! stands there instead, and the page says so.

use crate::config::estate::Estate;
use crate::domain::TargetKind;
use crate::domain::error::Result;
use crate::gate::{World, plans};
use crate::procedure::Procedure;
use crate::procedure::params::{ANY_TARGET, Param, ParamKind};
use crate::procedure::plan::Plan;
use std::collections::BTreeMap;
use std::path::Path;

/// A number that no procedure declares, in days 2.7 million years.
const NUMBER: i64 = 987_654_321;

/// Values that stand for open parameters.
#[derive(Clone, Debug, Default)]
pub(super) struct Open {
    /// What is given and what stands for the rest, by parameter.
    pub(super) values: BTreeMap<String, String>,
    /// What the page shows, by open parameter: `<root>`, or a value of the right type.
    pub(super) shown: BTreeMap<String, String>,
    /// What to look for on the page, each with the name that stands there.
    marks: Vec<(String, String)>,
}

/// The plan with something in the place of each parameter that is neither given nor has a default.
///
/// # Errors
/// When no plan can be made even with values of the right types.
pub(super) fn drafted(world: &World, procedure: &Procedure, given: &BTreeMap<String, String>) -> Result<(Plan, Open)> {
    let open: Vec<&Param> = procedure.params.iter().filter(|param| is_open(param, given)).collect();
    let widened = widened(procedure, given);
    let (world, mut kept) = (with_targets(world, &open), Vec::new());
    let draft = |marked: &[usize]| {
        let open = placeholders(&world, &open, marked, given);
        plans::draft(&world, &widened, &open.values).map(|plan| (plan, open))
    };
    let all: Vec<usize> = (0..open.len()).collect();
    if let Ok(drafted) = draft(&all) {
        return Ok(drafted);
    }
    for place in all {
        if draft(&[place]).is_ok() {
            kept.push(place);
        }
    }
    draft(&kept).or_else(|_| draft(&[]))
}

fn is_open(param: &Param, given: &BTreeMap<String, String>) -> bool {
    param.default.is_none() && !given.contains_key(&param.name)
}

/// The procedure with open parameters that take any value of their type.
fn widened(procedure: &Procedure, given: &BTreeMap<String, String>) -> Procedure {
    let mut widened = procedure.clone();
    for param in widened.params.iter_mut().filter(|param| is_open(param, given)) {
        match &param.kind {
            ParamKind::Days(least, _) => param.kind = ParamKind::Days(*least, i64::MAX),
            ParamKind::Int(least, _) => param.kind = ParamKind::Int(*least, i64::MAX),
            ParamKind::OneOf(_) => param.kind = ParamKind::Text,
            _ => {}
        }
        if matches!(param.kind, ParamKind::Text) {
            param.pattern = None;
        }
    }
    widened
}

/// What no text of a procedure holds, and every adapter takes for a name.
fn mark(place: usize) -> String {
    format!("zqopen{place}qz")
}

fn number(place: usize) -> i64 {
    NUMBER + i64::try_from(place).unwrap_or(0)
}

/// The value that stands for an open parameter, where one of its type is nothing else.
fn placeholder(param: &Param, place: usize) -> Option<String> {
    match param.kind {
        ParamKind::Path => Some(format!("/{}", mark(place))),
        ParamKind::Days(..) | ParamKind::Int(..) => Some(number(place).to_string()),
        // A unit is the one target whose name has a form of its own.
        ParamKind::Target(TargetKind::Unit) => Some(format!("{}.service", mark(place))),
        ParamKind::Text | ParamKind::OneOf(_) | ParamKind::Target(_) => Some(mark(place)),
        ParamKind::List(_) | ParamKind::Map(_) => None,
    }
}

/// Values for the open parameters; those at `marked` have one that is nothing else.
fn placeholders(world: &World, open: &[&Param], marked: &[usize], given: &BTreeMap<String, String>) -> Open {
    let mut all = Open { values: given.clone(), ..Open::default() };
    for (place, param) in open.iter().enumerate() {
        let name = format!("<{}>", param.name);
        let value = match placeholder(param, place).filter(|_| marked.contains(&place)) {
            Some(value) => {
                let number = matches!(param.kind, ParamKind::Days(..) | ParamKind::Int(..));
                let counted = number.then(|| crate::domain::quantity::count(number_of(place)));
                all.marks.extend([Some(value.clone()), counted].into_iter().flatten().map(|mark| (mark, name.clone())));
                all.shown.insert(param.name.clone(), name);
                value
            }
            None => {
                let value = sample(world, param);
                all.shown.insert(param.name.clone(), value.clone());
                value
            }
        };
        all.values.insert(param.name.clone(), value);
    }
    all
}

fn number_of(place: usize) -> u64 {
    u64::try_from(number(place)).unwrap_or(0)
}

fn sample(world: &World, param: &Param) -> String {
    let value = param.sample().text;
    match &param.kind {
        ParamKind::Target(TargetKind::Postgres) if value == ANY_TARGET => {
            world.estate.postgres.first().map_or(value, |first| first.name.clone())
        }
        ParamKind::Target(TargetKind::Redis) if value == ANY_TARGET => {
            world.estate.redis.first().map_or(value, |first| first.name.clone())
        }
        ParamKind::Target(TargetKind::Unit) if value == ANY_TARGET => format!("{}.service", param.name),
        ParamKind::Target(_) if value == ANY_TARGET => param.name.clone(),
        _ => value,
    }
}

/// The estate with a target of its own for each open parameter that names one; a plan connects to none of them.
fn with_targets(world: &World, open: &[&Param]) -> World {
    let mut text = "schema = 1\nname = \"open\"\nenvironment = \"other\"\n".to_owned();
    for (place, param) in open.iter().enumerate() {
        let name = mark(place);
        text.push_str(&match param.kind {
            ParamKind::Target(TargetKind::Postgres) => {
                format!("[[postgres]]\nname = \"{name}\"\nwatch = \"service=open\"\nact = \"service=open\"\n")
            }
            ParamKind::Target(TargetKind::Redis) => {
                format!("[[redis]]\nname = \"{name}\"\nurl = \"redis://open\"\nact = \"redis://open\"\n")
            }
            _ => String::new(),
        });
    }
    let mut world = world.clone();
    if let Ok(more) = Estate::parse(&text, Path::new("open")) {
        world.estate.postgres.extend(more.postgres);
        world.estate.redis.extend(more.redis);
    }
    world
}

impl Open {
    /// The page with the names of the parameters where their values stand: as they are in code, escaped elsewhere.
    pub(super) fn named(&self, page: &str) -> String {
        let (mut out, mut block) = (String::with_capacity(page.len()), None);
        for line in page.split_inclusive('\n') {
            let fence = line.trim_start().chars().take_while(|symbol| *symbol == '`').count();
            let is_fence = fence >= 3 && line.trim().len() == fence;
            match block {
                Some(open) if is_fence && fence >= open => block = None,
                None if is_fence => block = Some(fence),
                Some(_) => {
                    out.push_str(&self.put(line, true));
                    continue;
                }
                None => {
                    out.push_str(&self.in_line(line));
                    continue;
                }
            }
            out.push_str(line);
        }
        out
    }

    /// One line outside of a block, in which code stands between as many backticks as it takes.
    fn in_line(&self, line: &str) -> String {
        let (mut out, mut rest) = (String::new(), line);
        while let Some(at) = rest.find(['`', '\\']) {
            let (before, from) = rest.split_at(at);
            out.push_str(&self.put(before, false));
            let ticks = from.chars().take_while(|symbol| *symbol == '`').count();
            let fence = "`".repeat(ticks);
            let behind = from.get(ticks..).unwrap_or_default();
            let code = (ticks > 0).then(|| behind.split_once(&fence)).flatten();
            match code {
                Some((code, after)) => {
                    out.push_str(&format!("{fence}{}{fence}", self.put(code, true)));
                    rest = after;
                }
                // An escaped sign, or backticks that nothing closes.
                None => {
                    let skip = if ticks > 0 { ticks } else { 1 + from.chars().nth(1).map_or(0, char::len_utf8) };
                    let (kept, after) = from.split_at(skip.min(from.len()));
                    out.push_str(kept);
                    rest = after;
                }
            }
        }
        out + &self.put(rest, false)
    }

    fn put(&self, text: &str, is_code: bool) -> String {
        self.marks.iter().fold(text.to_owned(), |text, (mark, name)| {
            let name =
                if is_code { name.clone() } else { name.replace('<', "\\<").replace('>', "\\>").replace('_', "\\_") };
            text.replace(mark.as_str(), &name)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_escaped_outside_code_and_as_it_is_within() {
        let marks = vec![("/zqopen0qz".to_owned(), "<my_root>".to_owned())];
        let open = Open { marks, ..Open::default() };
        let page = "# Clean /zqopen0qz \\` x\n\n- What: `rm /zqopen0qz/a` and ``/zqopen0qz ` `` in /zqopen0qz\n\n  ```\n  cd /zqopen0qz `x\n  ```\n- /zqopen0qz\n";
        let named = "# Clean \\<my\\_root\\> \\` x\n\n- What: `rm <my_root>/a` and ``<my_root> ` `` in \\<my\\_root\\>\n\n  ```\n  cd <my_root> `x\n  ```\n- \\<my\\_root\\>\n";
        assert_eq!(open.named(page), named);
    }
}
