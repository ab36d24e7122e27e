//! Keeping secret values out of a log, wherever a chunk is cut and however a program writes them.
//!
//! ```text
//! p@ss word      as it is            [masked]
//! p%40ss+word    in a URL, a form    [masked]      each byte as itself or escaped, in any mixture
//! "p@ss\u0020…"  in JSON             [masked]      also in JSON within JSON, and `é` as `\u00e9`
//! cEBzcyB3b3Jk   base64              [masked]      at each of the three places within a longer text
//! 7040737320…    hex                 [masked]
//! P@SS WORD      in other case       [masked]      each letter in either, in any mixture
//! drow ss@p      backwards           [masked]
//! ```
//! A value of several lines is hidden line by line, too. What a program encrypts, compresses, or writes in pieces of its own
//! making cannot be found.

use encodings::needles;
use std::collections::VecDeque;

mod encodings;

/// The text that replaces a secret.
pub const MASKED: &[u8] = b"[masked]";

/// Replaces secret values in one stream.
///
/// The last bytes of a chunk are held back as long as they may be the beginning of a secret.
#[derive(Clone, Debug)]
pub struct Mask {
    needles: Vec<Needle>,
    /// The bytes that a needle may begin with.
    first: Box<[bool; 256]>,
    held: Vec<u8>,
}

/// One way in which a secret may be written.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Needle {
    /// Exactly so.
    Exact(Vec<u8>),
    /// Byte by byte, each in one of several ways.
    Loose(Vec<Vec<Way>>),
}

/// How one byte, or a character of several, may be written.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Way {
    text: Vec<u8>,
    /// How many bytes of the value it covers.
    takes: usize,
}

/// What was found of a needle at the beginning of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    /// The text ends before it can be decided.
    Perhaps,
    /// It takes so many bytes.
    Whole(usize),
}

impl Needle {
    /// What is found of it at the beginning of a text; where `more` may come, a longer way of writing it is waited for.
    fn at(&self, text: &[u8], more: bool) -> Found {
        match self {
            Self::Exact(value) if text.starts_with(value) => Found::Whole(value.len()),
            Self::Exact(value) if value.starts_with(text) => Found::Perhaps,
            Self::Exact(_) => Found::Nothing,
            Self::Loose(bytes) => loose(bytes, text, more),
        }
    }

    /// The bytes that it may begin with.
    fn first(&self) -> Vec<u8> {
        match self {
            Self::Exact(value) => value.first().copied().into_iter().collect(),
            Self::Loose(bytes) => bytes.iter().take(1).flatten().filter_map(|way| way.text.first().copied()).collect(),
        }
    }
}

/// Follows every way of writing the bytes through a text.
fn loose(bytes: &[Vec<Way>], text: &[u8], more: bool) -> Found {
    // Where the match may be before the next byte, and before those that a longer character leads to.
    let mut ends = VecDeque::from([vec![0_usize]]);
    let mut cut = false;
    for ways in bytes {
        let mut here = ends.pop_front().unwrap_or_default();
        here.sort_unstable();
        here.dedup();
        for end in here {
            let rest = text.get(end..).unwrap_or_default();
            for way in ways {
                if rest.starts_with(&way.text) {
                    let ahead = ends.len().max(way.takes);
                    ends.resize_with(ahead, Vec::new);
                    ends.get_mut(way.takes - 1).into_iter().for_each(|next| next.push(end + way.text.len()));
                } else if way.text.starts_with(rest) {
                    cut = true;
                }
            }
        }
        if !cut && ends.iter().all(Vec::is_empty) {
            return Found::Nothing;
        }
    }
    match ends.pop_front().into_iter().flatten().max() {
        _ if cut && more => Found::Perhaps,
        Some(end) => Found::Whole(end),
        None => Found::Nothing,
    }
}

impl Mask {
    /// Makes a mask of values; empty ones hide nothing.
    pub fn new(values: &[Vec<u8>]) -> Self {
        let mut needles: Vec<Needle> = values.iter().flat_map(|value| needles(value)).collect();
        let mut seen: Vec<Needle> = Vec::new();
        needles.retain(|needle| {
            let new = !seen.contains(needle);
            seen.extend(new.then(|| needle.clone()));
            new
        });
        let mut first = Box::new([false; 256]);
        for byte in needles.iter().flat_map(Needle::first) {
            if let Some(flag) = first.get_mut(usize::from(byte)) {
                *flag = true;
            }
        }
        Self { needles, first, held: Vec::new() }
    }

    /// A whole text without the values.
    #[must_use]
    pub fn whole(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.clone_bare().cover(text.as_bytes(), false)).into_owned()
    }

    /// The same values, and nothing held back.
    fn clone_bare(&self) -> Self {
        Self { held: Vec::new(), ..self.clone() }
    }

    /// Whether there is nothing to hide.
    pub fn is_empty(&self) -> bool {
        self.needles.is_empty()
    }

    /// Takes the next bytes, and gives those that may be written.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut text = std::mem::take(&mut self.held);
        text.extend_from_slice(bytes);
        self.cover(&text, true)
    }

    /// Gives what was held back: nothing more comes.
    pub fn finish(&mut self) -> Vec<u8> {
        let text = std::mem::take(&mut self.held);
        self.cover(&text, false)
    }

    /// Replaces the values in a text, the longest where several begin; holds its end back where more may come.
    fn cover(&mut self, text: &[u8], more: bool) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len());
        let mut rest = text;
        loop {
            let may_begin = |byte: &u8| self.first.get(usize::from(*byte)).copied().unwrap_or(true);
            let plain = rest.iter().position(may_begin).unwrap_or(rest.len());
            let (before, here) = rest.split_at_checked(plain).unwrap_or((rest, &[]));
            out.extend_from_slice(before);
            let Some((byte, after)) = here.split_first() else { return out };
            let mut longest = 0;
            for needle in &self.needles {
                match needle.at(here, more) {
                    Found::Perhaps if more => {
                        self.held = here.to_vec();
                        return out;
                    }
                    Found::Whole(length) => longest = longest.max(length),
                    Found::Perhaps | Found::Nothing => {}
                }
            }
            rest = match here.get(longest..).filter(|_| longest > 0) {
                Some(after) => {
                    out.extend_from_slice(MASKED);
                    after
                }
                None => {
                    out.push(*byte);
                    after
                }
            };
        }
    }
}

#[cfg(test)]
mod tests;
