//! The known name that a misspelt one may mean.

/// The known name nearest to a misspelt one: at most a third of its letters away.
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = given.chars().count().div_ceil(3).max(1);
    let scored = known.into_iter().map(|name| (distance(given, name), name));
    scored.filter(|(far, _)| *far <= limit).min().map(|(_, name)| name)
}

/// The edit distance of Levenshtein, in characters.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut previous = i;
        let mut last = i + 1;
        for (slot, b) in row.iter_mut().skip(1).zip(&right) {
            let above = *slot;
            let here = (previous + usize::from(a != *b)).min(above + 1).min(last + 1);
            previous = above;
            last = here;
            *slot = here;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}
