//! Patterns of `match`: POSIX extended regular expressions, without back references and named classes (POSIX.1-2017, 9.4).
//!
//! ```text
//! any = all { "|" all }      all = { piece [ "*" | "+" | "?" | "{n}" | "{n,}" | "{n,m}" ] }
//! piece = character | "." | "[a-z_]" | "[^0-9]" | "(" any ")" | "^" | "$" | "\d" | "\w" | "\s" | "\" character
//! ```
//!
//! A pattern may match anywhere in a value unless `^` and `$` tie it. It is followed as an automaton with all its states at
//! once, so that no value takes longer than its length times the pattern's (Thompson, CACM 11(6), 1968).

use std::iter::Peekable;
use std::str::Chars;

/// The most steps of a pattern once its repetitions are written out.
const MOST_STEPS: usize = 5000;

/// How deep groups may stand in one another.
const DEEPEST: usize = 20;

/// A pattern.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    text: String,
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    One(Set),
    Begin,
    End,
    Group(Vec<Vec<Self>>),
    Repeat(Box<Self>, usize, Option<usize>),
}

#[derive(Clone, Debug, PartialEq)]
struct Set {
    not: bool,
    ranges: Vec<(char, char)>,
}

#[derive(Clone, Debug, PartialEq)]
enum Step {
    One(Set),
    Begin,
    End,
    Either(usize, usize),
    Go(usize),
    Found,
}

impl Set {
    fn of(ranges: &[(char, char)]) -> Self {
        Self { not: false, ranges: ranges.to_vec() }
    }

    fn has(&self, c: char) -> bool {
        self.ranges.iter().any(|(from, to)| (*from..=*to).contains(&c)) != self.not
    }
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// The sentence for whoever wrote it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut rest = text.chars().peekable();
        let whole = alternatives(&mut rest, 0)?;
        if rest.next().is_some() {
            return Err("a `)` closes nothing".to_owned());
        }
        let mut steps = Vec::new();
        put(&whole, &mut steps)?;
        steps.push(Step::Found);
        Ok(Self { text: text.to_owned(), steps })
    }

    /// It, as its author wrote it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is found in a value.
    #[must_use]
    pub fn fits(&self, value: &str) -> bool {
        let mut at: Vec<usize> = Vec::new();
        let mut rest = value.chars();
        let mut first = true;
        loop {
            let here = rest.next();
            let mut seen = vec![false; self.steps.len()];
            let mut ready = Vec::new();
            for start in at.drain(..).chain([0]) {
                if self.reach(start, (first, here.is_none()), &mut seen, &mut ready) {
                    return true;
                }
            }
            let Some(c) = here else { return false };
            for step in ready {
                if matches!(self.steps.get(step), Some(Step::One(set)) if set.has(c)) {
                    at.push(step + 1);
                }
            }
            first = false;
        }
    }

    /// Follows the steps that take no character; notes those that take one, and says whether the end is reached.
    fn reach(&self, from: usize, (begins, ends): (bool, bool), seen: &mut [bool], ready: &mut Vec<usize>) -> bool {
        let mut open = vec![from];
        while let Some(at) = open.pop() {
            match seen.get_mut(at) {
                Some(seen) if !*seen => *seen = true,
                _ => continue,
            }
            match self.steps.get(at) {
                Some(Step::Found) => return true,
                Some(Step::One(_)) => ready.push(at),
                Some(Step::Begin) if begins => open.push(at + 1),
                Some(Step::End) if ends => open.push(at + 1),
                Some(Step::Either(one, other)) => open.extend([*one, *other]),
                Some(Step::Go(to)) => open.push(*to),
                _ => {}
            }
        }
        false
    }
}

type Rest<'a> = Peekable<Chars<'a>>;

fn alternatives(rest: &mut Rest<'_>, deep: usize) -> Result<Vec<Vec<Piece>>, String> {
    if deep > DEEPEST {
        return Err(format!("groups stand more than {DEEPEST} deep"));
    }
    let mut found = vec![Vec::new()];
    while let Some(c) = rest.next_if(|c| *c != ')') {
        let Some(pieces) = found.last_mut() else { break };
        match c {
            '|' => found.push(Vec::new()),
            '*' => repeat(pieces, 0, None)?,
            '+' => repeat(pieces, 1, None)?,
            '?' => repeat(pieces, 0, Some(1))?,
            '{' => {
                let (least, most) = bounds(rest)?;
                repeat(pieces, least, most)?;
            }
            '^' => pieces.push(Piece::Begin),
            '$' => pieces.push(Piece::End),
            '.' => pieces.push(Piece::One(Set { not: true, ranges: Vec::new() })),
            '[' => pieces.push(Piece::One(class(rest)?)),
            '\\' => pieces.push(Piece::One(escaped(rest)?)),
            '(' => {
                let inner = alternatives(rest, deep + 1)?;
                rest.next().ok_or("a `(` is never closed")?;
                pieces.push(Piece::Group(inner));
            }
            c => pieces.push(Piece::One(Set::of(&[(c, c)]))),
        }
    }
    Ok(found)
}

fn repeat(pieces: &mut Vec<Piece>, least: usize, most: Option<usize>) -> Result<(), String> {
    match pieces.pop() {
        Some(piece @ (Piece::One(_) | Piece::Group(_))) => {
            pieces.push(Piece::Repeat(Box::new(piece), least, most));
            Ok(())
        }
        _ => Err("a repetition follows nothing that can be repeated".to_owned()),
    }
}

fn bounds(rest: &mut Rest<'_>) -> Result<(usize, Option<usize>), String> {
    let mut inside = String::new();
    loop {
        match rest.next() {
            Some('}') => break,
            Some(c) => inside.push(c),
            None => return Err("a `{` is never closed".to_owned()),
        }
    }
    let number =
        |text: &str| text.parse::<usize>().map_err(|_| format!("`{{{inside}}}` must be {{n}}, {{n,}} or {{n,m}}"));
    let (least, most) = match inside.split_once(',') {
        None => (number(&inside)?, Some(number(&inside)?)),
        Some((least, "")) => (number(least)?, None),
        Some((least, most)) => (number(least)?, Some(number(most)?)),
    };
    if least > MOST_STEPS || most.is_some_and(|most| most < least || most > MOST_STEPS) {
        return Err(format!("`{{{inside}}}` repeats too often, or the larger number comes first"));
    }
    Ok((least, most))
}

fn class(rest: &mut Rest<'_>) -> Result<Set, String> {
    let not = rest.next_if_eq(&'^').is_some();
    let open = || "a `[` is never closed".to_owned();
    let mut ranges = Vec::new();
    let mut first = true;
    loop {
        let from = rest.next().ok_or_else(open)?;
        if from == ']' && !first {
            return Ok(Set { not, ranges });
        }
        first = false;
        if from == '\\' {
            ranges.extend(escaped(rest)?.ranges);
            continue;
        }
        if rest.next_if_eq(&'-').is_none() {
            ranges.push((from, from));
            continue;
        }
        match rest.peek() {
            Some(']') => ranges.extend([(from, from), ('-', '-')]),
            Some(to) if *to >= from => {
                ranges.push((from, *to));
                rest.next();
            }
            Some(to) => return Err(format!("`{from}-{to}` runs backwards")),
            None => return Err(open()),
        }
    }
}

fn escaped(rest: &mut Rest<'_>) -> Result<Set, String> {
    Ok(match rest.next().ok_or("a `\\` stands at the end")? {
        'd' => Set::of(&[('0', '9')]),
        'w' => Set::of(&[('0', '9'), ('a', 'z'), ('A', 'Z'), ('_', '_')]),
        's' => Set::of(&[(' ', ' '), ('\t', '\r')]),
        c if c.is_alphanumeric() => return Err(format!("`\\{c}` is not known")),
        c => Set::of(&[(c, c)]),
    })
}

fn put(alternatives: &[Vec<Piece>], steps: &mut Vec<Step>) -> Result<(), String> {
    let mut exits = Vec::new();
    for (number, pieces) in alternatives.iter().enumerate() {
        let fork = steps.len();
        let last = number + 1 == alternatives.len();
        if !last {
            steps.push(Step::Go(0));
        }
        for piece in pieces {
            put_piece(piece, steps)?;
        }
        if !last {
            exits.push(steps.len());
            steps.push(Step::Go(0));
            let next = steps.len();
            set(steps, fork, Step::Either(fork + 1, next));
        }
    }
    let end = steps.len();
    exits.into_iter().for_each(|exit| set(steps, exit, Step::Go(end)));
    Ok(())
}

fn put_piece(piece: &Piece, steps: &mut Vec<Step>) -> Result<(), String> {
    if steps.len() > MOST_STEPS {
        return Err("the pattern is too long once its repetitions are written out".to_owned());
    }
    match piece {
        Piece::One(set) => steps.push(Step::One(set.clone())),
        Piece::Begin => steps.push(Step::Begin),
        Piece::End => steps.push(Step::End),
        Piece::Group(inner) => put(inner, steps)?,
        Piece::Repeat(inner, least, most) => {
            for _ in 0..*least {
                let before = steps.len();
                put_piece(inner, steps)?;
                if steps.len() == before {
                    break;
                }
            }
            let fork = steps.len();
            let Some(most) = most else {
                steps.push(Step::Go(0));
                put_piece(inner, steps)?;
                steps.push(Step::Go(fork));
                let end = steps.len();
                set(steps, fork, Step::Either(fork + 1, end));
                return Ok(());
            };
            let mut forks = Vec::new();
            for _ in *least..*most {
                forks.push(steps.len());
                steps.push(Step::Go(0));
                put_piece(inner, steps)?;
            }
            let end = steps.len();
            forks.into_iter().for_each(|fork| set(steps, fork, Step::Either(fork + 1, end)));
        }
    }
    Ok(())
}

fn set(steps: &mut [Step], at: usize, step: Step) {
    if let Some(place) = steps.get_mut(at) {
        *place = step;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, value: &str) -> bool {
        Pattern::parse(pattern).unwrap().fits(value)
    }

    #[test]
    fn patterns_are_found_or_not() {
        let image = format!("r.example/api@sha256:{}", "0a".repeat(32));
        let cases = [
            ("@sha256:[0-9a-f]{64}$", image.as_str(), true),
            ("@sha256:[0-9a-f]{64}$", &image[..image.len() - 1], false),
            ("@sha256:[0-9a-f]{64}$", &format!("{image}0"), false),
            ("^a|b$", "xb", true),
            ("^(a|b)$", "xb", false),
            ("^v\\d+(\\.\\d+){1,2}$", "v1.20.3", true),
            ("^v\\d+(\\.\\d+){1,2}$", "v1", false),
            ("^[^/]*$", "a/b", false),
            ("^[]a-]+$", "]-a", true),
            ("^(a*)*$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", false),
            ("^x{0}$", "", true),
            ("^é.$", "éü", true),
            ("", "", true),
            ("^a{2,}$", "aaa", true),
            ("^a{2,}$", "a", false),
            ("\\.", "a", false),
            ("^((){5000}){5000}$", "", true),
        ];
        for (pattern, value, expected) in cases {
            assert_eq!(fits(pattern, value), expected, "{pattern} in {value}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_said() {
        for bad in [
            "(",
            "a)",
            "[a",
            "*a",
            "a**",
            "a{",
            "a{2,1}",
            "a{x}",
            "\\",
            "\\b",
            "[b-a]",
            "(a{4000}){4000}",
            "^*",
            "((a?){99}){99}",
        ] {
            assert!(Pattern::parse(bad).is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_the_reader(pattern in ".{0,40}", value in ".{0,40}") {
            if let Ok(pattern) = Pattern::parse(&pattern) {
                let _ = pattern.fits(&value);
            }
        }
    }
}
