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
         a.dump.asc a.dump.sig a.vol0+1.par2 Thumbs.db README.txt a.ok backup.info \
             backup.info.copy archive.info archive.info.copy a.vbm home.snar xtrabackup_info mysql-bin.index nonce config README hints.12 \
             index.12 integrity.12 index-12 a.log.gz a.err.gz a.err a.log.1 a.log.2.gz a.log-20261122 manifest.json \
             a-manifest.yaml a.manifest.json a.meta.json backup_manifest a.manifest.gpg a.metadata.json.gz \
             base_000000010000000000000018_backup_stop_sentinel.json 00000002.history _log_2026 \
             000000010000000000000018.00000028.backup export_info_a.json",
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
        "invalid-2026-11-22.csv orders-cancelled-2026-11-22.csv bad-ischl-2026.dump failed_jobs.sql.gz failed-logins.csv payments_failed.sql badminton.dump partial_backup_2026.tar app-tmp.tar.gz temp-2026.csv \
         a.tar.part.01 part-00000-1.gz.parquet changelog.tar.gz catalog.gz access.log.tar.gz backup.info.tar.gz shipping_manifest.json \
         manifest.sql.gz errors-2026.csv index.tar index-a.tar config.tar.gz running-2026.sql a.dump a.tar.gz a.part1.rar a.part00 template.sql tmpfs.tar room-temperature.csv news.tar checksumming.tar \
         sha256.tar.gz summary.dump a.json a.txt renewed a.data vzdump.tar partial",
        Kind::Member,
    );
}

#[test]
fn a_description_needs_what_it_describes() {
    let names: [&[u8]; 5] = [b"a.dump", b"a.dump.json", b"b.tar.gz", b"c.yaml", b"b.json"];
    assert_eq!(descriptions(&names, b"*"), [false, true, false, false, true]);
    assert_eq!(descriptions(&names, b"*.json"), [false; 5]);
    // One that stands alone is of a backup that was never made, where others of its ending describe.
    let names: [&[u8]; 4] = [b"a.dump", b"a.json", b"b.json", b"c.yaml"];
    assert_eq!(descriptions(&names, b"*"), [false, true, true, false]);
    let names: [&[u8]; 4] = [b"a.dump", b"a.json", b"b.json", b"c.json"];
    assert_eq!(descriptions(&names, b"*"), [false, true, false, false]);
}

#[test]
fn a_pattern_that_names_a_file_means_it() {
    for name in ["backup.info", "a.log", "config", "a.dump.part", "db-failed.dump", "SHA256SUMS"] {
        assert_eq!(of(name.as_bytes(), name.as_bytes()), Kind::Member, "{name}");
        assert_ne!(of(name.as_bytes(), b"*"), Kind::Member, "{name}");
    }
    for (name, pattern) in [
        ("a-2026.log.gz", "*.log.gz"),
        ("db-partial-2026.dump", "db-partial-*"),
        ("a.tmp.gz", "*.tmp.gz"),
        ("a.manifest.gpg", "*.manifest.gpg"),
    ] {
        assert_eq!(of(name.as_bytes(), pattern.as_bytes()), Kind::Member, "{name}");
        assert_ne!(of(name.as_bytes(), b"*"), Kind::Member, "{name}");
    }
}

#[test]
fn what_failed_is_none() {
    all(
        "db-2026-11-22-failed.dump db-failed-2026-11-22.dump db.failed.sql.gz a.dump.failed a.dump.bad a.tar.corrupt \
         db_20261122_failed.sql db-2026-11-22-bad.dump a.dump.failed.1 failed-2026-11-22.dump db-failed.dump a_2026-11-22(failed).bak",
        Kind::Failed,
    );
}

#[test]
fn a_key_is_judged_by_its_directories_too() {
    for (key, kind) in [
        ("a/b.dump", Kind::Member),
        ("@eaDir/b.dump", Kind::Beside),
        ("a/locks/b", Kind::Beside),
        ("base.partial/b.dump", Kind::Unfinished),
        ("2026-11-22-failed/b.dump", Kind::Failed),
        ("a/daily-1/daily-1-logs.gz", Kind::Beside),
        ("a/daily-1/daily-1.tar.gz", Kind::Member),
        ("a/daily-1/other-logs.gz", Kind::Member),
        ("config/b.dump", Kind::Member),
        ("a/config", Kind::Beside),
    ] {
        assert_eq!(of_key(key.as_bytes(), b""), kind, "{key}");
    }
    assert_eq!(of_directory(b"config", b"*"), Kind::Member);
}
