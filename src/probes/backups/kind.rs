//! Which names are those of backups, which of files that lie beside them, and which of what is not finished or has failed.
//!
//! The names themselves stand in `table`. Letters of both cases count alike. A pattern without a wildcard means the file that it names, and
//! one that has an ending or a word of the tables itself (`*.log`, `*-partial-*`) asks for files that have it.
//!
//! | rule | example |
//! |---|---|
//! | whole names of files, of directories | `backup.info`, `@eaDir` |
//! | endings, of logs also compressed and numbered | `.sha256`, `.vbm`, `.log.2.gz` |
//! | a word of a list, alone or before an ending that describes | `manifest.json`, `a-manifest.yaml` |
//! | a word that says what became of it: first, last, before its format, or before a number | `tmp-a.dump`, `a-failed.sql.gz`, `a-failed-2026.sql` |
//! | a set whose program writes a list last, and that has none yet | `duplicity-full.….vol1.difftar.gpg` |
//! | an ending that describes, beside what it describes | `a.json` beside `a.dump` |
//! | the name of a member and something behind it (`companions`) | `a.dump.key.enc` |

mod around;
mod companions;
mod table;

pub use around::{Around, SNAPSHOTS};
pub use companions::companions;

use crate::probes::backups::kind::table::{
    ALGORITHMS, BESIDE, BETWEEN, COMPANIONS, DESCRIBES, DIRECTORIES, DUMPS, FAILED, FILES, FIRST, FORMATS, HEADS,
    LISTS, LOGS, MANIFESTS, NUMBERED, PARTIAL, SAYINGS, SUMS, TEMPORARY, UNFINISHED, WORDS, WRAPS, Word,
};
use crate::probes::backups::stamp::id::is_hexadecimal;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A backup.
    Member,
    /// A checksum, a signature, a log, a note, a tool's own file: it says something of a backup and holds none.
    Beside,
    /// A backup that is still being written, or that was left half-way.
    Unfinished,
    /// A backup that its writer gave up, or that is known to be bad.
    Failed,
}

/// What the name of a file stands for in a series of a pattern; the pattern is empty where there is none.
#[must_use]
pub fn of(name: &[u8], pattern: &[u8]) -> Kind {
    let (name, pattern) = (name.to_ascii_lowercase(), pattern.to_ascii_lowercase());
    if name == pattern {
        return Kind::Member;
    }
    let bare = unwrapped(&name);
    let is_own = |own: &&str, wrapped: bool| name == own.as_bytes() || (wrapped && bare == own.as_bytes());
    let is_tools =
        FILES.iter().any(|(_, wrapped, names)| names.iter().any(|own| is_own(own, *wrapped))) || is_of_tool(&name);
    if is_tools || is_beside(&name, &pattern) { Kind::Beside } else { became(&name, &pattern) }
}

/// What the name of a directory stands for.
#[must_use]
pub fn of_directory(name: &[u8], pattern: &[u8]) -> Kind {
    let (name, pattern) = (name.to_ascii_lowercase(), pattern.to_ascii_lowercase());
    if name == pattern {
        return Kind::Member;
    }
    let is_other = DIRECTORIES.iter().any(|other| name == other.as_bytes());
    if is_other || is_beside(&name, &pattern) { Kind::Beside } else { became(&name, &pattern) }
}

/// What a key of an object store stands for: as its last part, unless one of the directories before it says otherwise.
#[must_use]
pub fn of_key(key: &[u8], pattern: &[u8]) -> Kind {
    let mut parts = key.split(|byte| *byte == b'/').rev();
    let last = parts.next().unwrap_or_default();
    let own = of(last, if key == pattern { last } else { pattern });
    if own == Kind::Member && is_companion(last, parts.clone().next().unwrap_or_default()) {
        return Kind::Beside;
    }
    let mut above = parts.filter(|part| !part.is_empty()).map(|part| of_directory(part, b""));
    if own == Kind::Member { above.find(|kind| *kind != Kind::Member).unwrap_or(own) } else { own }
}

/// What a file or directory right in a directory that is a backup stands for there.
#[must_use]
pub fn within(name: &[u8], parent: &[u8], is_dir: bool) -> Kind {
    match is_dir {
        true if SAYINGS.iter().any(|own| name.eq_ignore_ascii_case(own.as_bytes())) => Kind::Beside,
        true => of_directory(name, b""),
        false if is_companion(name, parent) => Kind::Beside,
        false => of(name, b""),
    }
}

/// Whether a file describes the backup of its directory, by the name of both.
fn is_companion(name: &[u8], parent: &[u8]) -> bool {
    let rest = name.strip_prefix(parent).filter(|_| !parent.is_empty());
    rest.is_some_and(|rest| COMPANIONS.iter().any(|companion| rest == companion.as_bytes()))
}

/// Whether a pattern has a piece of a name itself, and not only as a part of a longer word.
fn asks(pattern: &[u8], piece: &[u8]) -> bool {
    let ends = |at: usize| !pattern.get(at + piece.len()).is_some_and(u8::is_ascii_alphanumeric);
    pattern.windows(piece.len().max(1)).enumerate().any(|(at, window)| window == piece && ends(at))
}

/// Whether the name of a file is that of a dump or an archive, whose last change is when it was made.
#[must_use]
pub fn is_dump(name: &[u8]) -> bool {
    let lower = name.to_ascii_lowercase();
    DUMPS.iter().any(|ending| unwrapped(&lower).ends_with(ending.as_bytes()))
}

/// A name without what compresses or encrypts it.
pub(super) fn unwrapped(mut name: &[u8]) -> &[u8] {
    while let Some(bare) = WRAPS.iter().find_map(|wrap| name.strip_suffix(wrap.as_bytes())) {
        name = bare;
    }
    name
}

/// Whether a name in small letters is that of a checksum, a signature, a log, a list or a note.
fn is_beside(name: &[u8], pattern: &[u8]) -> bool {
    let ends = |ending: &&str| name.ends_with(ending.as_bytes()) && !asks(pattern, ending.as_bytes());
    let bare = name.strip_suffix(b".txt").unwrap_or(name);
    let is_sum = |ending: &&str| ends(ending) || (bare.len() < name.len() && bare.ends_with(ending.as_bytes()));
    let plain = unwrapped(name);
    let is_list = |ending: &&str| plain.ends_with(ending.as_bytes()) && !asks(pattern, ending.as_bytes());
    let unnumbered = plain.iter().rposition(|byte| !byte.is_ascii_digit()).map_or(plain, |last| {
        plain.get(..=last).and_then(|head| head.strip_suffix(b".").or(head.strip_suffix(b"-"))).unwrap_or(plain)
    });
    let is_log = |ending: &&str| {
        [plain, unnumbered, unwrapped(unnumbered)].iter().any(|name| name.ends_with(ending.as_bytes()))
            && !asks(pattern, ending.as_bytes())
    };
    SUMS.iter().any(is_sum)
        || BESIDE.iter().any(ends)
        || LISTS.iter().any(is_list)
        || LOGS.iter().any(is_log)
        || is_sums(name)
        || is_manifest(plain, pattern)
}

/// Whether a name in small letters is `manifest.json` or its like, alone or behind a `.` or a `-`.
fn is_manifest(name: &[u8], pattern: &[u8]) -> bool {
    let Some(stem) = DESCRIBES.iter().find_map(|ending| name.strip_suffix(ending.as_bytes())) else { return false };
    MANIFESTS.iter().map(|word| word.as_bytes()).any(|word| {
        let before = stem.strip_suffix(word);
        before.is_some_and(|before| matches!(before.last(), None | Some(b'.' | b'-'))) && !asks(pattern, word)
    })
}

/// Whether a name in small letters is that of a tool's own file by its number or its beginning, or of the history of a log of
/// PostgreSQL.
fn is_of_tool(name: &[u8]) -> bool {
    let is_numbered = |head: &&str| {
        let number = name.strip_prefix(head.as_bytes()).unwrap_or_default();
        !number.is_empty() && number.iter().all(u8::is_ascii_digit)
    };
    let all_hexadecimal = |text: &[u8], long: usize| text.len() == long && is_hexadecimal(text);
    let is_named = |ends: &(&str, &str)| {
        let middle = name.strip_prefix(ends.0.as_bytes()).and_then(|rest| rest.strip_suffix(ends.1.as_bytes()));
        middle.is_some_and(|middle| !middle.is_empty())
    };
    let is_history = name.strip_suffix(b".history").is_some_and(|line| all_hexadecimal(line, 8));
    let segment = name.strip_suffix(b".backup").and_then(|rest| rest.split_at_checked(24));
    let is_label = segment.is_some_and(|(segment, rest)| {
        all_hexadecimal(segment, 24) && rest.strip_prefix(b".").is_some_and(|offset| all_hexadecimal(offset, 8))
    });
    NUMBERED.iter().any(is_numbered)
        || HEADS.iter().any(|head| name.starts_with(head.as_bytes()))
        || BETWEEN.iter().any(is_named)
        || is_history
        || is_label
}

/// Whether a name in small letters is that of a file of checksums.
fn is_sums(name: &[u8]) -> bool {
    let manifest = name.strip_prefix(b"manifest-").and_then(|rest| rest.strip_suffix(b".txt"));
    if manifest.is_some_and(|name| ALGORITHMS.iter().any(|algorithm| name == algorithm.as_bytes())) {
        return true;
    }
    ALGORITHMS.iter().any(|algorithm| {
        let rest = name.strip_prefix(algorithm.as_bytes()).and_then(|rest| rest.strip_prefix(b"sum"));
        let rest = rest.map(|rest| rest.strip_prefix(b"s").unwrap_or(rest));
        rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'.' | b'-' | b'_')))
    })
}

/// What became of a backup, by its name in small letters.
fn became(name: &[u8], pattern: &[u8]) -> Kind {
    let unless_asked = |piece: &[u8], kind: Kind| (!asks(pattern, piece)).then_some(kind);
    let is_temporary = TEMPORARY.iter().any(|(head, end)| {
        let number = name.strip_prefix(head.as_bytes()).and_then(|rest| rest.strip_suffix(end.as_bytes()));
        number.is_some_and(|number| !number.is_empty() && number.iter().all(u8::is_ascii_digit))
    });
    if is_temporary {
        return Kind::Unfinished;
    }
    let failed = FAILED.iter().find(|ending| name.ends_with(ending.as_bytes()));
    let by_ending = failed.and_then(|ending| unless_asked(ending.as_bytes(), Kind::Failed));
    let by_word = || word_of(name).and_then(|word| unless_asked(word.word.as_bytes(), word.kind));
    let unfinished = || {
        let bare = finished(name)?;
        // `tmp-` stands before the rest, all others behind it.
        let piece = if name.starts_with(bare) { name.get(bare.len()..)? } else { name.get(..name.len() - bare.len())? };
        unless_asked(piece, Kind::Unfinished)
    };
    by_ending.or_else(by_word).or_else(unfinished).unwrap_or(Kind::Member)
}

/// The word in a name in small letters that says what became of it: the last one before its format, or right before a number.
fn word_of(name: &[u8]) -> Option<&'static Word> {
    let mut stem = name;
    while let Some(bare) = FORMATS.iter().chain(WRAPS).find_map(|ending| stem.strip_suffix(ending.as_bytes())) {
        stem = bare;
    }
    let counts = |word: &Word, at: usize, is_last: bool| {
        let (Some(separator), Some(left)) = (
            at.checked_sub(1).and_then(|before| name.get(before)),
            at.checked_sub(2).and_then(|before| name.get(before)),
        ) else {
            return false;
        };
        match separator {
            b'.' => is_last || !word.common,
            b'-' | b' ' | b'(' | b'[' | b'+' => !word.common || (is_last && left.is_ascii_digit()),
            // `payments_failed` is the name of a table.
            b'_' => is_last && left.is_ascii_digit(),
            _ => false,
        }
    };
    let is_cut = |byte: Option<&u8>| byte.is_some_and(|byte| matches!(byte, b'-' | b'_' | b'.' | b' '));
    WORDS.iter().find(|word| {
        let text = word.word.as_bytes();
        let end = stem.strip_suffix(b")").or(stem.strip_suffix(b"]")).unwrap_or(stem);
        let numbered = end.iter().rposition(|byte| !byte.is_ascii_digit()).and_then(|last| end.get(..=last));
        // `.failed.1`: a number of its own, and no part of a split archive.
        let numbered = numbered.and_then(|head| head.strip_suffix(b".")).filter(|_| text != b"part" && stem == name);
        let is_last = [Some(end), numbered]
            .into_iter()
            .flatten()
            .any(|end| end.ends_with(text) && counts(word, end.len() - text.len(), true));
        let before_number = || {
            // A separator with a digit behind it ends the word.
            let mut ends = name
                .windows(2)
                .enumerate()
                .filter(|(_, two)| is_cut(two.first()) && two.last().is_some_and(u8::is_ascii_digit));
            ends.any(|(end, _)| {
                name.get(..end).is_some_and(|head| head.ends_with(text)) && counts(word, end - text.len(), false)
            })
        };
        let is_first = || {
            let rest = stem.strip_prefix(text).unwrap_or_default();
            word.kind == Kind::Failed
                && !word.common
                && is_cut(rest.first())
                && rest.get(1).is_some_and(u8::is_ascii_digit)
        };
        is_last || before_number() || is_first()
    })
}

/// The name that an unfinished one will have, by how it begins or ends; `None` of one that is finished.
#[must_use]
pub fn finished(name: &[u8]) -> Option<&[u8]> {
    let lower = name.to_ascii_lowercase();
    let head = |long: usize| name.get(..long).filter(|bare| !bare.is_empty());
    if let Some(ending) = UNFINISHED.iter().chain(FAILED).find(|ending| lower.ends_with(ending.as_bytes())) {
        return head(name.len() - ending.len());
    }
    let is_cut = |byte: Option<&u8>| byte.is_some_and(|byte| matches!(byte, b'-' | b'_' | b'.'));
    for word in FIRST {
        let long = word.len() + 1;
        if lower.ends_with(word.as_bytes())
            && name.len() > long
            && is_cut(name.len().checked_sub(long).and_then(|at| name.get(at)))
        {
            return head(name.len() - long);
        }
        let is_meant = PARTIAL.iter().any(|partial| lower.starts_with(partial.as_bytes()));
        if lower.starts_with(word.as_bytes()) && is_cut(name.get(word.len())) && !is_meant {
            return name.get(long..).filter(|bare| !bare.is_empty());
        }
    }
    // `mktemp` and others put something random or a number behind the ending: `.tmp.A1b2C3`, `.part.0001`, `.tmp12345`.
    let at = [".tmp", ".part", ".partial", ".upload", ".checkpoint"].iter().filter_map(|mark| {
        let at = lower.windows(mark.len()).rposition(|window| window == mark.as_bytes())?;
        let rest = name.get(at + mark.len()..)?;
        let random = match rest.strip_prefix(b".").or_else(|| rest.strip_prefix(b"-")) {
            Some(random) => random,
            None if *mark == ".tmp" => rest,
            None => return None,
        };
        let least = if *mark == ".part" { 3 } else { 1 };
        let is_odd = random.iter().any(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
        let is_random = (least..=12).contains(&random.len()) && random.iter().all(u8::is_ascii_alphanumeric) && is_odd;
        is_random.then_some(at)
    });
    at.max().and_then(head).or_else(|| copied(name))
}

/// The name of a file that rsync is copying: `.a.dump.Xy12Ab` (`mkstemp` in its `receiver.c`).
fn copied(name: &[u8]) -> Option<&[u8]> {
    let (bare, random) = name.strip_prefix(b".")?.split_at_checked(name.len().checked_sub(8)?)?;
    let random = random.strip_prefix(b".")?;
    let any = |is_one: fn(&u8) -> bool| random.iter().any(is_one);
    let is_random = random.iter().all(u8::is_ascii_alphanumeric)
        && (any(u8::is_ascii_uppercase) || (any(u8::is_ascii_digit) && any(u8::is_ascii_lowercase)));
    (is_random && !bare.is_empty()).then_some(bare)
}

/// Which of these names are descriptions of others among them: `a.dump.json` of `a.dump`, `a.json` of `a.tar.gz`. An ending that
/// describes at least as often as it stands alone describes wherever it stands: what it belongs to was never made.
#[must_use]
pub fn descriptions(names: &[&[u8]], pattern: &[u8]) -> Vec<bool> {
    let pattern = pattern.to_ascii_lowercase();
    let ending = |name: &[u8]| {
        let lower = name.to_ascii_lowercase();
        DESCRIBES.iter().copied().find(|ending| lower.ends_with(ending.as_bytes()))
    };
    let endings: Vec<Option<&str>> = names.iter().map(|name| ending(name)).collect();
    let own = |at: usize| endings.get(at).copied().flatten().filter(|own| !pattern.ends_with(own.as_bytes()));
    let describes = |(at, name): (usize, &&[u8])| {
        let Some(own) = own(at) else { return false };
        let stem = name.get(..name.len() - own.len()).unwrap_or_default();
        let is_of = |(other, ending): (&&[u8], &Option<&str>)| {
            let rest = other.strip_prefix(stem).filter(|_| !stem.is_empty());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b".")) && ending.is_none()
        };
        names.iter().zip(&endings).any(is_of)
    };
    let first: Vec<bool> = names.iter().enumerate().map(describes).collect();
    let of_ending = |wanted: &str, describing: bool| {
        let all = first.iter().enumerate();
        all.filter(|(at, is_one)| **is_one == describing && own(*at) == Some(wanted)).count()
    };
    let also = |(at, is_one): (usize, &bool)| {
        *is_one || own(at).is_some_and(|own| of_ending(own, true) > 0 && of_ending(own, true) >= of_ending(own, false))
    };
    first.iter().enumerate().map(also).collect()
}

#[cfg(test)]
mod tests;
