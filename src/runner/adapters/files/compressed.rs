//! Whether a file is already compressed, by its name or its first bytes.

use crate::runner::adapters::files::beneath::open_file;
use std::io::Read;
use std::os::fd::OwnedFd;

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// By gzip, which this program can read.
    Gzip,
    /// By another program, named.
    Other(&'static str),
}

/// Endings of names.
const ENDINGS: [(&[u8], Kind); 20] = [
    (b".gz", Kind::Gzip),
    (b".tgz", Kind::Gzip),
    (b".xz", Kind::Other("xz")),
    (b".txz", Kind::Other("xz")),
    (b".lzma", Kind::Other("xz")),
    (b".bz2", Kind::Other("bzip2")),
    (b".tbz", Kind::Other("bzip2")),
    (b".tbz2", Kind::Other("bzip2")),
    (b".zst", Kind::Other("zstd")),
    (b".tzst", Kind::Other("zstd")),
    (b".lz4", Kind::Other("lz4")),
    (b".lz", Kind::Other("lzip")),
    (b".lzo", Kind::Other("lzop")),
    (b".br", Kind::Other("brotli")),
    (b".Z", Kind::Other("compress")),
    (b".zip", Kind::Other("zip")),
    (b".jar", Kind::Other("zip")),
    (b".7z", Kind::Other("7z")),
    (b".rar", Kind::Other("rar")),
    (b".sz", Kind::Other("snappy")),
];

/// First bytes. Sources: RFC 1952 2.3.1, RFC 8878 3.1.1, magic(5).
const MAGICS: [(&[u8], Kind); 9] = [
    (b"\x1f\x8b\x08", Kind::Gzip),
    (b"\xfd7zXZ\0", Kind::Other("xz")),
    (b"BZh", Kind::Other("bzip2")),
    (b"\x28\xb5\x2f\xfd", Kind::Other("zstd")),
    (b"\x04\x22\x4d\x18", Kind::Other("lz4")),
    (b"LZIP", Kind::Other("lzip")),
    (b"\x1f\x9d", Kind::Other("compress")),
    (b"PK\x03\x04", Kind::Other("zip")),
    (b"7z\xbc\xaf\x27\x1c", Kind::Other("7z")),
];

/// By the name alone.
pub(super) fn by_name(name: &[u8]) -> Option<Kind> {
    ENDINGS.iter().find(|(ending, _)| name.ends_with(ending)).map(|(_, kind)| *kind)
}

/// By the first bytes alone.
pub(super) fn by_content(first: &[u8]) -> Option<Kind> {
    MAGICS.iter().find(|(magic, _)| first.starts_with(magic)).map(|(_, kind)| *kind)
}

/// By the name, else by the first bytes; a file that cannot be opened has only its name.
pub(super) fn kind(directory: &OwnedFd, name: &[u8]) -> Option<Kind> {
    by_name(name).or_else(|| {
        let mut first = Vec::new();
        open_file(directory, name).ok()?.take(6).read_to_end(&mut first).ok()?;
        by_content(&first)
    })
}
