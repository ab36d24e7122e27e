//! What a program does with the files in its arguments.

use super::PURE;
use std::path::Path;

/// Programs that read, make, change or remove the files in their arguments, and run none of them. Excluded for an
/// option that runs something: `find` (`-exec`), `tar` (`--to-command`), `rsync` (`-e`), `sed` (`e`), `sort`
/// (`--compress-program`).
const HANDLERS: [&str; 26] = [
    "chattr",
    "chgrp",
    "chmod",
    "chown",
    "cp",
    "dd",
    "fallocate",
    "gunzip",
    "gzip",
    "install",
    "kill",
    "ln",
    "mkdir",
    "mv",
    "rm",
    "rmdir",
    "setfacl",
    "shred",
    "sync",
    "tee",
    "touch",
    "truncate",
    "unlink",
    "unxz",
    "xz",
    "zstd",
];

/// Whether a program runs none of the files in its arguments.
pub(in super::super) fn runs_nothing(program: &Path) -> bool {
    let name = program.file_name().and_then(std::ffi::OsStr::to_str).unwrap_or_default();
    let of_system =
        ["/bin", "/sbin", "/usr/bin", "/usr/sbin"].iter().any(|dir| program.parent() == Some(Path::new(dir)));
    of_system && (PURE.contains(&name) || HANDLERS.contains(&name))
}
