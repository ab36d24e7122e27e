//! `each`: one step of the file that becomes several of the plan, one for each item.

use crate::config::reader::{Node, Place, Problems, Table, Value};
use crate::domain::quantity::count;
use crate::procedure::params::Bound;
use crate::procedure::template::{self, Piece, Reference, is_item};
use std::collections::{BTreeMap, BTreeSet};

/// The most items of one step.
const MOST_ITEMS: usize = 10_000;

/// What a step is taken for, one after another.
#[derive(Clone, Debug, PartialEq)]
pub struct Each {
    /// Its place.
    pub at: Place,
    /// A list of texts, or one whole reference to a parameter that is a list or a map.
    pub items: Node,
}

/// Takes `each` out.
pub(super) fn read(table: &mut Table, problems: &mut Problems) -> Option<Each> {
    let items = table.take("each")?;
    let at = items.at;
    let sound = match &items.value {
        Value::Text(text) => whole(text).is_some(),
        Value::List(items) => !items.is_empty() && items.iter().all(|item| matches!(item.value, Value::Text(_))),
        _ => false,
    };
    if !sound {
        let message = "`each` must be a list of texts, or one whole reference to a parameter that is a list or a map";
        problems.add_with_hint(at, message, "such as [\"api\", \"worker\"] or \"{{image}}\"");
    }
    sound.then_some(Each { at, items })
}

/// The parameter that a text refers to as a whole.
fn whole(text: &str) -> Option<String> {
    match template::pieces(text).ok()?.as_slice() {
        [Piece::Reference(Reference::Param(name))] => Some(name.clone()),
        _ => None,
    }
}

impl Each {
    /// The items of the list, or of the parameter's value.
    pub fn items(&self, values: &BTreeMap<String, Bound>, problems: &mut Problems) -> Vec<String> {
        let found = match &self.items.value {
            Value::Text(text) => {
                let bound = whole(text).and_then(|name| values.get(&name));
                bound.map(|bound| bound.entries.iter().map(|(name, _)| name.clone()).collect()).unwrap_or_default()
            }
            Value::List(items) => items.iter().filter_map(|item| text_of(&template::fill(item, values))).collect(),
            _ => Vec::new(),
        };
        if self.sound(&found, problems) { found } else { Vec::new() }
    }

    /// The items as the file has them; none where they are those of a parameter.
    #[must_use]
    pub fn listed(&self) -> Vec<String> {
        if let Value::List(items) = &self.items.value { items.iter().filter_map(text_of).collect() } else { Vec::new() }
    }

    fn sound(&self, items: &[String], problems: &mut Problems) -> bool {
        let wrong = items.iter().find(|item| !is_item(item));
        let mut before = BTreeSet::new();
        let twice = items.iter().find(|item| !before.insert(item.as_str()));
        let why = match (items, wrong, twice) {
            _ if items.len() > MOST_ITEMS => {
                let (has, most) = (count(items.len() as u64), count(MOST_ITEMS as u64));
                format!("`each` has {has} items, and at most {most} are taken")
            }
            ([], ..) => "`each` takes a parameter that is a `list` or a `map`".to_owned(),
            (_, Some(wrong), _) => {
                format!("\"{}\" cannot be an item: it must be text without []{{}}|,= in it", wrong.escape_debug())
            }
            (.., Some(item)) => format!("`each` has \"{}\" twice", item.escape_debug()),
            _ => return true,
        };
        problems.add(self.at, why);
        false
    }
}

fn text_of(node: &Node) -> Option<String> {
    match &node.value {
        Value::Text(text) => Some(text.clone()),
        Value::Int(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn list_names(items: impl Iterator<Item = String>) -> (usize, Vec<String>) {
        let at = Place { line: 1, column: 1 };
        let node = |text: String| Node { at, value: Value::Text(text) };
        let each = Each { at, items: Node { at, value: Value::List(items.map(node).collect()) } };
        let mut problems = Problems::of(Path::new("f"));
        let found = each.items(&BTreeMap::new(), &mut problems).len();
        (found, problems.into_sorted().into_iter().map(|problem| problem.message).collect())
    }

    #[test]
    fn ten_thousand_items_are_taken_and_no_more() {
        let many = |count: usize| (0..count).map(|n| format!("i{n}"));
        assert_eq!(list_names(many(10_000)), (10_000, Vec::new()));
        let more = "`each` has 10,001 items, and at most 10,000 are taken".to_owned();
        assert_eq!(list_names(many(10_001)), (0, vec![more]));
        let twice = "`each` has \"i1\" twice".to_owned();
        assert_eq!(list_names(many(9_999).chain(["i1".to_owned()])), (0, vec![twice]));
        // Pair by pair these would be twenty billion comparisons.
        assert_eq!(list_names(many(200_000)).0, 0);
    }
}
