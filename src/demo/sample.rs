//! Consoles as an operator would find them, built from messages alone: for screenshots and for tests of the screen.

mod journal;
mod list;
mod plan;
mod sections;

use crate::app::confirm::Authority;
use crate::app::keymap::Keymap;
use crate::app::modal::Modal;
use crate::app::model::{Pane, Seen, TargetId};
use crate::app::msg::{LogLine, LogPage, Msg, Offer, Page, ParamShown, RunSummary};
use crate::app::panes::run::open_prompt;
use crate::app::reading::{ItemsShown, TextShown};
use crate::app::runs::Commands;
use crate::app::{Model, Opening, update};
use crate::calendar::Calendar;
use crate::domain::key::Key;
use crate::domain::time::Now;
use crate::domain::{
    Boot, EffectClass, Fact, Observation, Order, Row, Rows, RunStatus, TargetKind, Trend, Verdict, Wall,
};
use crate::journal::fold::RunView;
use crate::journal::record::{Caveats, WentBack};
use std::collections::BTreeMap;
use std::time::Duration;

pub use plan::plan;

pub use list::{checklist, checklist_asks, checklists, finished_checklist};

pub use journal::{
    Story, break_glass, change, changes, confirmed, confirmed_by_another, decide, destroy, drifted, ended, finished,
    finished_but_last, four_eyes, interrupted, preview, running, sign, start_to_approve,
};

/// 2026-11-22 02:40:00 UTC, in the middle of the night.
const NIGHT: i64 = 1_795_315_200;

/// A moment so many seconds after the beginning of the sample.
#[must_use]
pub fn at(seconds: i64) -> Wall {
    Wall::from_unix(NIGHT.saturating_add(seconds), 0)
}

/// Both clocks at that moment.
#[must_use]
pub fn now(seconds: i64) -> Now {
    let boot = Boot(u64::try_from(seconds).unwrap_or(0).saturating_add(7200).saturating_mul(1_000_000_000));
    Now { wall: at(seconds), boot }
}

/// A console that has read nothing yet, at 02:47:31.
#[must_use]
pub fn console(size: (u16, u16), authority: Option<Authority>) -> Model {
    Model::new(opening(size, authority))
}

fn opening(size: (u16, u16), authority: Option<Authority>) -> Opening {
    Opening {
        estate: "novacron".to_owned(),
        environment: "production".to_owned(),
        operator: "operator@bastion-1".to_owned(),
        me: journal::actor("operator", "console"),
        authority,
        keymap: Keymap::load("default", &[]).0,
        estate_file: "/etc/midwatch/midwatch.toml".to_owned(),
        found: Vec::new(),
        not_found: Vec::new(),
        targets: BTreeMap::new(),
        calendar: calendar(),
        wallboard: false,
        demo: false,
        wrong: None,
        command: Commands::default(),
        banners: Vec::new(),
        remark: None,
        now: now(451),
        size,
        ssh: true,
    }
}

/// A weekly window, open on Sundays from two to four.
fn calendar() -> Calendar {
    let text = "schema = 1\n[[window]]\nname = \"weekly\"\nstarts = \"0 2 * * SUN\"\nlasts = \"2h\"\n";
    crate::calendar::parse(text, std::path::Path::new("windows.toml")).unwrap_or_default()
}

fn row(kind: TargetKind, target: &str, verdict: Verdict, detail: &str, history: &[f64]) -> Row {
    let source = match kind {
        TargetKind::Host => "/proc".to_owned(),
        TargetKind::Mount => "statvfs".to_owned(),
        _ => format!("http://127.0.0.1:8080/health/{target}"),
    };
    let mut row = Row::unread(kind, target.to_owned(), source, Duration::from_secs(10));
    let last = history.last().copied().unwrap_or_default();
    let facts = match (kind, target) {
        (TargetKind::Host, "load") => vec![("cores", Fact::Int(8)), ("load_1", Fact::Real(last))],
        (TargetKind::Host, "cpu") => vec![("busy_ratio", Fact::Real(last)), ("cores", Fact::Int(8))],
        (TargetKind::Host, _) => vec![("used_ratio", Fact::Real(last))],
        (TargetKind::Mount, _) => vec![("path", Fact::Text(target.to_owned())), ("used_ratio", Fact::Real(last))],
        #[allow(clippy::cast_possible_truncation)] // Milliseconds of a picture.
        _ => vec![
            ("latency_ms", Fact::Int(last as i64)),
            ("status", Fact::Int(if verdict == Verdict::Ok { 200 } else { 503 })),
            ("url", Fact::Text(row.source.clone())),
        ],
    };
    row.observation = Some(Observation {
        verdict,
        detail: detail.to_owned(),
        facts: facts.into_iter().collect(),
        observed_at: at(446),
        trend: None,
    });
    row.history = sections::spaced(history, Duration::from_secs(60), at(446));
    row.trend = Some(match (kind, target) {
        (TargetKind::Host, "load") => Trend::of("load_1"),
        (TargetKind::Host, "cpu") => Trend::of("busy_ratio"),
        (TargetKind::Host | TargetKind::Mount, _) => Trend::of("used_ratio"),
        _ => Trend::of("latency_ms"),
    });
    row
}

/// The identity of a row of a target itself.
#[must_use]
pub fn id(kind: TargetKind, name: &str) -> TargetId {
    TargetId { kind, name: name.to_owned(), object: None }
}

/// A row of every kind of standing: ok, warn, critical, unknown, stale, lost, never read.
#[must_use]
pub fn rows() -> Vec<Row> {
    use TargetKind::{Host, Mount, Service};
    use Verdict::{Critical, Ok, Warn};
    let calm = [11.0, 12.0, 12.0, 13.0, 12.0, 11.0, 12.0, 12.0, 14.0, 12.0];
    let shares = |last: f64| [-0.02, 0.03, -0.01, 0.02, 0.01, -0.03, 0.0, 0.02, -0.01, 0.0].map(|by| last + by);
    let rising = [0.839, 0.8391, 0.8392, 0.8393, 0.8394, 0.8396, 0.8397, 0.8398, 0.8399, 0.84];
    let breaking = [9.0, 9.0, 10.0, 9.0, 9.0, 12.0, 9.0, 30.0, 44.0, 60.0];
    let mut stale = row(Mount, "/srv/archive", Ok, "41 %", &[0.41; 10]);
    if let Some(seen) = &mut stale.observation {
        seen.observed_at = at(451 - 190);
    }
    let mut lost = row(Service, "scheduler", Ok, "200 · 9 ms", &calm);
    lost.lost = Some(("timed out after 2 s".to_owned(), at(449)));
    if let Some(seen) = &mut lost.observation {
        seen.observed_at = at(426);
    }
    let mut pressure = Row::unread(Host, "pressure".to_owned(), "/proc".to_owned(), Duration::from_secs(10));
    pressure.lost = Some(("/proc/pressure/memory: permission denied".to_owned(), at(446)));
    let unread = Row::unread(Service, "worker".to_owned(), "http://127.0.0.1:8082".to_owned(), Duration::from_secs(5));
    vec![
        row(Host, "cpu", Ok, "12 % over 4 s", &shares(0.12)),
        row(Host, "memory", Ok, "61 % · 12 GiB available", &shares(0.61)),
        pressure,
        row(Host, "load", Ok, "1.84 1.62 1.40 on 8 cores", &[1.6, 1.7, 1.7, 1.8, 1.84]),
        row(Mount, "/", Ok, "38 %", &[0.38; 10]),
        row(Mount, "/srv/cell0", Warn, "84 % +3.6 %/h · full in 4 h", &rising),
        stale,
        row(Service, "api", Critical, "503 · 60 ms", &breaking),
        lost,
        unread,
    ]
}

/// A console whose rows were read.
#[must_use]
pub fn healthy(size: (u16, u16), authority: Option<Authority>) -> Model {
    let mut model = console(size, authority);
    for row in rows() {
        update(&mut model, Msg::RowsRead(Rows { kind: row.kind, target: row.target.clone(), rows: vec![row] }));
    }
    for read in sections::all() {
        update(&mut model, Msg::RowsRead(read));
    }
    model.bytes_per_second = Some(412);
    model.remark = Some("locks: this user only".to_owned());
    update(&mut model, Msg::RunsListed(Vec::new()));
    update(&mut model, Msg::ChecklistsListed(checklists()));
    model
}

/// A console of an estate in which nothing but this host is configured.
#[must_use]
pub fn bare(size: (u16, u16), authority: Option<Authority>) -> Model {
    let describe = |phrases: &[&str]| phrases.iter().map(|phrase| (*phrase).to_owned()).collect();
    let mut model = Model::new(Opening {
        estate_file: "~/.config/midwatch/midwatch.toml".to_owned(),
        found: describe(&["host bastion-1", "the mounts of this host"]),
        not_found: describe(&[
            "an estate file: looked for /etc/midwatch/midwatch.toml",
            "Redis: no socket, and nobody listens on port 6379",
        ]),
        ..opening(size, authority)
    });
    let host = rows().into_iter().filter(|row| row.kind == TargetKind::Host);
    for row in host {
        update(&mut model, Msg::RowsRead(Rows { kind: row.kind, target: row.target.clone(), rows: vec![row] }));
    }
    update(&mut model, Msg::RunsListed(Vec::new()));
    model
}

/// A console that follows a run; an operator has opened what it asks.
#[must_use]
pub fn following(size: (u16, u16), authority: Option<Authority>, view: RunView, lives: bool) -> Model {
    let mut model = healthy(size, authority);
    model.environment.clone_from(&view.environment);
    // As its starter sees it: the run replaces the plan on the screen.
    model.open(Modal::Plan { shown: Box::new(plan()), scroll: 0, sent: true });
    update(&mut model, Msg::RunStarted(view.id.clone()));
    let file = view.steps.iter().filter_map(|step| step.log().map(str::to_owned)).next_back();
    let run = view.id.clone();
    update(&mut model, Msg::RunFolded { view: Box::new(view), runner_lives: lives });
    if lives && !model.is_read_only() && model.focus == Pane::Run && model.modal().is_none() {
        open_prompt(&mut model, &run);
    }
    if let Some(file) = file {
        let lines = log_lines();
        let total_lines = lines.len() as u64;
        let page = Page {
            top: 0,
            total_lines,
            counted: true,
            total_bytes: 4096,
            dropped: 0,
            lines,
            following: true,
            found: None,
            searched: false,
        };
        update(&mut model, Msg::LogRead(Box::new(LogPage { run, file, page })));
    }
    model
}

/// A console that follows a checklist, and a run beside it where there is one.
#[must_use]
pub fn walking(size: (u16, u16), authority: Option<Authority>, list: RunView, beside: Option<RunView>) -> Model {
    let mut model = match beside {
        Some(view) => following(size, authority, view, true),
        None => healthy(size, authority),
    };
    let other =
        RunSummary { id: list.id.clone(), order: Order::Any, ..run_in_list(9, "", RunStatus::Waiting, (3, 11), None) };
    update(&mut model, Msg::RunsListed(vec![other]));
    update(&mut model, Msg::RunFolded { view: Box::new(list), runner_lives: true });
    model.focus = Pane::Checklist;
    model
}

/// Lets lines of the log on the screen arrive.
pub fn read_log(model: &mut Model, page: Page) {
    if let (Some(run), Some((_, file))) = (model.log.run.clone(), model.log.source.clone()) {
        update(model, Msg::LogRead(Box::new(LogPage { run, file, page })));
    }
}

/// Some lines as a step writes them, with colours, an escape that must not get through, and standard error.
#[must_use]
pub fn log_lines() -> Vec<LogLine> {
    let lines: [(&[u8], bool); 9] = [
        (b"reading data/backups/newest.tar.gz", false),
        (b"\x1b[32mok\x1b[0m  9,702 members, none damaged", false),
        (b"sha256 9f3c12ab34de6b7a agrees with newest.tar.gz.sha256", false),
        (b"warning: clock of the backup host is 3 s ahead", true),
        ("name with an escape: evil\u{1b}]0;owned\u{7}.json, and 漢字".as_bytes(), false),
        (b"comparing 1,284 session files against the archive, which takes a while on a cold disk; nothing is changed by this", false),
        (b"error: s-77aa.json is newer than the archive", true),
        (b"left out: s-77aa.json", false),
        (b"1,284 of 1,285 files are in the archive", false),
    ];
    let line = |((bytes, stderr), second): ((&[u8], bool), i64)| LogLine {
        bytes: bytes.to_vec(),
        cut: 0,
        stderr,
        at: Some(at(400 + second)),
    };
    lines.into_iter().zip(0..).map(line).collect()
}

fn run_in_list(number: u128, title: &str, status: RunStatus, progress: (u32, u32), damage: Option<&str>) -> RunSummary {
    RunSummary {
        id: journal::run_id(number),
        procedure: String::new(),
        title: title.to_owned(),
        params: BTreeMap::new(),
        order: Order::Listed,
        status,
        went_back: None,
        caveats: Caveats::default(),
        started: at(-86_400 * i64::try_from(number).unwrap_or(0)),
        ended: None,
        starter: "lena".to_owned(),
        progress,
        used_break_glass: false,
        damage: damage.map(str::to_owned),
        emergency: false,
    }
}

/// Runs as a list shows them.
#[must_use]
pub fn runs() -> Vec<RunSummary> {
    let run = run_in_list;
    vec![
        run(0, "Data retention cleanup", RunStatus::Waiting, (1, 5), None),
        run(1, "Move rotated logs to the archive", RunStatus::Ok, (3, 3), None),
        RunSummary {
            went_back: Some(WentBack { undone: 1, left: 0, proved: Some(true) }),
            ..run(2, "Data retention cleanup", RunStatus::Failed, (2, 5), None)
        },
        run(3, "Data retention cleanup", RunStatus::Aborted, (1, 5), Some("record 7 does not chain")),
    ]
}

/// The console of the demo, with three runs that are over.
#[must_use]
pub fn demo(size: (u16, u16), authority: Option<Authority>) -> Model {
    let mut model = healthy(size, authority);
    model.demo = true;
    "midwatch --demo".clone_into(&mut model.command.runs);
    update(&mut model, Msg::RunsListed(runs().into_iter().filter(|run| run.status.is_over()).collect()));
    model
}

/// Procedures that act on a mount.
#[must_use]
pub fn offers() -> Vec<Offer> {
    let param = |name: &str, accepts: &str, value: &str| ParamShown {
        name: name.to_owned(),
        accepts: accepts.to_owned(),
        help: if name == "older" { "How old a rotated log must be to move".to_owned() } else { String::new() },
        value: value.to_owned(),
        choices: Vec::new(),
    };
    vec![
        Offer {
            procedure: "cell0/rotate-logs".to_owned(),
            title: "Move rotated logs to the archive".to_owned(),
            purpose: "Frees the log directory; the undo moves them back".to_owned(),
            effect: EffectClass::Change,
            acts_on: vec!["mount"],
            takes_s: Some(20),
            params: vec![param("root", "an absolute path", "/srv/cell0"), param("older", "1 to 365 days", "")],
        },
        Offer {
            procedure: "cell0/data-retention".to_owned(),
            title: "Data retention cleanup".to_owned(),
            purpose: "Deletes sessions, archives and backups past retention".to_owned(),
            effect: EffectClass::Destroy,
            acts_on: vec!["mount"],
            takes_s: Some(95),
            params: vec![param("root", "an absolute path", "/srv/cell0")],
        },
    ]
}

/// Acts as if the frame had been drawn whole, long enough ago for keys to count.
pub fn looked_at(model: &mut Model) {
    let seen = Seen {
        size: model.size,
        whole: true,
        needed: (40, 10),
        log_rows: 9,
        page_rows: 9,
        // A dialog with a question is on the screen whole.
        scroll_end: if model.modal().is_some_and(Modal::is_guarded) { 0 } else { 9 },
        items: ItemsShown::default(),
        text: TextShown::default(),
        hits: Vec::new(),
    };
    let now = model.now.boot;
    if !model.is_awake() {
        // It was looked at again since the key that disturbed it; the keys of a sequence go on.
        let pending = std::mem::take(&mut model.pending);
        model.look_again();
        model.pending = pending;
    }
    model.drawn(seen, Boot(now.0.saturating_sub(1_000_000_000)));
}

/// How far apart keys are pressed, in milliseconds.
const KEY_MS: u64 = 100;

/// Presses keys, written as in a keymap, each after the dialog before it was looked at.
pub fn press(model: &mut Model, keys: &str) -> Vec<crate::app::effect::Effect> {
    let pressed: Vec<Key> = keys.split_whitespace().filter_map(Key::parse).collect();
    let mut effects = Vec::new();
    for key in pressed {
        looked_at(model);
        let now = Now { boot: Boot(model.now.boot.0 + KEY_MS * 1_000_000), ..model.now };
        effects.extend(update(model, Msg::KeyPressed(key, now)));
    }
    effects
}
