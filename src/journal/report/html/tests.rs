use super::*;
use crate::domain::TargetKind;
use crate::journal::chain::read;
use crate::journal::reading::{Reading, RowRead, SCHEMA};
use crate::journal::samples::{bytes, night, now, recovered_night};
use std::path::Path;

/// Markup, entities, controls, bidi and a link: what a hostile title would hold.
const HOSTILE: &str = "</td></table><script>alert(1)</script>\"'><img src=x onerror=y>&amp;\u{1b}]52;c;x\u{7}\u{202e}\u{200b}\0https://evil";

fn reading(rows: &[(&str, crate::domain::Verdict)]) -> Reading {
    let row = |(name, verdict): &(&str, crate::domain::Verdict)| RowRead {
        kind: TargetKind::Service,
        target: (*name).to_owned(),
        object: None,
        verdict: *verdict,
        detail: HOSTILE.to_owned(),
        source: HOSTILE.to_owned(),
        seen: None,
        facts: std::collections::BTreeMap::new(),
    };
    let rows = rows.iter().map(row).collect();
    Reading { schema: SCHEMA, estate: HOSTILE.to_owned(), at: now(3).wall, rows }
}

fn of(events: &[Event]) -> Report {
    use crate::domain::Verdict::{Critical, Ok as Fine};
    let mut report = Report::of(Path::new("/nonexistent"), read(&bytes(1, events))).unwrap();
    report.before = Ok(reading(&[(HOSTILE, Fine), ("api", Fine), ("same", Fine)]));
    report.after = Ok(reading(&[(HOSTILE, Critical), ("api", Fine), ("new", Critical)]));
    report
}

/// Replaces every string of a value by hostile text, but for those that the format gives a meaning.
fn poison(value: &mut serde_json::Value) {
    const KEPT: [&str; 21] = [
        "kind", "ask", "answer", "verb", "effect", "choice", "choices", "ending", "status", "why", "plan", "source",
        "set", "prompt", "digest", "expires", "when", "order", "permit", "at", "about",
    ];
    match value {
        serde_json::Value::String(text) => HOSTILE.clone_into(text),
        serde_json::Value::Array(all) => all.iter_mut().for_each(poison),
        serde_json::Value::Object(all) => {
            for (key, value) in all.iter_mut() {
                let nested = value.is_object() || value.is_array();
                if !KEPT.contains(&key.as_str()) || (nested && !matches!(key.as_str(), "choices")) {
                    poison(value);
                }
            }
        }
        _ => {}
    }
}

/// Asserts that every element that is opened is closed again in its turn, and returns how many there are.
fn is_balanced(page: &str) -> usize {
    const EMPTY: [&str; 3] = ["meta", "br", "!doctype"];
    let (mut open, mut all) = (Vec::new(), 0);
    for part in page.split('<').skip(1) {
        let tag = part.split('>').next().unwrap();
        let name = tag.split_whitespace().next().unwrap();
        match name.strip_prefix('/') {
            Some(closed) => assert_eq!(open.pop(), Some(closed), "{part}"),
            None if EMPTY.contains(&name) => {}
            None => {
                open.push(name);
                all += 1;
            }
        }
    }
    assert!(open.is_empty(), "{open:?}");
    all
}

#[test]
fn hostile_text_neither_breaks_the_page_nor_hides_in_it() {
    for events in [night(), recovered_night()] {
        let mut plain = of(&events);
        plain.view.locks = vec![("host".to_owned(), "machine-id:1".to_owned())];
        let clean = html(&plain);
        let poisoned: Vec<Event> = events
            .iter()
            .map(|event| {
                let mut value = serde_json::to_value(event).unwrap();
                poison(value.get_mut("body").unwrap());
                serde_json::from_value(value).unwrap_or_else(|why| panic!("{why}: {event:?}"))
            })
            .collect();
        let mut report = of(&events);
        for (record, event) in report.records.iter_mut().zip(poisoned) {
            record.event = event;
            record.actor.name = HOSTILE.to_owned();
            record.actor.host = HOSTILE.to_owned();
            record.actor.through = HOSTILE.to_owned();
        }
        let view = &mut report.view;
        for text in [&mut view.title, &mut view.procedure, &mut view.estate, &mut view.environment] {
            HOSTILE.clone_into(text);
        }
        HOSTILE.clone_into(&mut view.confirmed);
        view.params = (0..view.params.len()).map(|number| (format!("{HOSTILE}{number}"), HOSTILE.to_owned())).collect();
        view.locks = vec![(HOSTILE.to_owned(), HOSTILE.to_owned())];
        for step in &mut view.steps {
            HOSTILE.clone_into(&mut step.head.title);
            HOSTILE.clone_into(&mut step.head.phase);
            step.remark = Some(HOSTILE.to_owned());
        }
        for note in &mut view.notes {
            HOSTILE.clone_into(&mut note.text);
        }
        for (_, _, why) in &mut view.refused {
            HOSTILE.clone_into(why);
        }
        let page = html(&report);
        assert_eq!(is_balanced(&page), is_balanced(&clean), "hostile text made elements");
        let lower = page.to_lowercase();
        for forbidden in ["<script", "<img", "src=", "url(", "@import", "<link", "href=", "javascript:"] {
            // Escaped, an attribute of the hostile text is there as text.
            let count = lower.matches(forbidden).count();
            let as_text = lower.matches("&lt;img src=").count();
            assert_eq!(count, if forbidden == "src=" { as_text } else { 0 }, "{forbidden}");
        }
        let unseen = |symbol: char| symbol.is_control() && symbol != '\n' || matches!(symbol, '\u{202e}' | '\u{200b}');
        assert!(!page.contains(unseen));
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
        assert!(page.contains("Content-Security-Policy\" content=\"default-src 'none'"));
    }
}

#[test]
fn the_page_shows_the_run_and_the_differences_first() {
    let page = html(&of(&night()));
    for expected in [
        "<h1>Delete data past retention</h1>",
        "anna (uid 1000, login 1000) through",
        "<td>with the word change</td>",
        "An answer was refused: typed `chnage`",
        "Asked to roll the run back",
        "disk | at `84 %`<br>\n# fine",
        "midwatch verify",
        "1,284",
    ] {
        assert!(page.contains(expected), "{expected}\n\n{page}");
    }
    let place = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text}"));
    assert!(place(">worse<") < place(">gone<") && place(">gone<") < place(">new<"));
    assert!(place(">new<") < place("1 row is as before"));
}

#[test]
fn damage_is_shown_before_all_else() {
    let mut bytes = bytes(1, &night());
    let last = bytes.len() - 30;
    bytes[last] ^= 1;
    let report = Report::of(Path::new("/nonexistent"), read(&bytes)).unwrap();
    assert_eq!(report.exit_code(), 4);
    let page = html(&report);
    let (alarm, title) = (page.find("class=\"alarm\"").unwrap(), page.find("<h1>").unwrap());
    assert!(alarm < title && page.contains("The journal is damaged at record 17"));
    assert!(page.contains("plan.json is not whole"), "a file that is gone is reported, too");
    // Whole in every respect, nothing of it is there.
    let mut whole = of(&night());
    whole.wrong.clear();
    assert!(whole.faults().is_empty() && !html(&whole).contains("role=\"alert\""));
    // A torn end is reported, and is no damage.
    let torn = [&bytes_of_night()[..], b"{\"v\":1"].concat();
    let mut report = Report::of(Path::new("/nonexistent"), read(&torn)).unwrap();
    report.wrong.clear();
    assert_eq!(report.exit_code(), 0);
    assert!(html(&report).contains("its last 6 bytes are an incomplete record"));
}

fn bytes_of_night() -> Vec<u8> {
    bytes(1, &night())
}
