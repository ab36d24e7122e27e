//! Reads the SHA-256 of a file out of a file of checksums, in every form that is in use.
//!
//! `HEX  NAME` and `HEX *NAME` (`sha256sum`, also with a tab), `SHA256 (NAME) = HEX` (`--tag`, BSD), `SHA2-256(NAME)= HEX` (`openssl
//! dgst`), `sha256:HEX`, the tables of `Get-FileHash` and `certutil`; behind a byte order mark, and in UTF-16. A digest without a name, or of standard input (`-`), counts in a file that is called after its
//! one file alone.

use crate::domain::Digest;
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

/// Why a text says no digest of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lack {
    /// It does not name the file, and holds no SHA-256 without a name.
    Nothing,
    /// Something is wrong with what it says, in words.
    Wrong(String),
}

/// The bytes of a file of checksums as text.
#[must_use]
pub fn decode(bytes: &[u8]) -> String {
    let wide = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = rest.chunks_exact(2).filter_map(|two| <[u8; 2]>::try_from(two).ok().map(unit));
        char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// The digest of the file `name` in a text that lies in the same directory; `own` where the text is called after that file alone.
///
/// A path in the text is taken from that directory, as `sha256sum -c` takes it there: `daily/a` is another file than `a`. In a text of
/// one file alone, the directory does not count.
///
/// # Errors
/// Why there is none.
pub fn digest_in(text: &str, name: &str, directory: &Path, own: bool) -> Result<Digest, Lack> {
    let lines: Vec<(Digest, Vec<String>)> = text.lines().filter_map(line).collect();
    let is_exact = |path: &String| path == name || is_path_of(path, name, directory);
    let is_base = |path: &String| own && path.rsplit(['/', '\\']).next() == Some(name);
    for is_it in [&is_exact as &dyn Fn(&String) -> bool, &is_base] {
        let found = lines.iter().filter(|(_, names)| names.iter().any(is_it)).map(|(digest, _)| digest);
        if let Some(digest) = one(found, || format!("two different SHA-256 of {name} in it"))? {
            return Ok(digest);
        }
    }
    if !own {
        return Err(Lack::Nothing);
    }
    let unnamed = lines.iter().filter(|(_, names)| names.is_empty()).map(|(digest, _)| digest);
    if let Some(digest) = one(unnamed, || "two different SHA-256 in it".to_owned())? {
        return Ok(digest);
    }
    match lines.iter().find_map(|(_, names)| names.first()) {
        Some(other) => Err(Lack::Wrong(format!("the SHA-256 in it is of {other}"))),
        None => Err(Lack::Nothing),
    }
}

/// Whether a path is that of a file of this name in a directory.
fn is_path_of(path: &str, name: &str, directory: &Path) -> bool {
    // Windows: `.\a`, and a path of a drive, which is of another host.
    let is_of_drive = path.get(1..3) == Some(":\\") && path.starts_with(|drive: char| drive.is_ascii_alphabetic());
    if is_of_drive {
        return path.rsplit('\\').next() == Some(name);
    }
    let path = path.strip_prefix(".\\").unwrap_or(path);
    let mut parts: Vec<&OsStr> = Vec::new();
    for part in Path::new(path).components() {
        match part {
            Component::ParentDir if parts.pop().is_none() => return false,
            Component::ParentDir | Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => parts.clear(),
            Component::Normal(part) => parts.push(part),
        }
    }
    let own: PathBuf = parts.iter().collect();
    if Path::new(path).is_absolute() {
        Path::new("/").join(own) == directory.join(name)
    } else {
        own == Path::new(name)
    }
}

/// The one digest that all of them are.
fn one<'a>(mut found: impl Iterator<Item = &'a Digest>, why: impl FnOnce() -> String) -> Result<Option<Digest>, Lack> {
    let Some(first) = found.next() else { return Ok(None) };
    if found.all(|other| other == first) { Ok(Some(first.clone())) } else { Err(Lack::Wrong(why())) }
}

/// The digest of a line with the readings of the name beside it; none where it has no name.
fn line(text: &str) -> Option<(Digest, Vec<String>)> {
    // GNU writes a backslash before the line of a name that it escapes, in either form.
    let (is_escaped, text) = text.strip_prefix('\\').map_or((false, text), |bare| (true, bare));
    let named = |name: &str| if is_escaped { names(&unescaped(name)) } else { names(name) };
    let text = text.trim_end();
    if let Some((head, digest)) = text.rsplit_once('=')
        && let Some(digest) = hex(digest.trim())
    {
        let head = head.trim_end().strip_suffix(')').and_then(|head| head.split_once('('));
        return match head {
            Some((word, name)) if is_algorithm(word) || word.is_empty() => Some((digest, named(name))),
            _ => text.split_once('=').filter(|(word, _)| is_algorithm(word)).map(|_| (digest, Vec::new())),
        };
    }
    let (first, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
    if let Some(digest) = hex(first) {
        let name = rest.strip_prefix([' ', '*']).unwrap_or(rest);
        return Some((digest, named(name)));
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    // `certutil` before Windows 8 writes each byte apart.
    if words.len() == 32 && words.iter().all(|word| word.len() == 2) {
        return hex(&words.concat()).map(|digest| (digest, Vec::new()));
    }
    let (at, digest) = words.iter().enumerate().find_map(|(at, word)| Some((at, hex(word)?)))?;
    let word = words.get(at)?;
    let (before, after) = text.split_once(word)?;
    let before = before.trim().trim_end_matches([':', '=']).trim_end();
    if before.is_empty() || is_algorithm(before) {
        return Some((digest, names(after.trim())));
    }
    Some((digest, names(before)))
}

/// A name as it stands and without the blanks around it; none of what is no name.
fn names(text: &str) -> Vec<String> {
    match text.trim() {
        "" | "-" | "stdin" => Vec::new(),
        trimmed if trimmed == text => vec![text.to_owned()],
        trimmed => vec![text.to_owned(), trimmed.to_owned()],
    }
}

fn unescaped(name: &str) -> String {
    let mut out = String::new();
    let mut letters = name.chars();
    while let Some(letter) = letters.next() {
        match (letter, if letter == '\\' { letters.next() } else { None }) {
            ('\\', Some('n')) => out.push('\n'),
            ('\\', Some('r')) => out.push('\r'),
            ('\\', Some(other)) => out.push(other),
            (other, _) => out.push(other),
        }
    }
    out
}

/// Whether a word names the algorithm, or says that what follows is a digest.
fn is_algorithm(word: &str) -> bool {
    let word = word.trim().trim_end_matches([':', '=']).trim_end().to_ascii_lowercase();
    matches!(word.as_str(), "sha256" | "sha-256" | "sha2-256" | "sha256sum" | "hash" | "digest" | "checksum")
}

/// 64 hexadecimal digits, in letters of either case, also as `sha256:DIGITS`.
fn hex(word: &str) -> Option<Digest> {
    let lower = word.to_ascii_lowercase();
    let bare = ["sha256:", "sha256=", "sha256-", "sha-256:"].iter().find_map(|mark| lower.strip_prefix(mark));
    Digest::parse(bare.unwrap_or(&lower))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a text in `/backups` says of a file there.
    fn found_in(text: &str, name: &str, own: bool) -> Result<Digest, Lack> {
        digest_in(text, name, Path::new("/backups"), own)
    }

    #[test]
    fn every_form_in_use_is_read() {
        let digest = Digest::of(b"it");
        let upper = digest.as_str().to_uppercase();
        let bytes: Vec<String> =
            digest.as_str().as_bytes().chunks(2).map(|two| String::from_utf8_lossy(two).into()).collect();
        let bytes = bytes.join(" ");
        let named = [
            format!("{digest}  a b.dump"),
            format!("{digest} *a b.dump"),
            format!("{digest}\ta b.dump"),
            format!("{upper}  ./a b.dump\r"),
            format!("{digest}  /backups/a b.dump"),
            format!("{digest}  C:\\backups\\a b.dump"),
            format!("SHA256 (a b.dump) = {digest}"),
            format!("SHA256(a b.dump)= {digest}"),
            format!("SHA2-256(a b.dump)= {digest}"),
            format!("sha256:{digest}  a b.dump"),
            format!("SHA256          {upper}       C:\\backups\\a b.dump"),
            format!("a b.dump: {digest}"),
        ];
        let other = Digest::of(b"other");
        for line in &named {
            let text = format!("{other}  else.dump\n# words\n{line}\n");
            assert_eq!(found_in(&text, "a b.dump", false), Ok(digest.clone()), "{line}");
        }
        let unnamed = [
            format!("{digest}"),
            format!("{digest}  -"),
            format!("SHA2-256(stdin)= {digest}"),
            format!("(stdin)= {digest}"),
            format!("sha256:{digest}"),
            format!("SHA256: {upper}"),
            format!("sha256={digest}"),
            format!("Hash      : {upper}"),
            format!(
                "SHA256 hash of file a b.dump:\r\n{bytes}\r\nCertUtil: -hashfile command completed successfully.\r"
            ),
            format!("SHA256 hash of a b.dump:\n{digest}\nCertUtil: -hashfile command completed successfully."),
        ];
        for text in &unnamed {
            assert_eq!(found_in(text, "a b.dump", true), Ok(digest.clone()), "{text}");
            assert_eq!(found_in(text, "a b.dump", false), Err(Lack::Nothing), "{text}");
        }
        let marked = [b"\xef\xbb\xbf", format!("{digest}  a").as_bytes()].concat();
        assert_eq!(found_in(&decode(&marked), "a", false), Ok(digest.clone()));
        let wide: Vec<u8> = format!("\u{feff}{digest}  a\r\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(found_in(&decode(&wide), "a", false), Ok(digest.clone()));
        assert_eq!(found_in(&format!("\\{digest}  a\\nb\\\\c"), "a\nb\\c", false), Ok(digest));
    }

    #[test]
    fn a_name_as_it_stands_counts_before_one_that_ends_so() {
        let (right, wrong) = (Digest::of(b"right"), Digest::of(b"wrong"));
        let text = format!("{wrong}  archive/a.dump\n{right}  a.dump\n{wrong}  b.a.dump\n");
        assert_eq!(found_in(&text, "a.dump", false), Ok(right.clone()));
        let twice = format!("{wrong}  a.dump\n{right}  a.dump\n");
        assert_eq!(found_in(&twice, "a.dump", true), Err(Lack::Wrong("two different SHA-256 of a.dump in it".into())));
        let twice = format!("{wrong}  x/a.dump\n{right}  y/a.dump\n");
        assert!(matches!(found_in(&twice, "a.dump", true), Err(Lack::Wrong(_))));
        let same = format!("{right}  x/a.dump\n{right}  y/a.dump\n");
        assert_eq!(found_in(&same, "a.dump", true), Ok(right.clone()));
        let other = format!("{right}  b.dump\n");
        assert_eq!(found_in(&other, "a.dump", true), Err(Lack::Wrong("the SHA-256 in it is of b.dump".into())));
        assert_eq!(
            found_in(&format!("{right}\n{wrong}\n"), "a", true).unwrap_err(),
            Lack::Wrong("two different SHA-256 in it".into())
        );
    }

    #[test]
    fn a_path_in_a_list_is_taken_from_its_directory() {
        let digest = Digest::of(b"it");
        for path in
            ["a.dump", "./a.dump", ".//a.dump", "daily/../a.dump", "/backups/a.dump", "/backups/./a.dump", ".\\a.dump"]
        {
            for line in
                [format!("{digest}  {path}"), format!("{digest} *{path}\r"), format!("SHA256 ({path}) = {digest}\r")]
            {
                assert_eq!(found_in(&line, "a.dump", false), Ok(digest.clone()), "{line:?}");
            }
        }
        for path in [
            "daily/a.dump",
            "./daily/a.dump",
            "../a.dump",
            "/a.dump",
            "/other/a.dump",
            "backups/a.dump",
            "daily\\a.dump",
        ] {
            for line in
                [format!("{digest}  {path}"), format!("{digest} *{path}\r"), format!("SHA256 ({path}) = {digest}")]
            {
                assert_eq!(found_in(&line, "a.dump", false), Err(Lack::Nothing), "{line:?}");
                // A text that is called after the file means it, from wherever it was written.
                assert_eq!(found_in(&line, "a.dump", true), Ok(digest.clone()), "{line:?}");
            }
        }
        for line in [format!("\\{digest}  d/a\\nb"), format!("\\SHA256 (d/a\\nb) = {digest}")] {
            assert_eq!(found_in(&line, "a\nb", false), Err(Lack::Nothing), "{line:?}");
            let here = line.replace("d/", "./");
            assert_eq!(found_in(&here, "a\nb", false), Ok(digest.clone()), "{here:?}");
        }
    }

    #[test]
    fn what_is_no_sha_256_is_none() {
        for text in ["", "words", &"0".repeat(63), "d41d8cd98f00b204e9800998ecf8427e  a", &"a".repeat(128)] {
            assert_eq!(found_in(text, "a", true), Err(Lack::Nothing), "{text}");
        }
    }
}
