//! The keys of `redis`.

use crate::config::keys::{Key, Kind};
use crate::procedure::adapters::Purpose;
use crate::procedure::keys::Way;
use crate::runner::adapters::keys::{ACTS, DO, PROVE, way};
use crate::runner::adapters::redis::KEY;

const READ: &[Purpose] = &[Purpose::Read];
const JUDGES: &[Purpose] = &[Purpose::Check, Purpose::Prove];

const fn word(words: &'static [&'static str], example: &'static str) -> Key {
    Key::required(KEY, Kind::Word(words), example, "The command.")
}

const NAME: Key = Key::required("key", Kind::Text("a key", "."), "\"job_queue\"", "The key.");
const MATCH: Key =
    Key::required("match", Kind::Text("a pattern of keys, with `*` and `?`", "."), "\"cache:*\"", "Which keys.");
const VALUE: Key = Key::required("value", Kind::Text("text", ""), "\"{{run.id}}\"", "The value.");
const EXPIRE: Key = Key::required("expire", Kind::Span, "\"2h\"", "After how long it ends, up to a year.");
const EXPECT: Key = Key::required(
    "expect",
    Kind::Text("a comparison", r"\S"),
    "\"== 0\"",
    "What the value must be; of `get` also \"present\" or \"absent\".",
);
const IN_FLIGHT: Key =
    Key::optional("in_flight", Kind::Texts("keys", "."), "none", "[\"processing\"]", "Keys that are counted with it.");
const HELD: &[Key] = &[
    Key::required("key", Kind::Text("a key", "."), "\"queue_drain_mode\"", "The key."),
    Key::required("value", Kind::Text("text", ""), "\"{{run.id}}\"", "What it must hold."),
    Key::optional(
        "run_id",
        Kind::Text("text", r"\S"),
        "any",
        "\"{{server.run_id}}\"",
        "Which run of the server must answer, as INFO named it before.",
    ),
];
const WHILE: Key = Key::optional(
    "while",
    Kind::Table(HELD),
    "always",
    "{ key = \"queue_drain_mode\", value = \"{{run.id}}\" }",
    "What must hold for the number to count; otherwise it is unknown, and a `wait` fails at once.",
);
const SAMPLE: Key = Key::optional("sample", Kind::Int(1, 100_000), "10000", "500", "How many keys are looked at.");
const BATCH: Key = Key::optional("batch", Kind::Int(1, 10_000), "500", "500", "How many go at once.");
const BOUNDED: Key = Key::optional(
    "bounded",
    Kind::Flag,
    "false",
    "true",
    "Whether the pattern and a number are frozen, and not each key.",
);

/// Every form.
pub(super) const FORMS: &[Way] = &[
    way(KEY, "Judges one value of a Redis.", JUDGES, &[word(&["get"], "\"get\""), NAME, EXPECT]),
    way(KEY, "Judges a length.", JUDGES, &[word(&["length"], "\"length\""), NAME, IN_FLIGHT, WHILE, EXPECT]),
    way(
        KEY,
        "Judges a fact of INFO.",
        JUDGES,
        &[
            word(&["info"], "\"info\""),
            Key::required("fact", Kind::Text("a name", r"\S"), "\"used_memory\"", "The fact."),
            EXPECT,
        ],
    ),
    way(KEY, "Judges how many keys fit.", JUDGES, &[word(&["keys"], "\"keys\""), MATCH, EXPECT]),
    way(KEY, "Reads one value.", READ, &[word(&["get"], "\"get\""), NAME]),
    way(KEY, "Reads a length.", READ, &[word(&["length"], "\"length\""), NAME, IN_FLIGHT, WHILE]),
    way(
        KEY,
        "Reads facts of INFO.",
        READ,
        &[
            word(&["info"], "\"info\""),
            Key::optional(
                "fields",
                Kind::Texts("names", r"\S"),
                "a dozen",
                "[\"used_memory\", \"role\"]",
                "Which facts.",
            ),
        ],
    ),
    way(KEY, "Counts keys.", READ, &[word(&["keys"], "\"keys\""), MATCH]),
    way(
        KEY,
        "Finds the largest keys.",
        READ,
        &[word(&["big-keys"], "\"big-keys\""), Key { default: Some("every key"), ..MATCH }, SAMPLE],
    ),
    way(
        KEY,
        "Asks the server for its own opinion of its memory.",
        READ,
        &[word(&["memory-doctor"], "\"memory-doctor\"")],
    ),
    way(
        KEY,
        "Sets a key, which expires or gives the reason why not.",
        ACTS,
        &[
            word(&["set"], "\"set\""),
            NAME,
            VALUE,
            Key { default: Some("*required*, or `no_expiry`"), ..EXPIRE },
            Key::optional(
                "no_expiry",
                Kind::Text("text", r"\S"),
                "none",
                "\"the next window clears it\"",
                "The reason why it does not end.",
            ),
            Key::optional("if", Kind::Word(&["absent", "present"]), "always", "\"absent\"", "When it is set."),
        ],
    ),
    way(KEY, "Deletes a key while it still holds a value.", ACTS, &[word(&["release"], "\"release\""), NAME, VALUE]),
    way(KEY, "Gives a key an end.", ACTS, &[word(&["expire"], "\"expire\""), NAME, EXPIRE]),
    way(KEY, "Keeps the data.", DO, &[word(&["save", "bgsave", "bgrewriteaof"], "\"bgsave\"")]),
    way(KEY, "Deletes one key.", ACTS, &[word(&["delete"], "\"delete\""), NAME]),
    way(KEY, "Deletes by a pattern.", DO, &[word(&["delete"], "\"delete\""), MATCH, BATCH, BOUNDED]),
    way(KEY, "Asks whether a key holds what was set.", PROVE, &[word(&["holds"], "\"holds\"")]),
    way(KEY, "Asks whether a key is free.", PROVE, &[word(&["free"], "\"free\"")]),
    way(KEY, "Asks whether a key has its end.", PROVE, &[word(&["expires"], "\"expires\"")]),
    way(KEY, "Asks whether every key is gone.", PROVE, &[word(&["gone"], "\"gone\"")]),
    way(KEY, "Asks whether the data was kept.", PROVE, &[word(&["saved"], "\"saved\"")]),
    way(KEY, "Asks whether the append-only file was made again.", PROVE, &[word(&["rewritten"], "\"rewritten\"")]),
];
