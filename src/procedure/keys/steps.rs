//! The keys of a step: its one verb, and those beside it.

use crate::config::keys::{Key, Kind};
use crate::domain::Verb;
use std::fmt::Write;

/// A key of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepKey {
    /// The key; a verb is one.
    pub key: Key,
    /// The verbs that it goes with; none means every one.
    pub verbs: &'static [Verb],
}

use Verb::{Approve, Check, Do, Manual, Notify, Read, UndoOf, Use, Wait};

const ACTS: &[Verb] = &[Do, Check, Wait, Read];
const TAKEN: &[Verb] = &[Read, Check, Wait, Do, UndoOf, Manual, Approve, Notify];

const fn verb(verb: Verb, name: &'static str, kind: Kind, example: &'static str, doc: &'static str) -> StepKey {
    let verbs: &'static [Verb] = match verb {
        Read => &[Read],
        Check => &[Check],
        Wait => &[Wait],
        UndoOf => &[UndoOf],
        Do => &[Do],
        Manual => &[Manual],
        Approve => &[Approve],
        Notify => &[Notify],
        _ => &[Use],
    };
    StepKey { key: Key::optional(name, kind, "", example, doc), verbs }
}

const fn beside(verbs: &'static [Verb], key: Key) -> StepKey {
    StepKey { key, verbs }
}

const fn word(words: &'static [&'static str]) -> Kind {
    Kind::Word(words)
}

const TEXT: Kind = Kind::Text("text", r"\S");
const SPAN: Kind = Kind::Span;

/// The ceilings of a set.
const LIMIT: &[Key] = &[
    Key::optional("share", Kind::Text("a share", r"%$"), "", "\"40%\"", "Of what was looked at."),
    Key::optional("count", Kind::Int(0, i64::MAX), "", "1000", "Objects."),
    Key::optional("bytes", Kind::Text("a size", "^[0-9]"), "", "\"2GiB\"", "Their sizes together."),
];

const SIGN: &[Key] =
    &[Key::optional("note", word(&["required", "optional"]), "optional", "\"required\"", "Whether it needs a note.")];

/// Every key of a step; the verbs first.
pub const STEP: &[StepKey] = &[
    verb(Read, "read", Kind::Defined("read", "an action"), "{ probe = \"host\" }", "Fetches facts."),
    verb(
        Check,
        "check",
        Kind::Defined("check", "an action"),
        "{ probe = \"backup\" }",
        "Reads and judges: pass, fail, unknown.",
    ),
    verb(
        Wait,
        "wait",
        Kind::Either(&[Kind::Defined("check", "an action"), Kind::Defined("read", "an action whose facts are judged")]),
        "{ redis = \"length\", key = \"job_queue\" }",
        "Looks again and again until it is so.",
    ),
    verb(Do, "do", Kind::Defined("do", "an action"), "{ systemd = \"restart\", unit = \"nginx.service\" }", "Acts."),
    verb(
        UndoOf,
        "undo_of",
        Kind::Texts("ids of steps before it", "^[a-z][a-z0-9-]*$"),
        "[\"page-on\"]",
        "Runs the undo of these steps, where they ran.",
    ),
    verb(Manual, "manual", TEXT, "\"Look at the site.\"", "A person acts and signs."),
    verb(Approve, "approve", TEXT, "\"The customer agrees.\"", "Approval by a second person."),
    verb(
        Notify,
        "notify",
        Kind::Either(&[TEXT, Kind::Texts("receivers of the estate", r"\S")]),
        "\"It is done\"",
        "A notice: on the screen and in the journal, or to the receivers that are named.",
    ),
    verb(Use, "use", TEXT, "\"cell0/health-check\"", "Includes another procedure's steps here."),
    beside(
        &[],
        Key::optional(
            "title",
            Kind::Either(&[TEXT, Kind::Int(i64::MIN, i64::MAX)]),
            "*required*, but for `notify` and `use`",
            "\"Delete old sessions\"",
            "What people call it.",
        ),
    ),
    beside(
        &[],
        Key::optional(
            "id",
            Kind::Text("a word", "^[a-z][a-z0-9-]*$"),
            "none",
            "\"batch-off\"",
            "What others call it by.",
        ),
    ),
    beside(
        &[Read, Check, Wait, Do, Manual, Approve, Notify],
        Key::optional(
            "each",
            Kind::Either(&[
                Kind::Texts("texts", ""),
                Kind::Text("a whole reference to a list or a map", r"\{\{.*\}\}"),
            ]),
            "once",
            "[\"api\", \"worker\"]",
            "What the step is taken for, one after another, as `{{it}}`.",
        ),
    ),
    beside(
        TAKEN,
        Key::optional(
            "when",
            Kind::Text("a condition", r"\S"),
            "always",
            "\"before.role == 'primary'\"",
            "Whether it is taken, judged when it is reached.",
        ),
    ),
    beside(
        &[Wait],
        Key::optional(
            "until",
            Kind::Text("a condition on what is seen", r"\S"),
            "passed",
            "\"value == 0 for 30s\"",
            "When it is over, and for how long that must hold.",
        ),
    ),
    beside(
        &[Notify],
        Key::optional(
            "message",
            TEXT,
            "the step's title",
            "\"The window opens at two\"",
            "The text for the receivers.",
        ),
    ),
    beside(
        TAKEN,
        Key::optional("why", TEXT, "none", "\"What goes wrong tonight is restored from it\"", "Why it is there."),
    ),
    beside(
        &[Do],
        Key::optional(
            "effect",
            word(&["read", "change", "destroy"]),
            "*required* beside `do`",
            "\"change\"",
            "Its effect class, never below the adapter's least effect.",
        ),
    ),
    beside(
        &[Do],
        Key::optional(
            "undo",
            Kind::Either(&[
                Kind::Defined("undo", "an action of the same adapter"),
                Kind::Table(&[Key::required("none", TEXT, "\"past retention\"", "The reason why there is none.")]),
            ]),
            "*required* for `change` and `destroy`",
            "{ none = \"past retention\" }",
            "How it is undone, or why it cannot be.",
        ),
    ),
    beside(
        &[Do],
        Key::optional(
            "prove",
            Kind::Defined("prove", "an action that only reads"),
            "none",
            "{ files = \"gone\" }",
            "Asks whether its effect is there.",
        ),
    ),
    beside(
        &[Do],
        Key::optional(
            "limit",
            Kind::OneOf(LIMIT),
            "none",
            "{ share = \"40%\" }",
            "The ceiling of its set; a larger one is refused.",
        ),
    ),
    beside(
        &[Do],
        Key::optional(
            "confirm",
            word(&["four-eyes"]),
            "as its effect asks",
            "\"four-eyes\"",
            "Asks for a second person.",
        ),
    ),
    beside(
        &[Do],
        Key::optional(
            "rerun",
            word(&["safe"]),
            "a person decides",
            "\"safe\"",
            "It may be repeated by itself when its outcome is unknown.",
        ),
    ),
    beside(
        ACTS,
        Key::optional(
            "on",
            Kind::Text("a target's name", r"\S"),
            "the only one there is",
            "\"main\"",
            "Which target, where the estate has several of its kind.",
        ),
    ),
    beside(ACTS, Key::optional("takes", SPAN, "unknown", "\"12m\"", "How long it should take.")),
    beside(
        &[Do, Check, Wait, Read, Notify],
        Key::optional(
            "timeout",
            SPAN,
            "*required* beside `wait`; 1 h for `do`, 1 m for the others, and at least four times `takes`",
            "\"25m\"",
            "When it is stopped.",
        ),
    ),
    beside(
        &[Check, Wait, Notify],
        Key::optional(
            "gate",
            word(&["hard", "soft"]),
            "hard; soft for `notify` and in a checklist",
            "\"soft\"",
            "Whether a failure stops the run, or needs a note.",
        ),
    ),
    beside(
        &[Read, Check, Wait, Do, UndoOf, Manual, Notify],
        Key::optional(
            "always",
            Kind::Flag,
            "false",
            "true",
            "It is taken in every ending: after success, failure and abort alike.",
        ),
    ),
    beside(
        &[Read, Check, Wait, Do, UndoOf],
        Key::optional(
            "on_fail",
            Kind::Words(&["retry", "rollback", "skip", "hold"]),
            "all that apply",
            "[\"retry\", \"rollback\"]",
            "What may be chosen when it fails.",
        ),
    ),
    beside(
        &[Read],
        Key::optional(
            "save",
            Kind::Text("a name", "^[a-z][a-z0-9_]*$"),
            "none",
            "\"before\"",
            "The name that its facts are known by: `{{before.fact}}`.",
        ),
    ),
    beside(
        &[Manual],
        Key::optional("sign", Kind::Table(SIGN), "none", "{ note = \"required\" }", "What its sign-off needs."),
    ),
    beside(
        &[Use],
        Key::optional(
            "params",
            Kind::Variables,
            "none",
            "{ root = \"{{root}}\" }",
            "The parameters of what is included.",
        ),
    ),
];

/// The verbs that a key goes with; `None` for a key that goes with every one, for a verb, and for what is no key.
#[must_use]
pub fn belongs(key: &str) -> Option<&'static [Verb]> {
    let found = STEP.iter().find(|one| one.key.name == key && !one.verbs.is_empty())?;
    let is_verb = found.verbs.iter().any(|verb| verb.word() == key);
    (!is_verb).then_some(found.verbs)
}

/// The reference of the steps, in Markdown.
pub(super) fn reference() -> String {
    let mut text = String::from(
        "**`[[PHASE]]`** A step, under the name of its phase, with exactly one verb. Values may hold `{{parameters}}`; actions also \
         `{{run.id}}`, `{{run.dir}}` and what an earlier `read` saved.\n\n| key | beside | takes | default | |\n|---|---|---|---|---|\n",
    );
    for step in STEP {
        let table = crate::config::keys::reference(&[crate::config::keys::Section {
            name: "",
            form: crate::config::keys::Form::Top,
            doc: "",
            keys: std::slice::from_ref(&step.key),
            needs: crate::config::keys::Needs::Nothing,
        }]);
        let row = table.lines().find(|line| line.starts_with("| `")).unwrap_or_default();
        let beside = match step.verbs {
            [] => "every verb".to_owned(),
            [only] if only.word() == step.key.name => "the verb".to_owned(),
            verbs => verbs.iter().map(|verb| format!("`{}`", verb.word())).collect::<Vec<_>>().join(", "),
        };
        let (name, rest) = row.trim_start_matches("| ").split_once(" | ").unwrap_or((row, ""));
        let _ = writeln!(text, "| {name} | {beside} | {rest}");
    }
    text.push('\n');
    text
}
