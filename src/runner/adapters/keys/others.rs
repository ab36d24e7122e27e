//! The keys of the other adapters.

use crate::config::keys::{Key, Kind};
use crate::procedure::keys::Way;
use crate::runner::adapters::keys::{ACTS, ALL, ASKS, LOOKS, PROVE, way};
use crate::runner::adapters::{probe, run, script, sql, systemd};

const UNIT: Key =
    Key::required("unit", Kind::Text("a unit's name with its suffix", r"\S"), "\"nginx.service\"", "The unit.");
const SCHEMA: Key = Key::required("schema", Kind::Text("a name", r"\S"), "\"public\"", "Its schema.");

const URL: Key = Key::required(
    "http",
    Kind::Text("an http or https URL without user and password", "^(https?://|\\{\\{)"),
    "\"https://novacron.io/health\"",
    "What is asked for.",
);
const HEADERS: Key = Key::optional(
    "headers",
    Kind::Variables,
    "none",
    "{ Authorization = \"Bearer secret:api\" }",
    "What else is sent; a secret by its name.",
);
const STATUS: Key = Key::optional("status", Kind::Int(100, 599), "any 2xx", "200", "The status that is right.");
const WITHIN: Key =
    Key::optional("within", Kind::Span, "10 s", "\"2s\"", "How long each answer may take, up to ten minutes.");
const JSON: Key = Key::optional(
    "json",
    Kind::Text("a path", r"^\."),
    "none",
    "\".items[0].rate\"",
    "The value of the answer that is judged, or read.",
);
const EXPECT_JSON: Key = Key::optional(
    "expect",
    Kind::Text("a comparison", r"\S"),
    "none; *required* beside `json` in a `check`",
    "\"< 1\"",
    "What it must be.",
);

const POSTGRES: Key = Key::optional(
    "postgres",
    Kind::Text("a database of the estate", r"\S"),
    "none",
    "\"main\"",
    "The database that it reaches as an act would, by libpq's variables: `PGHOST`, `PGUSER`, `PGDATABASE`, `PGPASSWORD`, …",
);

/// Programs.
pub(super) const EXEC: &[Way] = &[way(
    "exec",
    "A program with its arguments, without a shell and with an environment of its own. What only looks may run only what is known to read.",
    ALL,
    &[
        Key::required(
            "exec",
            Kind::Arguments,
            "[\"df\", \"-h\"]",
            "The program, by a bare name or an absolute path, and its arguments.",
        ),
        Key::optional(
            "cwd",
            Kind::Text("an absolute path", r"^(/|\{\{)"),
            "`root`, else `/`",
            "\"/srv\"",
            "Where it works.",
        ),
        Key::optional(
            "env",
            Kind::Variables,
            "none",
            "{ PGUSER = \"dump\" }",
            "Variables beside `PATH`, `LANG` and `HOME`.",
        ),
        POSTGRES,
    ],
)];

/// Scripts.
pub(super) const SCRIPT: &[Way] = &[way(
    script::KEY,
    "A text for bash, under strict mode. Nothing is filled into it: a value reaches it as a variable.",
    ACTS,
    &[
        Key::required(script::KEY, Kind::Text("a script", r"\S"), "'sync \"$OUT\"'", "The text."),
        Key::optional(
            "cwd",
            Kind::Text("an absolute path", r"^(/|\{\{)"),
            "`root`, else `/`",
            "\"/srv\"",
            "Where it works.",
        ),
        Key::optional(
            "env",
            Kind::Variables,
            "none",
            "{ OUT = \"{{run.dir}}/db.dump\" }",
            "Its variables; a secret as \"secret:NAME\".",
        ),
        POSTGRES,
    ],
)];

/// All the others.
pub(super) const FORMS: &[Way] = &[
    way(
        "http",
        "Asks a service, and judges its answer. A percentile needs several answers.",
        ASKS,
        &[
            URL,
            Key::optional("method", Kind::Word(&["GET", "HEAD"]), "GET", "\"HEAD\"", "How it is asked."),
            HEADERS,
            STATUS,
            WITHIN,
            Key::optional("times", Kind::Int(1, 100), "1", "5", "How often it is asked; each answer must be right."),
            Key::optional("over", Kind::Span, "once", "\"5m\"", "For how long it must stay so, up to six hours."),
            Key::optional("every", Kind::Span, "10 s", "\"10s\"", "How often that is looked at."),
            Key::optional(
                "p50",
                Kind::Span,
                "not judged",
                "\"1s\"",
                "The most that this share of the answers may take.",
            ),
            Key::optional("p90", Kind::Span, "not judged", "\"1s\"", "As `p50`."),
            Key::optional("p95", Kind::Span, "not judged", "\"1s\"", "As `p50`."),
            Key::optional("p99", Kind::Span, "not judged", "\"1s\"", "As `p50`."),
            JSON,
            EXPECT_JSON,
        ],
    ),
    way(
        "http",
        "Sends a request that changes something, once.",
        ACTS,
        &[
            URL,
            Key::required(
                "method",
                Kind::Word(&["POST", "PUT", "PATCH", "DELETE"]),
                "\"PUT\"",
                "What is sent; DELETE is a destroy.",
            ),
            HEADERS,
            Key::optional(
                "body",
                Kind::Any("text, or a table or a list as JSON"),
                "none",
                "{ text = \"back at four\" }",
                "What is sent along.",
            ),
            STATUS,
            WITHIN,
            JSON,
            EXPECT_JSON,
        ],
    ),
    way(
        probe::KEY,
        "Reads targets of the estate again, and uses their verdict.",
        LOOKS,
        &[
            Key::required(probe::KEY, Kind::Text("a kind of target", r"\S"), "\"backup\"", "The kind."),
            Key::optional("target", Kind::Text("a name", r"\S"), "every one of the kind", "\"database\"", "Which one."),
            Key::optional(
                "object",
                Kind::Text("a name", r"\S"),
                "the target itself",
                "\"replication\"",
                "Which part of it.",
            ),
            Key::optional(
                "at_least",
                Kind::Word(&["ok", "warn"]),
                "ok",
                "\"warn\"",
                "The verdict that is good enough for a `check`.",
            ),
        ],
    ),
    way(
        run::KEY,
        "Looks for a successful run of a procedure.",
        LOOKS,
        &[
            Key::required(run::KEY, Kind::Text("a procedure's id", r"\S"), "\"cell0/health-check\"", "The procedure."),
            Key::required("since", Kind::Span, "\"24h\"", "How old the run may be."),
        ],
    ),
    way(
        sql::KEY,
        "One statement on one database. Tables and functions are named with their schema, such as `public.tasks`: a bare name is looked for in `pg_catalog` alone.",
        ACTS,
        &[
            Key::required(
                sql::KEY,
                Kind::Text("SQL", r"\s"),
                "\"VACUUM public.tasks\"",
                "The statement; references are quoted: `{{table|ident}}`, `{{value|literal}}`.",
            ),
            Key::optional("lock_timeout", Kind::Span, "2 s", "\"2s\"", "How long a lock is waited for, up to an hour."),
        ],
    ),
    way(
        sql::KEY,
        "A question: a `check` passes on one row whose first column is true. Tables and functions are named with their schema: a bare name is looked for in `pg_catalog` alone.",
        ASKS,
        &[Key::required(sql::KEY, Kind::Text("SQL that only reads", r"\s"), "\"SELECT true\"", "The question.")],
    ),
    way(
        sql::KEY,
        "Whether no snapshot holds the horizon back.",
        LOOKS,
        &[
            Key::required(sql::KEY, Kind::Word(&["oldest-snapshot"]), "\"oldest-snapshot\"", "The question."),
            Key::required("under", Kind::Span, "\"10m\"", "How old the oldest snapshot may be."),
        ],
    ),
    way(
        sql::KEY,
        "Whether a table was vacuumed since the set was frozen.",
        PROVE,
        &[
            Key::required(sql::KEY, Kind::Word(&["vacuumed"]), "\"vacuumed\"", "The question."),
            SCHEMA,
            Key::required("table", Kind::Text("a name", r"\S"), "\"tasks\"", "The table."),
        ],
    ),
    way(
        sql::KEY,
        "Whether an index was made again.",
        PROVE,
        &[
            Key::required(sql::KEY, Kind::Word(&["reindexed"]), "\"reindexed\"", "The question."),
            SCHEMA,
            Key::required("index", Kind::Text("a name", r"\S"), "\"tasks_pkey\"", "The index."),
        ],
    ),
    way(
        systemd::KEY,
        "Changes a unit of this host.",
        ACTS,
        &[
            Key::required(
                systemd::KEY,
                Kind::Word(&["restart", "reload", "stop", "start"]),
                "\"restart\"",
                "What is done.",
            ),
            UNIT,
        ],
    ),
    way(
        systemd::KEY,
        "Whether a unit is active.",
        ASKS,
        &[Key::required(systemd::KEY, Kind::Word(&["is-active"]), "\"is-active\"", "What is asked."), UNIT],
    ),
    way(
        systemd::KEY,
        "Whether it runs, and not the run that was shown.",
        PROVE,
        &[Key::required(systemd::KEY, Kind::Word(&["restarted"]), "\"restarted\"", "What is asked."), UNIT],
    ),
];
