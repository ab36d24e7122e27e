//! Walks a checklist at the terminal: one item at a time, what it is, why, and what is known of it.
//!
//! ```text
//! before 1/4  Backup verified
//!   every backup is ok
//!   why: without it nothing below can be undone
//!   seen 02:31:07: critical: 31 h old · limit 24 h · backup database (files /backups/*.dump)
//! done (look again), hand: NOTE, skip: REASON, note: TEXT, later, leave [nothing]:
//! ```

use crate::app::confirm;
use crate::cli::interactive::Person;
use crate::cli::out;
use crate::cli::plan::clean;
use crate::cli::run::answers::{NOTHING, note_of, with_reason};
use crate::cli::run::follow::{Follow, LOOK, WATCH};
use crate::domain::error::Result;
use crate::domain::{EffectClass, Kind, Verb};
use crate::gate::operate;
use crate::journal::fold::{ItemState, ItemView, RunView};
use crate::journal::item::{ItemAction, fits, may_do};
use crate::journal::tail::Tail;
use crate::runner::identity;
use crate::runner::rundir::RunDir;
use std::collections::BTreeSet;
use std::fmt::Write;

/// How far the person at the terminal is.
#[derive(Clone, Debug, Default)]
pub struct Walk {
    /// The items that they come back to later.
    later: BTreeSet<u32>,
    /// The newest record when their last command was carried out: what comes of it is waited for.
    acted: Option<u64>,
}

/// What a person answers about an item.
enum Turn {
    Act(ItemAction),
    Note(String),
    Later,
    Leave,
}

impl Follow {
    /// Turns to the next open item; gives the exit code's kind when nobody here can help the checklist on.
    pub(super) async fn turn(&mut self, view: &RunView) -> Result<Option<Kind>> {
        let items = view.items();
        let unseen = |item: &ItemView| {
            item.state == ItemState::Open && matches!(item.verb, Verb::Read | Verb::Check) && item.passed.is_none()
        };
        if self.walk.acted.is_some_and(|seq| view.seq <= seq) || items.iter().any(unseen) {
            tokio::time::sleep(LOOK).await;
            return Ok(None);
        }
        let open: Vec<&ItemView> = items.iter().filter(|item| item.state == ItemState::Open).collect();
        if !self.answers.person || open.is_empty() {
            let second = items.iter().find(|item| item.state == ItemState::SecondPerson);
            if let Some(item) = second.filter(|_| !self.json) {
                out::text(format_args!("{}", clean(&format!("{} waits for a second person", item.title))));
            }
            return Ok(Some(Kind::Waiting));
        }
        if open.iter().all(|item| self.walk.later.contains(&item.step)) {
            self.walk.later.clear();
        }
        let Some(item) = open.into_iter().find(|item| !self.walk.later.contains(&item.step)) else { return Ok(None) };
        out::text(format_args!("{}", clean(&shown(view, item))));
        let overrides = may_override(view, item);
        let turn = tokio::select! {
            turn = ask(&mut self.person, item, overrides) => turn,
            () = changes(&self.dir, item) => {
                out::line(format_args!(""));
                return Ok(None);
            }
        };
        self.take(view, item, turn).await
    }

    async fn take(&mut self, view: &RunView, item: &ItemView, turn: Turn) -> Result<Option<Kind>> {
        let Some(authority) = &self.authority else { return Ok(Some(Kind::Waiting)) };
        let command = match turn {
            Turn::Leave => return Ok(Some(Kind::Waiting)),
            Turn::Later => {
                self.walk.later.insert(item.step);
                return Ok(None);
            }
            Turn::Note(text) => Some(confirm::note(authority, self.dir.id.clone(), Some(item.step), text)),
            Turn::Act(action) => confirm::item(authority, &self.dir.id, item, action),
        };
        let Some(command) = command else {
            out::line(format_args!("this item cannot be answered so"));
            return Ok(None);
        };
        match operate::perform(&self.world, command, "run").await {
            // An act asks its prompt next; what else was wanted is in the journal already.
            Ok(_) => self.walk.acted = Some(view.seq),
            Err(cause) => {
                out::text(format_args!("{}", clean(&cause.to_string())));
                self.walk.later.insert(item.step);
            }
        }
        Ok(None)
    }
}

fn shown(view: &RunView, item: &ItemView) -> String {
    let mut page = String::new();
    let count = view.phase_counts().into_iter().find(|count| count.current);
    let (closed, of) = count.map_or((0, 0), |count| (count.closed, count.of));
    let hard = if item.hard { "  hard gate: only evidence, or another person than the starter" } else { "" };
    let effect = if item.effect > EffectClass::Read { format!("  {}", item.effect.word()) } else { String::new() };
    let _ = writeln!(page, "\n{} {closed}/{of}  {}{effect}{hard}", item.phase, item.title);
    if !item.what.is_empty() {
        let _ = writeln!(page, "  {}", item.what);
    }
    if !item.why.is_empty() {
        let _ = writeln!(page, "  why: {}", item.why);
    }
    let seen = item.evidence.as_ref().map(|evidence| evidence.seen).or(item.at);
    if let Some(seen) = seen.filter(|_| item.passed.is_some()) {
        let _ = writeln!(page, "  seen {}: {}", seen.clock(), item.evidence_line());
    }
    for note in view.notes.iter().filter(|note| note.step == Some(item.step)) {
        let _ = writeln!(page, "  note of {}: {}", note.by.name, note.text);
    }
    page
}

/// What `done` means for an item.
fn done(item: &ItemView) -> &'static str {
    match item.verb {
        Verb::Read | Verb::Check => "look again",
        Verb::Do => "preview and ask",
        Verb::Notify => "give notice",
        _ => "sign off",
    }
}

/// Whether the person at the terminal can override a hard gate that did not pass.
fn may_override(view: &RunView, item: &ItemView) -> bool {
    let action = ItemAction::Override { reason: "something".to_owned() };
    fits(item, &action).is_ok() && may_do(&view.starter, &identity::own("run"), &action).is_ok()
}

/// Asks what to do with an item, in one line: the word, and behind its colon the note or the reason that it needs.
async fn ask(person: &mut Person, item: &ItemView, overrides: bool) -> Turn {
    let by_hand = !item.hard && item.verb != Verb::Notify;
    let signs = item.verb == Verb::Manual;
    let mut words = match (signs, item.note_required) {
        (true, true) => "done: NOTE (sign off)".to_owned(),
        (true, false) => "done or done: NOTE (sign off)".to_owned(),
        (false, _) => format!("done ({})", done(item)),
    };
    if by_hand && !signs {
        words.push_str(", hand: NOTE");
    }
    if !item.hard {
        words.push_str(", skip: REASON");
    }
    if overrides {
        words.push_str(", override: REASON");
    }
    let question = format!("{words}, note: TEXT, later, leave [{NOTHING}]: ");
    loop {
        let Some(typed) = person.ask(&question).await else { return Turn::Leave };
        let (word, text) = with_reason(&typed);
        let text = || text.to_owned();
        let signs_with_note = signs && item.note_required && word == "done";
        let needs_text = signs_with_note || matches!(word, "hand" | "skip" | "override" | "note");
        let turn = match word {
            _ if needs_text && text().is_empty() => None,
            _ if signs && note_of(typed.trim()).is_some() => sign(item, typed.trim()),
            "done" if text().is_empty() => Some(Turn::Act(ItemAction::Close)),
            "hand" if by_hand => Some(Turn::Act(ItemAction::Hand { note: text() })),
            "skip" if !item.hard => Some(Turn::Act(ItemAction::Skip { reason: text() })),
            "override" if overrides => Some(Turn::Act(ItemAction::Override { reason: text() })),
            "note" => Some(Turn::Note(text())),
            "later" if text().is_empty() => Some(Turn::Later),
            "leave" if text().is_empty() => Some(Turn::Leave),
            _ => None,
        };
        match turn {
            Some(turn) => return turn,
            None if needs_text => out::line(format_args!("nothing was done: {word} needs its text, as {word}: TEXT")),
            None => out::line(format_args!("nothing was done: type one of the words, with its text behind the colon")),
        }
    }
}

/// Signs an item off as a step of a run is signed off.
fn sign(item: &ItemView, line: &str) -> Option<Turn> {
    let note = note_of(line).filter(|note| !(item.note_required && note.is_empty()))?;
    Some(Turn::Act(ItemAction::Hand { note: note.to_owned() }))
}

/// Waits until an item is another than was shown, or its runner is gone.
async fn changes(dir: &RunDir, item: &ItemView) {
    let Ok(mut tail) = Tail::open(dir.journal()) else { return };
    loop {
        tokio::time::sleep(WATCH).await;
        let read = tail.poll();
        let now = tail.view().and_then(|view| view.item(item.step));
        let same = now.is_some_and(|now| now.state == item.state && now.seq == item.seq);
        if read.is_err() || !(same || tail.behind()) || !dir.runner_lives() {
            return;
        }
    }
}
