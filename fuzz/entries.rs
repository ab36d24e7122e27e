//! What each fuzz target does with its bytes. The suite does the same with every file of the corpora, whole and spoilt.
//!
//! No entry may panic, and each says what must hold besides.

use midwatch::config::estate::Estate;
use midwatch::domain::{Clean, EffectClass};
use midwatch::journal::chain::{Verdict, read};
use midwatch::journal::report::{Report, html, json_text, markdown};
use midwatch::probes::backups::kind::{self, Around, Kind};
use midwatch::probes::backups::stamp::{self, Stamp};
use midwatch::probes::certs::pem;
use midwatch::procedure::{self, shell};
use midwatch::runner::adapters::BuiltIn;
use midwatch::runner::adapters::sql::classify::classify;
use midwatch::runner::control;
use std::path::Path;

/// A procedure is read, or everything that is wrong with it has its place.
pub fn procedure(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let lines = text.lines().count().max(1) + 1;
    if let Err(problems) = procedure::read::read(text, Path::new("procedure.toml"), &BuiltIn::default()) {
        assert!(!problems.is_empty(), "refused without a reason");
        for problem in problems {
            let line = usize::try_from(problem.place.line).unwrap_or(usize::MAX);
            assert!((1..=lines).contains(&line), "{problem}");
        }
    }
}

/// So is an estate file.
pub fn estate(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Err(problems) = Estate::parse(text, Path::new("/etc/midwatch/midwatch.toml")) {
        assert!(!problems.is_empty(), "refused without a reason");
    }
}

/// A journal has a verdict that accounts for every byte; the part before the damage is whole; its report has no control
/// character.
pub fn journal(data: &[u8]) {
    let chain = read(data);
    let length = data.len() as u64;
    let good = usize::try_from(chain.good_bytes).unwrap_or(usize::MAX);
    match &chain.verdict {
        Verdict::Whole { .. } => assert_eq!(chain.good_bytes, length),
        Verdict::Torn { at, bytes } => assert_eq!((*at, at + bytes), (chain.good_bytes, length)),
        Verdict::Damaged { at, .. } => assert_eq!(*at, chain.good_bytes),
    }
    let before = read(data.get(..good).unwrap_or_default());
    assert!(matches!(before.verdict, Verdict::Whole { .. }), "{}", before.verdict);
    assert_eq!(before.records.len(), chain.records.len());
    if let Ok(report) = Report::of(Path::new("/nonexistent"), chain) {
        for page in [html(&report), markdown(&report), json_text(&report)] {
            assert!(!page.contains(|symbol: char| symbol.is_control() && symbol != '\n'), "{page:?}");
        }
    }
}

/// A request is refused in a sentence, or is the same when it is written and read again.
pub fn control(data: &[u8]) {
    let line = [data, b"\n"].concat();
    match control::parse(&line) {
        Err(why) => assert!(!why.is_empty(), "refused without a reason"),
        Ok(request) => {
            let mut again = serde_json::to_vec(&request).expect("a request that was read can be written");
            again.push(b'\n');
            assert_eq!(control::parse(&again), Ok(request));
        }
    }
}

/// No control character and no invisible one passes.
pub fn sanitiser(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut all = vec![Clean::line(data), Clean::name(data), Clean::text(&text)];
    all.extend(Clean::lines(&text));
    for clean in all {
        let plain = clean.plain();
        assert!(!plain.contains(is_forbidden), "{plain:?}");
        let (one, rest) = clean.clone().split(7);
        assert!(one.width() <= 7, "{plain:?}");
        assert_eq!(one.plain() + &rest.plain(), plain);
    }
}

/// Controls, characters that change the reading order, and those of no width.
fn is_forbidden(symbol: char) -> bool {
    symbol.is_control()
        || matches!(u32::from(symbol), 0xad | 0x61c | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff | 0xe0000..=0x0010_ffff)
}

/// A statement has a class, and no text behind a destroying one makes it less.
pub fn sql(data: &[u8]) {
    if let Some(text) = nested_sql(data) {
        let _ = classify(&text);
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = classify(text);
    for first in ["DROP TABLE t; ", "DELETE FROM t; "] {
        if let Ok(class) = classify(&format!("{first}{text}")) {
            assert_eq!(class.least, EffectClass::Destroy, "{first}{text}");
        }
    }
}

/// The ways in which SQL nests, a row each.
pub fn sql_nestings() -> impl Iterator<Item = Vec<&'static str>> {
    let rows = include_str!("nested-sql.tsv").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    rows.map(|row| row.split('\t').collect())
}

/// A nested statement: in which way, how often, and around what, the bytes say.
fn nested_sql(data: &[u8]) -> Option<String> {
    let (&[way, low, high], middle) = data.split_first_chunk()?;
    let ways: Vec<_> = sql_nestings().collect();
    let way = ways.get(usize::from(way) % ways.len())?;
    let [_, before, opens, own, closes, after] = way.as_slice() else { return None };
    let times = usize::from(u16::from_le_bytes([low, high]));
    let middle = std::str::from_utf8(middle).ok().filter(|text| !text.is_empty()).unwrap_or(own);
    Some([*before, &opens.repeat(times), middle, &closes.repeat(times), after].concat())
}

/// A script has findings, at places within it.
pub fn script(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let lines = text.lines().count().max(1) + 1;
    for finding in shell::findings(text, false) {
        let line = usize::try_from(finding.line).unwrap_or(usize::MAX);
        assert!((1..=lines).contains(&line) && !finding.message.is_empty(), "{finding:?}");
    }
    let _ = shell::programs(text);
}

/// Every time in a name is of a year that a backup can be of; a pattern that is the name means it; what an unfinished one will be called
/// is a part of its name.
pub fn backup_name(data: &[u8]) {
    for stamp in stamp::find(data) {
        let year = match stamp {
            Stamp::Day(date) => date.year(),
            Stamp::Hour(civil) | Stamp::Local(civil) => civil.year(),
            Stamp::Moment(unix) | Stamp::Epoch(unix) => {
                assert!((315_446_400..4_102_531_200).contains(&unix), "{unix}");
                continue;
            }
        };
        assert!((1980..=2099).contains(&year), "{year}");
    }
    assert_eq!(kind::of(data, data), Kind::Member);
    for pattern in [&b"*"[..], b"*.dump", b""] {
        let _ = (kind::of(data, pattern), kind::of_directory(data, pattern), kind::of_key(data, pattern));
    }
    let _ = (kind::within(data, b"db", false), kind::within(data, b"db", true));
    if let Some(finished) = kind::finished(data) {
        assert!(!finished.is_empty() && finished.len() < data.len(), "{}", finished.escape_ascii());
        assert!(data.windows(finished.len()).any(|window| window == finished));
    }
    let mut around = Around::default();
    around.note(data);
    // A list or a snapshot that is there never hides its own set.
    assert_ne!(around.of(b"db.dump"), Kind::Unfinished);
    assert_eq!(kind::descriptions(&[data, b"db.dump"], b"*").len(), 2);
}

/// A bundle of certificates: no more are taken than asked for, each one is within its size, and the rest is reported.
pub fn pem(data: &[u8]) {
    for most in [1, 3, 1000] {
        let held = pem::certificates(data, most);
        assert!(held.certificates.len() <= most && held.certificates.len() <= held.total);
        // The text behind the last one is reported, too.
        assert!(held.total == held.certificates.len() || held.cut.is_some());
        for certificate in held.certificates.iter().flatten() {
            assert!(certificate.len() <= pem::LARGEST && certificate.len() <= data.len());
        }
        for why in held.certificates.iter().filter_map(|one| one.as_ref().err()) {
            assert!(!why.is_empty(), "refused without a reason");
        }
    }
}
