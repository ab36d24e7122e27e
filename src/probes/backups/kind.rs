//! Which names are those of backups, which of files that lie beside them, and which of files that are not finished.
//!
//! Letters of both cases count alike. Where the pattern of a series ends in one of these endings itself (`*.log`, `*.asc`), files that
//! end so are its members.

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A backup.
    Member,
    /// A checksum, a signature, a log, a note: it says something of a backup and holds none.
    Beside,
    /// A backup that is still being written, or that its writer gave up.
    Unfinished,
}

/// Endings of checksums and signatures, also with `.txt` behind them.
const SUMS: &[&str] = &[
    ".md5",
    ".md5sum",
    ".md5sums",
    ".sha",
    ".sha1",
    ".sha1sum",
    ".sha1sums",
    ".sha224",
    ".sha224sum",
    ".sha256",
    ".sha256sum",
    ".sha256sums",
    ".sha384",
    ".sha384sum",
    ".sha512",
    ".sha512sum",
    ".sha512sums",
    ".sha3",
    ".b2",
    ".b2sum",
    ".blake2",
    ".blake2b",
    ".b3",
    ".b3sum",
    ".blake3",
    ".crc",
    ".crc32",
    ".sfv",
    ".xxh",
    ".xxh64",
    ".xxh128",
    ".xxhsum",
    ".checksum",
    ".checksums",
    ".digest",
    ".hash",
    ".sum",
    ".asc",
    ".sig",
    ".sign",
    ".signature",
    ".minisig",
    ".par2",
];
/// Endings of what a program writes beside a backup.
const BESIDE: &[&str] = &[
    ".log",
    ".err",
    ".notes",
    ".note",
    ".protected",
    ".meta",
    ".metadata",
    ".meta.json",
    ".metadata.json",
    ".manifest.json",
    ".meta.xml",
    ".status",
    ".state",
    ".stats",
    ".ok",
    ".done",
    ".success",
    ".pid",
    ".nfo",
    ".info",
    ".torrent",
];
/// Endings of what describes a backup of the same name, and may be one itself.
const DESCRIBES: &[&str] = &[
    ".json", ".txt", ".xml", ".yaml", ".yml", ".toml", ".csv", ".html", ".htm", ".md", ".list", ".lst", ".idx", ".toc",
];
/// Whole names of what is no backup.
const OTHERS: &[&str] = &[
    "lost+found",
    "thumbs.db",
    "desktop.ini",
    "@eadir",
    "$recycle.bin",
    "system volume information",
    "readme",
    "readme.txt",
    "readme.md",
];
/// What the name of a file of checksums begins with: `SHA256SUMS`, `sha256sums.txt`, `MD5SUMS.asc`.
const ALGORITHMS: &[&str] =
    &["sha256", "sha512", "sha1", "md5", "sha224", "sha384", "sha", "b2", "b3", "blake2", "blake3", "check", "crc32"];
/// Endings of what is not finished.
const UNFINISHED: &[&str] = &[
    ".part",
    ".partial",
    ".tmp",
    ".temp",
    ".incomplete",
    ".inprogress",
    ".in_progress",
    ".in-progress",
    ".filepart",
    ".swp",
    "~",
    ".uploading",
    ".upload",
    ".crdownload",
    ".download",
    ".downloading",
    ".opdownload",
    ".aria2",
    ".!ut",
    ".!qb",
    ".pending",
    ".writing",
    ".new",
    ".lock",
    ".lck",
    ".unfinished",
    ".wip",
    ".working",
    ".running",
    ".checkpoint",
    ".failed",
    ".aborted",
    ".corrupt",
    ".broken",
    ".vma.dat",
    ".vma.zst.dat",
    ".tar.dat",
    ".tar.zst.dat",
];
/// Words that say the same at either end of a name, with a separator.
const WORDS: &[&str] =
    &["tmp", "partial", "incomplete", "inprogress", "in-progress", "in_progress", "unfinished", "uploading"];

/// What a name stands for in a series of a pattern; the pattern is empty where there is none.
#[must_use]
pub fn of(name: &[u8], pattern: &[u8]) -> Kind {
    let (name, pattern) = (name.to_ascii_lowercase(), pattern.to_ascii_lowercase());
    let ends = |ending: &&str| name.ends_with(ending.as_bytes()) && !pattern.ends_with(ending.as_bytes());
    let bare = name.strip_suffix(b".txt").unwrap_or(&name);
    let is_sum = |ending: &&str| ends(ending) || (bare.len() < name.len() && bare.ends_with(ending.as_bytes()));
    let is_other = OTHERS.iter().any(|other| name == other.as_bytes());
    if SUMS.iter().any(is_sum) || BESIDE.iter().any(ends) || is_other || is_sums(&name) {
        return Kind::Beside;
    }
    if finished(&name).is_some_and(|bare| !pattern.ends_with(name.get(bare.len()..).unwrap_or_default())) {
        return Kind::Unfinished;
    }
    Kind::Member
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

/// The name that an unfinished one will have; `None` of one that is finished.
#[must_use]
pub fn finished(name: &[u8]) -> Option<&[u8]> {
    let lower = name.to_ascii_lowercase();
    let head = |long: usize| name.get(..long).filter(|bare| !bare.is_empty());
    if let Some(ending) = UNFINISHED.iter().find(|ending| lower.ends_with(ending.as_bytes())) {
        return head(name.len() - ending.len());
    }
    for word in WORDS {
        let long = word.len() + 1;
        let is_cut = |byte: Option<&u8>| byte.is_some_and(|byte| matches!(byte, b'-' | b'_' | b'.'));
        if lower.ends_with(word.as_bytes())
            && name.len() > long
            && is_cut(name.len().checked_sub(long).and_then(|at| name.get(at)))
        {
            return head(name.len() - long);
        }
        if lower.starts_with(word.as_bytes()) && is_cut(name.get(word.len())) {
            return name.get(long..).filter(|bare| !bare.is_empty());
        }
    }
    // `mktemp` and others put something random or a number behind the ending: `.tmp.A1b2C3`, `.part.0001`, `.tmp12345`.
    let at = [".tmp", ".part", ".partial", ".upload"].iter().filter_map(|mark| {
        let at = lower.windows(mark.len()).rposition(|window| window == mark.as_bytes())?;
        let rest = name.get(at + mark.len()..)?;
        let random = match rest.strip_prefix(b".").or_else(|| rest.strip_prefix(b"-")) {
            Some(random) => random,
            None if *mark == ".tmp" => rest,
            None => return None,
        };
        let is_odd = random.iter().any(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
        let is_random = (3..=12).contains(&random.len()) && random.iter().all(u8::is_ascii_alphanumeric) && is_odd;
        is_random.then_some(at)
    });
    at.max().and_then(head)
}

/// Whether a name is that of a description of a backup among these names: `a.dump.json` of `a.dump`, `a.json` of `a.tar.gz`.
#[must_use]
pub fn describes<'a>(name: &[u8], pattern: &[u8], mut others: impl Iterator<Item = &'a [u8]>) -> bool {
    let (lower, pattern) = (name.to_ascii_lowercase(), pattern.to_ascii_lowercase());
    let ending = |name: &[u8]| DESCRIBES.iter().copied().find(|ending| name.ends_with(ending.as_bytes()));
    let Some(own) = ending(&lower).filter(|own| !pattern.ends_with(own.as_bytes())) else { return false };
    let stem = name.get(..name.len() - own.len()).unwrap_or_default();
    let is_of = |other: &[u8]| {
        let rest = other.strip_prefix(stem).filter(|_| !stem.is_empty());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"."))
            && ending(&other.to_ascii_lowercase()).is_none()
    };
    others.any(is_of)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(names: &str, kind: Kind) {
        for name in names.split_whitespace() {
            assert_eq!(of(name.as_bytes(), b"*"), kind, "{name}");
        }
    }

    #[test]
    fn what_lies_beside_a_backup_is_none() {
        all(
            "a.md5sum a.sha1sum a.SHA256 a.b3 a.sha256.txt SHA256SUMS SHA256SUMS.txt sha256sums.txt MD5SUMS.asc checksums.txt \
             CHECKSUM.MD5 sha256sum.txt manifest-sha256.txt b2sums a.log a.meta.json a.vma.zst.notes a.vma.zst.protected \
             a.dump.asc a.dump.sig a.vol0+1.par2 lost+found Thumbs.db README.txt a.ok",
            Kind::Beside,
        );
        assert_eq!(of(b"app-2026-11-22.log", b"app-*.log"), Kind::Member, "the pattern asks for them");
        assert_eq!(of(b"db.sql.asc", b"*.sql.asc"), Kind::Member);
        assert_eq!(of(b"a.sha256", b"*.dump"), Kind::Beside);
    }

    #[test]
    fn what_is_not_finished_is_not_the_newest() {
        all(
            "a.dump.uploading a.dump.in_progress a.dump.in-progress a.dump.inProgress a.dump.crdownload a.dump.download a.dump.aria2 \
             a.dump.pending a.dump.writing a.dump.new a.dump.lock a.dump.upload a.dump.unfinished a.dump.tmp12345 \
             a.dump.part.0001 a.dump.part a.dump.tmp a.dump.partial a.dump.inprogress a.dump.incomplete a.dump.filepart \
             a.dump.tmp.A1b2C3 a.dump~ 2026-11-22_tmp 2026-11-22-partial incomplete_2026-11-22 a.vma.zst.dat",
            Kind::Unfinished,
        );
        assert_eq!(finished(b"a.dump.tmp12345"), Some(&b"a.dump"[..]));
        assert_eq!(finished(b"incomplete_a.dump"), Some(&b"a.dump"[..]));
        assert_eq!(finished(b".tmp"), None);
    }

    #[test]
    fn everything_else_is_one() {
        all(
            "a.dump a.tar.gz a.part1.rar a.part00 template.sql tmpfs.tar room-temperature.csv a.tmp.gz news.tar checksumming.tar \
             sha256.tar.gz summary.dump a.json a.txt db.log.gz renewed a.data vzdump.tar partial",
            Kind::Member,
        );
    }

    #[test]
    fn a_description_needs_what_it_describes() {
        let names: [&[u8]; 4] = [b"a.dump", b"a.dump.json", b"b.tar.gz", b"c.json"];
        let is_one = |name: &[u8], pattern: &[u8]| describes(name, pattern, names.into_iter());
        assert!(is_one(b"a.dump.json", b"*") && is_one(b"b.json", b"*"));
        assert!(!is_one(b"c.json", b"*") && !is_one(b"a.dump", b"*") && !is_one(b"b.json", b"*.json"));
    }
}
