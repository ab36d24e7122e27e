//! What a run fills in: its own id and directory, and what its reads saved.

use crate::domain::Saved;
use crate::procedure::plan::Action;
use crate::procedure::quote::Quote;
use std::collections::BTreeMap;

/// What a run knows when it reaches a step.
#[derive(Clone, Copy, Debug)]
pub struct OfRun<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its directory.
    pub dir: &'a str,
    /// What its reads saved.
    pub saved: &'a BTreeMap<String, Saved>,
}

impl Action {
    /// The action of one run: `{{run.id}}`, `{{run.dir}}` and `{{saved:…}}` filled in, in one pass.
    ///
    /// # Errors
    /// What was not read yet, or has no such fact.
    pub fn of_run(&self, run: OfRun<'_>) -> Result<Self, String> {
        let mut action = self.clone();
        action.line = run.fill(&action.line)?;
        run.fill_json(&mut action.spec)?;
        if let Some(listing) = &mut action.listing {
            listing.text = run.fill(&listing.text)?;
        }
        Ok(action)
    }
}

impl OfRun<'_> {
    fn fill_json(self, value: &mut serde_json::Value) -> Result<(), String> {
        match value {
            serde_json::Value::String(text) => *text = self.fill(text)?,
            serde_json::Value::Array(items) => {
                for item in items {
                    self.fill_json(item)?;
                }
            }
            serde_json::Value::Object(map) => {
                for item in map.values_mut() {
                    self.fill_json(item)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Fills text in; what takes a reference's place is not looked at again.
    ///
    /// # Errors
    /// What was not read yet, or has no such fact.
    pub fn fill(self, text: &str) -> Result<String, String> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, from)) = rest.split_once("{{") {
            out.push_str(before);
            let found = match from.split_once("}}") {
                Some((inside, behind)) => self.value(inside)?.map(|value| (value, behind)),
                None => None,
            };
            rest = match found {
                Some((value, behind)) => {
                    out.push_str(&value);
                    behind
                }
                None => {
                    out.push_str("{{");
                    from
                }
            };
        }
        out.push_str(rest);
        Ok(out)
    }

    /// The value of the text between two braces, where the run knows it; quoted as the plan has it.
    ///
    /// # Errors
    /// What was not read yet, or has no such fact.
    pub fn value(self, inside: &str) -> Result<Option<String>, String> {
        let (name, quote) = match inside.split_once('|') {
            Some((name, word)) => match Quote::of(word) {
                Some(quote) => (name, Some(quote)),
                None => return Ok(None),
            },
            None => (inside, None),
        };
        let value = match (name, name.strip_prefix("saved:")) {
            ("run.id", _) => self.id,
            ("run.dir", _) => self.dir,
            (_, Some(saved)) => self.look_up(saved)?,
            _ => return Ok(None),
        };
        Ok(Some(quote.map_or_else(|| value.to_owned(), |quote| quote.quote(value))))
    }

    /// What is saved under `name`, or the fact of it under `name.fact`; of one entry, under `name[entry].fact`.
    fn look_up(&self, path: &str) -> Result<&str, String> {
        if let Some((name, rest)) = path.split_once('[')
            && let Some((entry, rest)) = rest.split_once(']')
        {
            return self.look_up_entry(name, entry, rest.strip_prefix('.'));
        }
        let (name, fact) = path.split_once('.').map_or((path, None), |(name, fact)| (name, Some(fact)));
        let saved = self.saved.get(name).ok_or_else(|| format!("`{}` was not read yet", plain(name)))?;
        of_saved(saved, plain(name), fact)
    }

    /// An entry: of a read that was made for each, what was read for it; else the facts whose names begin with it.
    fn look_up_entry(&self, name: &str, entry: &str, fact: Option<&str>) -> Result<&str, String> {
        if let Some(saved) = self.saved.get(&format!("{name}[{entry}]")) {
            return of_saved(saved, &format!("{}[{entry}]", plain(name)), fact);
        }
        let saved = self.saved.get(name).ok_or_else(|| format!("`{}` was not read yet", plain(name)))?;
        let names = match fact {
            None => vec![entry.to_owned()],
            Some(fact) => vec![format!("{entry}.{fact}"), format!("{entry}: {fact}")],
        };
        let found = names.iter().find_map(|name| saved.facts.get(name));
        let wanted = || entry.to_owned() + &fact.map(|fact| format!(".{fact}")).unwrap_or_default();
        let found = found.ok_or_else(|| {
            format!("what was read as `{}` has no `{}`; it has {}", plain(name), wanted(), has(saved))
        })?;
        not_blank(found, plain(name), &wanted())
    }
}

/// A name without the number of the procedure that saves it.
fn plain(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

fn has(saved: &Saved) -> String {
    let known: Vec<&str> = saved.facts.keys().map(String::as_str).collect();
    known.join(", ")
}

fn of_saved<'a>(saved: &'a Saved, shown: &str, fact: Option<&str>) -> Result<&'a str, String> {
    let Some(fact) = fact else { return Ok(&saved.text) };
    let found = saved.facts.get(fact);
    let found = found.ok_or_else(|| format!("what was read as `{shown}` has no `{fact}`; it has {}", has(saved)))?;
    not_blank(found, shown, fact)
}

/// An empty reading is unknown, and has no value.
fn not_blank<'a>(found: &'a str, shown: &str, fact: &str) -> Result<&'a str, String> {
    if found.trim().is_empty() { Err(format!("what was read as `{shown}` has an empty `{fact}`")) } else { Ok(found) }
}
