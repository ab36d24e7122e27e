//! Rows of backups, certificates and bloat as their probes give them.

use super::at;
use crate::domain::{Fact, Figure, Observation, Row, Rows, Series, TargetKind, Trend, Verdict, Wall};
use std::collections::BTreeMap;
use std::time::Duration;

/// The readings of every target of the three sections.
pub(super) fn all() -> Vec<Rows> {
    let mut all: Vec<Rows> = backups().into_iter().map(alone).collect();
    all.extend(certificates().into_iter().map(alone));
    all.push(Rows { kind: TargetKind::Bloat, target: "novacron".to_owned(), rows: bloat() });
    all
}

fn alone(row: Row) -> Rows {
    Rows { kind: row.kind, target: row.target.clone(), rows: vec![row] }
}

/// What a row is made of here: verdict, detail, facts.
type Seen<'a> = (Verdict, &'a str, Vec<(&'static str, Fact)>);

fn row(
    kind: TargetKind,
    (target, object): (&str, Option<&str>),
    source: &str,
    (verdict, detail, facts): Seen<'_>,
) -> Row {
    let mut row = Row::unread(kind, target.to_owned(), source.to_owned(), Duration::from_secs(300));
    row.object = object.map(str::to_owned);
    row.observation = Some(Observation {
        verdict,
        detail: detail.to_owned(),
        facts: facts.into_iter().collect::<BTreeMap<_, _>>(),
        observed_at: at(300),
        trend: None,
    });
    row
}

/// Figures so far apart, the last of them at this moment.
pub(super) fn spaced(figures: &[f64], apart: Duration, last: Wall) -> Series {
    let mut series = Series::default();
    let count = u32::try_from(figures.len()).unwrap_or(0);
    for (value, ago) in figures.iter().copied().zip((0..count).rev()) {
        let at = last.0.checked_sub(apart.saturating_mul(ago)).map_or(last, Wall);
        series.take(Figure::of(at, value));
    }
    series
}

fn text(text: &str) -> Fact {
    Fact::Text(text.to_owned())
}

fn backups() -> Vec<Row> {
    let set = |name: &str, verdict, detail: &str, newest: &str, age_s: i64, size: i64, verified: bool| {
        let facts = vec![
            ("age_s", Fact::Int(age_s)),
            ("max_age_s", Fact::Int(86_400)),
            ("newest", text(newest)),
            ("newest_at", text("2026-11-22T03:10:04Z")),
            ("size_bytes", Fact::Int(size)),
        ];
        let facts = facts.into_iter().chain(verified.then_some(("verified", Fact::Bool(true)))).collect();
        let mut row = row(TargetKind::Backup, (name, None), &format!("/backups/{name}/*"), (verdict, detail, facts));
        #[allow(clippy::cast_precision_loss)] // Sizes of a picture.
        let history = [0.96, 0.97, 0.97, 0.98, 0.99, 0.99, 1.0].map(|share| share * size as f64);
        row.history = spaced(&history, Duration::from_secs(86_400), at(446));
        row.trend = Some(Trend::of("size_bytes"));
        row
    };
    let mut cold = row(
        TargetKind::Backup,
        ("cold", None),
        "/mnt/cold/*.tar.zst",
        (
            Verdict::Ok,
            "2026-11-20 03:12 · 96 GiB",
            vec![("age_s", Fact::Int(172_800)), ("size_bytes", Fact::Int(96 << 30))],
        ),
    );
    cold.lost = Some(("permission denied".to_owned(), at(440)));
    vec![
        set(
            "database",
            Verdict::Critical,
            "31 h old · limit 24 h · verified",
            "novacron-1121.dump",
            111_600,
            4_509_715_661,
            true,
        ),
        set("files", Verdict::Ok, "03:10 yesterday · verified", "files-1122.tar.gz", 84_600, 812 << 20, true),
        set("configs", Verdict::Ok, "03:12 yesterday · verified", "etc-1122.tar.gz", 84_480, 14 << 20, true),
        set("wal", Verdict::Warn, "02:21 today · 1 gap", "000000010000002A", 1560, 16 << 20, false),
        cold,
    ]
}

fn certificates() -> Vec<Row> {
    let certificate = |name: &str, verdict, detail: &str, days: i64, issuer: &str| {
        let facts = vec![
            ("days_left", Fact::Int(days)),
            ("warn_days", Fact::Int(21)),
            ("critical_days", Fact::Int(7)),
            ("fingerprint_sha256", text(&"9f".repeat(32))),
            ("issuer", text(issuer)),
            ("names", text(&format!("{name}, www.{name}"))),
            ("not_before", text("2026-09-02T00:00:00Z")),
            ("not_after", text("2026-12-01T23:59:59Z")),
            ("serial", text("03:9f:3c:12:ab:34:de:6b:7a:51:90:22:c1:0e:88:4f:71:aa")),
            ("subject", text(&format!("CN={name}"))),
        ];
        row(TargetKind::Certificate, (name, None), &format!("{name}:443"), (verdict, detail, facts))
    };
    let ours = "CN=R11,O=Let's Encrypt,C=US";
    let mut late = certificate("mail.novacron.io", Verdict::Ok, "54 d", 54, ours);
    late.lost = Some(("no name server answers".to_owned(), at(445)));
    vec![
        certificate("novacron.io", Verdict::Ok, "61 d", 61, ours),
        served_another(certificate("api.novacron.io", Verdict::Warn, "9 d · served ≠ file", 9, ours)),
        certificate("*.novacron.io", Verdict::Critical, "expired 2 d ago", -2, ours),
        certificate("redis.novacron.io", Verdict::Ok, "341 d", 341, "CN=cell0 CA"),
        late,
    ]
}

/// A certificate whose file was renewed, and whose server was not reloaded.
fn served_another(mut row: Row) -> Row {
    if let Some(seen) = &mut row.observation {
        seen.facts.extend([
            ("served_matches_file", Fact::Bool(false)),
            ("newer", text("file")),
            ("file_serial", text("04:11:9d:02:77:ab:34:00:6b:7a:51:90:22:c1:0e:88:4f:71:02")),
            ("file_issuer", text("CN=R11,O=Let's Encrypt,C=US")),
            ("file_not_before", text("2026-11-21T00:00:00Z")),
            ("file_not_after", text("2027-02-19T23:59:59Z")),
            ("file_fingerprint_sha256", text(&"a1".repeat(32))),
        ]);
    }
    row
}

fn bloat() -> Vec<Row> {
    struct Of(&'static str, &'static str, Verdict, i64, f64, f64, &'static str, &'static str);
    let rows = [
        Of("public.audit_logs", "table", Verdict::Warn, 12 << 30, 0.48, 0.03, "vacuum", ""),
        Of("public.tasks", "table", Verdict::Warn, 3 << 30, 0.31, 0.04, "repack", "grows back"),
        Of("public.tasks_pkey", "index", Verdict::Warn, 1 << 30, 0.64, 0.02, "reindex", ""),
        Of("public.sessions", "table", Verdict::Ok, 800 << 20, 0.07, 0.05, "", ""),
        Of("public.sessions_expires_idx", "index", Verdict::Ok, 210 << 20, 0.04, 0.05, "", ""),
    ];
    let mut all: Vec<Row> = rows
        .into_iter()
        .map(|Of(name, kind, verdict, size, ratio, error, remedy, note)| {
            #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // Sizes of a picture.
            let back = (size as f64 * ratio) as i64;
            let facts = vec![
                ("bloat_bytes", Fact::Int(back)),
                ("bloat_ratio", Fact::Real(ratio)),
                ("database", text("novacron")),
                ("error_ratio", Fact::Real(error)),
                ("kind", text(kind)),
                ("method", text("width statistics")),
                ("name", text(name)),
                ("remedy", text(remedy)),
                ("schema", text("public")),
                ("size_bytes", Fact::Int(size)),
            ];
            row(
                TargetKind::Bloat,
                ("novacron", Some(name)),
                "host=/run/postgresql dbname=novacron",
                (verdict, note, facts),
            )
        })
        .collect();
    let facts = vec![
        ("kind", text("table")),
        ("oid", Fact::Int(1_638_712)),
        ("reason", text("no right to its statistics")),
        ("remedy", text("grant")),
        ("remedy_command", text("GRANT pg_read_all_data TO watch;")),
        ("size_bytes", Fact::Int(4 << 30)),
    ];
    let blind = (Verdict::Unknown, "4.0 GiB · no right to its statistics", facts);
    let source = "host=/run/postgresql dbname=novacron";
    all.push(row(TargetKind::Bloat, ("novacron", Some("billing.invoices")), source, blind));
    all
}
