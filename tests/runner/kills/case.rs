//! A random run of the kill test: its steps, and what is true of its effects at the target.
//!
//! Every effect is one line `ATTEMPT NANOSECONDS`, so that the target itself shows which attempt acted, and when.

use crate::runner::chance::Chance;
use crate::support::estate::Estate;
use crate::support::run::Run;
use midwatch::domain::RunId;
use std::fs;
use std::path::Path;

/// One effect at the target.
#[derive(Clone, Debug)]
pub struct Effect {
    /// The attempt that it is of: `1.1`, `1.1.undo`.
    pub attempt: String,
    /// When, in nanoseconds since 1970.
    pub at: i128,
}

/// What an act is; `LINE` appends the effect, `N` is the step's number.
const ACTS: [(&str, &str); 5] = [
    ("plain", "sleep 0.2; LINE; sleep 0.2"),
    ("slow", "sleep 0.6; LINE"),
    ("child", "( sleep 1; LINE ) & wait $!"),
    ("group", "( sleep 0.7; LINE; sleep 0.3 ) & wait $!"),
    (
        "daemon",
        r#"setsid sh -c 'sleep 1; LINE' >/dev/null 2>&1 </dev/null &
n=0; while ! grep -qs "^$MIDWATCH_ATTEMPT " FILE; do n=$((n + 1)); test $n -lt 100 || exit 5; sleep 0.05; done"#,
    ),
];

/// The kind of step that moves a file instead.
pub const MOVE: usize = ACTS.len();

/// A random run on an estate of its own.
pub struct Case {
    pub estate: Estate,
    /// The kinds of its steps, from the second on; the first is a check.
    pub kinds: Vec<usize>,
}

impl Case {
    pub fn new(chance: &mut Chance, program: Option<&Path>) -> Self {
        let mut estate = Estate::default().with("MIDWATCH_SPAN_PANES", "0").with("MIDWATCH_SPAN_GRACE", "1500");
        if let Some(program) = program {
            estate = estate.running(program);
        }
        let count = 2 + chance.below(2);
        let kinds: Vec<usize> = (0..count).map(|_| chance.below(MOVE as u64 + 1) as usize).collect();
        let fails = chance.below(3) == 0;
        let case = Self { estate, kinds };
        case.write(chance, fails);
        case
    }

    /// Writes the procedure, and one that only needs the lock.
    fn write(&self, chance: &mut Chance, fails: bool) {
        let mut text = "[[work]]\ntitle = \"Check\"\ncheck = { exec = [\"test\", \"-d\", \"{tree}\"] }\n".to_owned();
        for (number, kind) in (1..).zip(&self.kinds) {
            text += &step(chance, &self.estate, number, *kind);
        }
        let mut header = "lock = [\"counter\"]\n".to_owned();
        if fails {
            text += "[[work]]\ntitle = \"Fail\"\ncheck = { exec = [\"test\", \"-e\", \"{tree}/never\"] }\n";
            header += "rollback = { on_fail = \"rollback\" }\n";
        }
        self.estate.procedure("kills", &header, &text);
        self.estate.procedure(
            "after",
            "lock = [\"counter\"]",
            "[[work]]\ntitle = \"Check\"\ncheck = { exec = [\"test\", \"-d\", \"{tree}\"] }\n",
        );
    }

    /// The same estate with steps of these kinds, none of which fails.
    pub fn replace(&mut self, kinds: &[usize]) {
        self.kinds = kinds.to_vec();
        self.write(&mut Chance(1), false);
    }

    /// How many effects the target has.
    pub fn count(&self) -> u64 {
        let lines = |step: usize| ["done", "undone"].map(|name| self.estate.lines(&format!("{name}-{step}")));
        (1..=self.kinds.len()).flat_map(lines).map(|lines| lines as u64).sum()
    }

    /// The run, once its first record is there.
    pub fn run(&self) -> Option<Run<'_>> {
        let dir = self.estate.runs().into_iter().next()?;
        let run = Run { estate: &self.estate, dir };
        (!run.records().is_empty()).then_some(run)
    }

    /// The effects of a step, or of its undo, as the target has them.
    pub fn effects(&self, run: &RunId, step: u32, undo: bool) -> Vec<Effect> {
        let file = self.estate.tree(&format!("{}-{step}", if undo { "undone" } else { "done" }));
        let text = fs::read_to_string(file).unwrap_or_default();
        let effect = |line: &str| {
            let (attempt, at) = line.split_once(' ')?;
            let attempt = attempt.strip_prefix(&format!("{run}.")).unwrap_or(attempt).to_owned();
            Some(Effect { attempt, at: at.trim().parse().ok()? })
        };
        text.lines().filter_map(effect).collect()
    }

    /// Whether a step moves a file.
    pub fn moves(&self, step: u32) -> bool {
        (step as usize).checked_sub(1).and_then(|place| self.kinds.get(place)) == Some(&MOVE)
    }

    /// Whether a step acts at all.
    pub fn acts(&self, step: u32) -> bool {
        (step as usize).checked_sub(1).is_some_and(|place| place < self.kinds.len())
    }

    /// Whether the effect of an attempt is there, or of an undo.
    pub fn is_there(&self, run: &RunId, step: u32, attempt: &str, undo: bool) -> bool {
        if self.moves(step) {
            let place = if undo { "from" } else { "to" };
            return self.estate.names(&format!("{place}-{step}")).contains(&"a.gz".to_owned());
        }
        self.effects(run, step, undo).iter().any(|effect| effect.attempt == attempt)
    }
}

/// The text of one step that acts.
fn step(chance: &mut Chance, estate: &Estate, number: u32, kind: usize) -> String {
    let head = format!("[[work]]\ntitle = \"Act {number}\"\neffect = \"change\"\n");
    let Some((_, act)) = ACTS.get(kind) else {
        estate.file(&format!("from-{number}/a.gz"), "log");
        estate.file(&format!("to-{number}/kept"), "");
        return head
            + &format!(
                "do = {{ files = \"move\", under = \"from-{number}\", match = \"*.gz\", to = \"to-{number}\" }}\n\
                 prove = {{ files = \"arrived\" }}\nundo = {{ files = \"restore\" }}\n"
            );
    };
    let program = |act: &str, file: &str| {
        let file = format!("{{tree}}/{file}-{number}");
        let line = format!("echo \"$MIDWATCH_ATTEMPT $(date +%s%N)\" >>{file}");
        format!(
            "{{ exec = [\"sh\", \"-c\", \"\"\"{}\"\"\"] }}",
            quoted(&act.replace("LINE", &line).replace("FILE", &file))
        )
    };
    let undo = ["LINE", "sleep 0.3; LINE", "( sleep 0.6; LINE ) & wait $!"][chance.below(3) as usize];
    let mut text = format!("{head}do = {}\nundo = {}\n", program(act, "done"), program(undo, "undone"));
    if chance.below(2) == 0 {
        text += &format!("prove = {{ exec = [\"test\", \"-s\", \"{{tree}}/done-{number}\"] }}\n");
    }
    text
}

/// A text as a basic string of TOML has it.
fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
