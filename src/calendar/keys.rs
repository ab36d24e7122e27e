//! Every key of `windows.toml`: the table behind `midwatch schema windows` and its page in `docs/reference`.

use crate::config::keys::{Form, Key, Kind, Needs, Section};

/// The title of the file's schema.
pub const TITLE: &str = "Midwatch windows (windows.toml)";

/// The keys of the rule of one environment.
const RULE: &[Key] = &[
    Key::optional(
        "default",
        Kind::Word(&["window", "anytime"]),
        "window in production, else anytime",
        "\"window\"",
        "When a change may begin: while any window of the environment is open, or at any time.",
    ),
    Key::optional(
        "anytime",
        Kind::Texts("ids of procedures", r"\S"),
        "none",
        "[\"common/vacuum-table\"]",
        "The procedures that may change something at any time all the same.",
    ),
];

/// The sections in the order of the reference; the first is the top of the file.
pub const SECTIONS: &[Section] = &[
    Section {
        name: "",
        form: Form::Top,
        doc: "The version.",
        keys: &[Key::required("schema", Kind::Version, "1", "The version of the format.")],
        needs: Needs::Nothing,
    },
    Section {
        name: "rules",
        form: Form::Once,
        doc: "Whether a change of a procedure without a `window` of its own needs an open window, for each environment.",
        keys: &[
            Key::optional(
                "production",
                Kind::Table(RULE),
                "{ default = \"window\" }",
                "{ default = \"window\", anytime = [\"common/vacuum-table\"] }",
                "The rule of production.",
            ),
            Key::optional(
                "staging",
                Kind::Table(RULE),
                "{ default = \"anytime\" }",
                "{ default = \"window\" }",
                "The rule of staging.",
            ),
            Key::optional(
                "other",
                Kind::Table(RULE),
                "{ default = \"anytime\" }",
                "{ default = \"anytime\" }",
                "The rule of every other estate.",
            ),
        ],
        needs: Needs::Nothing,
    },
    Section {
        name: "window",
        form: Form::Many,
        doc: "A recurring stretch of time.",
        keys: &[
            Key::required("name", Kind::Name, "\"weekly\"", "Its name, unique among windows."),
            Key::optional(
                "environment",
                Kind::Word(&["production", "staging", "other"]),
                "any",
                "\"production\"",
                "The environment it is for.",
            ),
            Key::required(
                "starts",
                Kind::Text("a cron pattern of five fields", r"^\S+(\s+\S+){4}$"),
                "\"0 2 * * SUN#1\"",
                "Minute, hour, day, month, weekday on the clock of `zone`; `SUN#1` is the first Sunday, `L` the last day of a month.",
            ),
            Key::required("lasts", Kind::Span, "\"2h\"", "How long it stays open, from a minute to 30 days."),
            Key::optional(
                "zone",
                Kind::Text("a time zone", r"\S"),
                "UTC",
                "\"Europe/Berlin\"",
                "Whose clock opens it. A time that this clock shows never or twice in a year is refused.",
            ),
            Key::optional(
                "operations",
                Kind::Texts("words", r"\S"),
                "any",
                "[\"security_patches\"]",
                "What it is for.",
            ),
            Key::optional("notice", Kind::Span, "none", "\"24h\"", "How long before it a notice is due."),
        ],
        needs: Needs::Nothing,
    },
];
