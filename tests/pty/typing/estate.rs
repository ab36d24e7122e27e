//! An estate with something to read in every pane, and runs that wait for a person: one for each kind of prompt.

use super::super::{Home, LIST, SLOW, until};
use midwatch::journal::chain;
use midwatch::journal::record::Event;
use std::collections::BTreeSet;
use std::fs;

/// Rows of every verdict: a mount, a service that does not serve, backups old and missing.
const ROWS: &str = r#"
[[mount]]
path = "/"
[[service]]
name = "gateway"
url = "http://127.0.0.1:1/"
[[backup]]
name = "database"
files = "{{home}}/work/*.dump"
max_age = "24h"
[[backup]]
name = "configs"
files = "{{home}}/work/slow/*"
max_age = "24h"
"#;

const HEAD: &str = r#"
format = 1
id = "test/{{name}}"
title = "Asks"
purpose = "Ask"
owner = "tests"
reviewed = 2026-11-21
review_every = "90d"
root = "{{root}}"
phases = ["work"]
[params]
root = { path = true }
"#;

/// The procedures that ask, by name: header and steps.
const ASKS: [(&str, &str, &str); 5] = [
    (
        "clean",
        "",
        "[[work]]\ntitle = \"Delete\"\neffect = \"destroy\"\ndo = { files = \"delete\", under = \".\", match = \"*.old\" }\nundo = { none = \"a test\" }\n",
    ),
    ("sign", "", "[[work]]\ntitle = \"Look\"\nmanual = \"Is it so?\"\n"),
    ("note", "", "[[work]]\ntitle = \"Look\"\nmanual = \"Is it so?\"\nsign = { note = \"required\" }\n"),
    ("decide", "", "[[work]]\ntitle = \"Gate\"\ncheck = { exec = [\"false\"] }\n"),
    (
        "phase",
        "prompt = \"phase\"\n",
        "[[work]]\ntitle = \"First\"\neffect = \"change\"\ndo = { exec = [\"sh\", \"-c\", \"echo first >>effects\"], cwd = \"{{root}}\" }\nundo = { none = \"a test\" }\n\
         [[work]]\ntitle = \"Second\"\neffect = \"change\"\ndo = { exec = [\"sh\", \"-c\", \"echo second >>effects\"], cwd = \"{{root}}\" }\nundo = { none = \"a test\" }\n",
    ),
];

/// The procedure that a console starts itself.
const OWN: &str = r#"
format = 1
id = "test/own"
title = "Own work"
purpose = "Ask where it was started"
owner = "tests"
reviewed = 2026-11-21
review_every = "90d"
phases = ["work"]
[[work]]
title = "Leave a mark"
effect = "change"
do = { exec = ["sh", "-c", "echo own >>{{home}}/work/own"] }
undo = { none = "a test" }
"#;

/// The estate, and the runs of it that wait.
pub struct Estate {
    /// Its directories.
    pub home: Home,
    /// The runs that wait, by the name of their procedure.
    pub waiting: Vec<(&'static str, String)>,
    /// The runs that are there for a reason; any other was started by a key that was meant for something else.
    known: BTreeSet<String>,
}

impl Estate {
    pub fn new() -> Self {
        let mut procedures = vec![("slow", SLOW.replace("lock = [\"host\"]\n", "")), ("list", LIST.to_owned())];
        for (name, header, steps) in ASKS {
            let head = HEAD.replace("{{name}}", name).replace("[params]", &format!("{header}[params]"));
            procedures.push((name, head + steps));
        }
        let borrowed: Vec<_> = procedures.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let home = Home::with("", &borrowed);
        let place = home.word("");
        let here = |text: &str| text.replace("{{home}}", place.trim_end_matches('/'));
        let file = home.path("config/midwatch/midwatch.toml");
        fs::write(&file, fs::read_to_string(&file).unwrap() + &here(ROWS)).unwrap();
        fs::write(home.path("config/midwatch/procedures/test/own.toml"), here(OWN)).unwrap();
        let mut estate = Self { home, waiting: Vec::new(), known: BTreeSet::new() };
        for (name, _) in &procedures {
            estate.begin(name);
        }
        estate
    }

    /// Starts a run that waits, in a directory of its own.
    fn begin(&mut self, name: &'static str) {
        let root = self.home.path(&format!("work/{name}"));
        fs::create_dir_all(&root).unwrap();
        fs::write(root.join("a.old"), "x").unwrap();
        let out = self.home.command(&["run", &format!("test/{name}"), &format!("root={}", root.display())]);
        let run = self.new_run().unwrap_or_else(|| panic!("{name} did not start: {}", super::super::all_output(&out)));
        assert!(self.opened(&run) > 0 || name == "list", "{name} asks for nothing: {}", super::super::all_output(&out));
        self.waiting.push((name, run));
    }

    /// A run that was not known before, which now is.
    pub fn new_run(&mut self) -> Option<String> {
        let run = self.runs().into_iter().find(|run| !self.known.contains(run))?;
        self.known.insert(run.clone());
        Some(run)
    }

    /// Takes it back that a run is there for a reason.
    pub fn forget(&mut self, run: &str) {
        self.known.remove(run);
    }

    /// Stops a run that is not needed any more, and leaves it out from then on.
    pub fn end(&mut self, run: &str) {
        let out = self.home.command(&["abort", run]);
        until("the run is over", || {
            let sealed = |event: &Event| matches!(event, Event::RunSealed { .. });
            assert!(out.status.code().is_some());
            self.events(run).iter().any(sealed)
        });
        fs::rename(self.home.path(&format!("state/runs/{run}")), self.home.path(&format!("state/{run}"))).unwrap();
        self.known.remove(run);
    }

    fn runs(&self) -> Vec<String> {
        let entries = fs::read_dir(self.home.path("state/runs")).into_iter().flatten();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    fn events(&self, run: &str) -> Vec<Event> {
        let bytes = fs::read(self.home.path(&format!("state/runs/{run}/journal.jsonl"))).unwrap_or_default();
        chain::read(&bytes).records.into_iter().map(|record| record.event).collect()
    }

    /// How many prompts a run opened so far.
    fn opened(&self, run: &str) -> usize {
        self.events(run).iter().filter(|event| matches!(event, Event::PromptOpened { .. })).count()
    }

    /// How many prompts waited so far, and items of a checklist that a key could close.
    pub fn prompts(&self) -> usize {
        let prompts: usize = self.runs().iter().map(|run| self.opened(run)).sum();
        let items = self.waiting.iter().filter(|(name, _)| *name == "list").count() * 3;
        prompts + items
    }

    /// What people confirmed, closed, skipped, started or stopped so far, beside starting what is known: in words, with its run.
    pub fn confirmations(&self) -> Vec<String> {
        let mut all = Vec::new();
        for run in self.runs() {
            if !self.known.contains(&run) {
                all.push(format!("{run} was started"));
            }
            // An item that acts asks once a person began it.
            let is_list = self.waiting.iter().any(|(name, other)| *name == "list" && *other == run);
            let events = self.events(&run);
            let answered = |step: u32| {
                let is_it = |event: &&Event| matches!(event, Event::AnswerAccepted { step: of, .. } if *of == step);
                events.iter().any(|event| is_it(&event))
            };
            let counts = |event: &&Event| match event {
                Event::PromptOpened { .. } => is_list,
                // What an answer led to is no confirmation of its own.
                Event::StepClosed { step, .. }
                | Event::StepSkipped { step, .. }
                | Event::StepOverridden { step, .. } => !answered(*step),
                event => is_by_person(event),
            };
            all.extend(events.iter().filter(counts).map(|event| format!("{run}: {event:?}")));
        }
        all
    }

    /// The lines and files that only a confirmed act leaves or takes away.
    pub fn effects(&self) -> Vec<String> {
        let mut all = Vec::new();
        for (name, _) in &self.waiting {
            let root = self.home.path(&format!("work/{name}"));
            let lines = fs::read_to_string(root.join("effects")).unwrap_or_default();
            all.extend(lines.lines().map(|line| format!("{name}: {line}")));
            if !root.join("a.old").exists() {
                all.push(format!("{name}: a.old is gone"));
            }
        }
        all.extend(fs::read_to_string(self.home.path("work/own")).unwrap_or_default().lines().map(str::to_owned));
        all
    }
}

/// Whether only a person's key, word or phrase leads to a record.
fn is_by_person(event: &Event) -> bool {
    matches!(
        event,
        Event::AnswerAccepted { .. }
            | Event::AnswerRejected { .. }
            | Event::StepReopened { .. }
            | Event::AbortRequested { .. }
    )
}
