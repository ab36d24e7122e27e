//! The names of what is no backup, as the programs in use write them. All are in small letters.

use crate::probes::backups::kind::Kind;

/// Endings of checksums and signatures, also with `.txt` behind them.
pub(super) const SUMS: &[&str] = &[
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
/// Endings of logs, also compressed and numbered: `.log.gz`, `.err.1`.
pub(super) const LOGS: &[&str] = &[".log", ".err", ".error", ".errors", ".stderr", ".stdout"];
/// Endings of lists of what a backup holds, also compressed and encrypted: `.manifest.gpg`.
pub(super) const LISTS: &[&str] = &[".manifest", ".sigtar", ".metadata"];
/// Endings of what a program writes beside a backup.
pub(super) const BESIDE: &[&str] = &[
    ".notes",
    ".note",
    ".protected",
    ".meta",
    ".metadata",
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
    ".info.copy",
    ".snar",
    ".vbm",
    ".vbm_tmp",
    ".db-journal",
    ".db-shm",
    ".db-wal",
    ".sqlite-journal",
    ".sqlite-shm",
    ".sqlite-wal",
    ".sqlite3-journal",
    ".sqlite3-shm",
    ".sqlite3-wal",
    ".fingerprint",
    "-bin.index",
    "_sentinel.json",
];
/// Endings of what describes a backup of the same name, and may be one itself.
pub(super) const DESCRIBES: &[&str] = &[
    ".json", ".txt", ".xml", ".yaml", ".yml", ".toml", ".csv", ".html", ".htm", ".md", ".list", ".lst", ".idx", ".toc",
];
/// What compresses or encrypts a file.
pub(super) const WRAPS: &[&str] = &[
    ".gz", ".bz2", ".xz", ".zst", ".lz4", ".lzo", ".lzma", ".br", ".z", ".gpg", ".pgp", ".age", ".enc", ".aes", ".qp",
];
/// What a backup is stored as; a word right before it says what became of it: `db-2026-11-30-failed.sql.gz`.
pub(super) const FORMATS: &[&str] = &[
    ".7z",
    ".archive",
    ".bacpac",
    ".bak",
    ".bak2",
    ".backup",
    ".bkp",
    ".bson",
    ".cpio",
    ".csv",
    ".custom",
    ".db",
    ".difftar",
    ".dmp",
    ".dump",
    ".img",
    ".json",
    ".mbstream",
    ".pgdump",
    ".qcow2",
    ".rar",
    ".raw",
    ".rdb",
    ".sql",
    ".sqlite",
    ".sqlite3",
    ".snap",
    ".tar",
    ".tbz",
    ".tbz2",
    ".tgz",
    ".trn",
    ".txz",
    ".tzst",
    ".vbk",
    ".vib",
    ".vma",
    ".vmdk",
    ".xbstream",
    ".xml",
    ".zfs",
    ".zip",
];
/// Those that hold nothing but backups wherever they lie.
pub(super) const DUMPS: &[&str] = &[
    ".bacpac",
    ".bak",
    ".bson",
    ".difftar",
    ".dmp",
    ".dump",
    ".mbstream",
    ".pgdump",
    ".rdb",
    ".sql",
    ".tar",
    ".tgz",
    ".trn",
    ".vbk",
    ".vib",
    ".vma",
    ".xbstream",
];
/// Words that name a list of what a backup holds, before one of the endings that describe, or alone.
pub(super) const MANIFESTS: &[&str] =
    &["manifest", "metadata", "meta", "backup_manifest", "backup_metadata", "backup_information", "backup_info"];
/// Whole names of files that tools keep among their backups; whether they compress them too.
pub(super) const FILES: &[(&str, bool, &[&str])] = &[
    ("systems", false, &["thumbs.db", "desktop.ini", "readme", "readme.txt", "readme.md", "icon\r"]),
    (
        "pgBackRest",
        false,
        &["backup.info", "backup.info.copy", "archive.info", "archive.info.copy", "backup.manifest.copy"],
    ),
    ("PostgreSQL", false, &["backup_manifest", "backup_label", "tablespace_map", "postmaster.opts"]),
    ("Barman", false, &["identity.json", "xlog.db"]),
    (
        "XtraBackup, Mariabackup",
        true,
        &[
            "xtrabackup_info",
            "xtrabackup_checkpoints",
            "xtrabackup_logfile",
            "xtrabackup_binlog_info",
            "xtrabackup_slave_info",
            "xtrabackup_galera_info",
            "xtrabackup_tablespaces",
            "mariadb_backup_info",
            "mariadb_backup_checkpoints",
            "mariadb_backup_binlog_info",
            "mariadb_backup_slave_info",
            "mariadb_backup_galera_info",
            "backup-my.cnf",
        ],
    ),
    ("MySQL", false, &["binlog.index", "mysql-bin.index"]),
    ("mydumper", false, &["metadata", "metadata.partial"]),
    ("Borg", false, &["nonce", "config", "lock.roster"]),
    (
        "Kopia",
        false,
        &[
            "kopia.repository",
            "kopia.repository.f",
            "kopia.maintenance",
            "kopia.maintenance.f",
            "kopia.blobcfg",
            "kopia.blobcfg.f",
        ],
    ),
    ("Velero", false, &["velero-backup.json"]),
    ("Elasticsearch", false, &["index.latest", "incompatible-snapshots"]),
    ("Proxmox Backup Server", false, &["index.json.blob", "client.log.blob", "owner"]),
    ("Synology", false, &["synobkpinfo.db", "synologyhyperbackup.bkpi", "_syno_taskconfig"]),
    ("Spark", false, &["_success", "_started"]),
];
/// Whole names of directories that hold no backups.
pub(super) const DIRECTORIES: &[&str] = &[
    "lost+found",
    "$recycle.bin",
    "system volume information",
    "__macosx",
    "@eadir",
    "@tmp",
    "#recycle",
    "#snapshot",
    ".trash",
    ".trashes",
    ".tmp",
    ".minio.sys",
    "tmp",
    "temp",
    "locks",
    "lock.exclusive",
    "backup.history",
    "incoming",
    "streaming",
    "errors",
    "wals",
    "_lo",
];
/// Directories within a backup that hold what was said while it was made.
pub(super) const SAYINGS: &[&str] = &["log", "logs"];
/// What a number behind makes the name of a tool's own file: `hints.12` and the like of Borg, `index-12` of Elasticsearch.
pub(super) const NUMBERED: &[&str] = &["hints.", "index.", "integrity.", "index-"];
/// What the name of a tool's own file begins with: logs of Kopia, lists of an export of Amazon RDS.
pub(super) const HEADS: &[&str] = &["_log_", "_committed_", "export_info_", "export_tables_info_"];
/// What the names of logs begin and end with that have an id in between (UpdraftPlus).
pub(super) const BETWEEN: &[(&str, &str)] = &[("log.", ".txt")];
/// What Redis is saving: a number between these (`rdb.c`, `aof.c`).
pub(super) const TEMPORARY: &[(&str, &str)] =
    &[("temp-", ".rdb"), ("temp-rewriteaof-", ".aof"), ("temp-rewriteaof-bg-", ".aof")];
/// What follows the name of its directory in the name of a file that describes the backup there (Velero).
pub(super) const COMPANIONS: &[&str] = &[
    "-logs.gz",
    "-results.gz",
    "-resource-list.json.gz",
    "-podvolumebackups.json.gz",
    "-volumesnapshots.json.gz",
    "-volumeinfo.json.gz",
    "-itemoperations.json.gz",
    "-csi-volumesnapshots.json.gz",
    "-csi-volumesnapshotcontents.json.gz",
    "-csi-volumesnapshotclasses.json.gz",
];
/// What a repository of restic holds beside its snapshots; maintenance writes to all of it.
pub(super) const RESTIC: &[&str] = &["data", "index", "keys"];
/// What the name of a file of checksums begins with: `SHA256SUMS`, `sha256sums.txt`, `MD5SUMS.asc`.
pub(super) const ALGORITHMS: &[&str] =
    &["sha256", "sha512", "sha1", "md5", "sha224", "sha384", "sha", "b2", "b3", "blake2", "blake3", "check", "crc32"];
/// Endings of what is not finished.
pub(super) const UNFINISHED: &[&str] = &[
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
    ".swo",
    ".swx",
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
    ".dumping",
    ".copying",
    ".compressing",
    ".transferring",
    ".syncing",
    ".ongoing",
    ".interrupted",
    ".wip",
    ".working",
    ".running",
    ".checkpoint",
    ".vma.dat",
    ".vma.zst.dat",
    ".tar.dat",
    ".tar.zst.dat",
];
/// Endings of what its writer gave up, or a person set aside.
pub(super) const FAILED: &[&str] = &[
    ".failed",
    ".fail",
    ".failure",
    ".aborted",
    ".corrupt",
    ".corrupted",
    ".broken",
    ".bad",
    ".invalid",
    ".truncated",
    ".cancelled",
    ".canceled",
    ".rejected",
    ".quarantine",
];
/// A word of a name that says what became of a backup.
pub(super) struct Word {
    /// The word.
    pub(super) word: &'static str,
    /// What it says.
    pub(super) kind: Kind,
    /// Whether it is a common word of names too: then it counts only behind a `.` or a digit, or at the very end.
    pub(super) common: bool,
}

const fn word(word: &'static str, kind: Kind, common: bool) -> Word {
    Word { word, kind, common }
}

/// Words that say what became of a backup.
pub(super) const WORDS: &[Word] = &[
    word("tmp", Kind::Unfinished, true),
    word("temp", Kind::Unfinished, true),
    word("part", Kind::Unfinished, true),
    word("partial", Kind::Unfinished, false),
    word("incomplete", Kind::Unfinished, false),
    word("inprogress", Kind::Unfinished, false),
    word("in-progress", Kind::Unfinished, false),
    word("in_progress", Kind::Unfinished, false),
    word("unfinished", Kind::Unfinished, false),
    word("uploading", Kind::Unfinished, false),
    word("dumping", Kind::Unfinished, false),
    word("interrupted", Kind::Unfinished, false),
    word("running", Kind::Unfinished, true),
    word("wip", Kind::Unfinished, true),
    word("failed", Kind::Failed, false),
    word("aborted", Kind::Failed, false),
    word("corrupted", Kind::Failed, false),
    word("corrupt", Kind::Failed, true),
    word("broken", Kind::Failed, true),
    word("failure", Kind::Failed, true),
    word("fail", Kind::Failed, true),
    word("error", Kind::Failed, true),
    word("bad", Kind::Failed, true),
    word("invalid", Kind::Failed, true),
    word("truncated", Kind::Failed, true),
    word("cancelled", Kind::Failed, true),
    word("canceled", Kind::Failed, true),
];
/// Words that say it at the beginning of a name.
pub(super) const FIRST: &[&str] =
    &["tmp", "partial", "incomplete", "inprogress", "in-progress", "in_progress", "unfinished", "uploading"];
/// Backups that are partial by intent.
pub(super) const PARTIAL: &[&str] =
    &["partial_backup", "partial-backup", "partial backup", "partial_snapshot", "partial-snapshot"];
