//! The keys of `objects`.

use crate::config::keys::{Key, Kind};
use crate::procedure::adapters::Purpose;
use crate::procedure::keys::Way;
use crate::runner::adapters::keys::{DO, LOOKS, PROVE, way};
use crate::runner::adapters::objects::KEY;

const READ: &[Purpose] = &[Purpose::Read];

const fn word(words: &'static [&'static str], example: &'static str) -> Key {
    Key::required(KEY, Kind::Word(words), example, "What is done.")
}

const PLACE: Kind = Kind::Text("a place in a store", r"\S");
const UNDER: Key = Key::required("under", PLACE, "\"file:///backups/\"", "Where it is.");
const MATCH: Key =
    Key::required("match", Kind::Text("a pattern of a key's last part", "."), "\"*.dump\"", "Which objects.");
const EXCEPT: Key =
    Key::optional("except", Kind::Texts("patterns", "."), "none", "[\"pre-*\"]", "Which of them are left alone.");

/// Every form.
pub(super) const FORMS: &[Way] = &[
    way(
        KEY,
        "Puts files into a store.",
        DO,
        &[
            word(&["put"], "\"put\""),
            Key::required(
                "from",
                Kind::Text("an absolute path", r"^(/|\{\{)"),
                "\"{{run.dir}}\"",
                "The file or the directory.",
            ),
            Key::required("to", PLACE, "\"file:///backups/\"", "Where it goes."),
            Key { default: Some("every one"), ..MATCH },
            EXCEPT,
            Key::optional(
                "overwrite",
                Kind::Flag,
                "false",
                "true",
                "Whether what is there may be replaced: that destroys.",
            ),
        ],
    ),
    way(
        KEY,
        "Deletes objects.",
        DO,
        &[
            word(&["delete"], "\"delete\""),
            UNDER,
            MATCH,
            EXCEPT,
            Key::optional(
                "older",
                Kind::Either(&[Kind::Int(0, i64::MAX), Kind::Span]),
                "any age",
                "90",
                "Since it was written; a number is days.",
            ),
            Key::optional("keep_newest", Kind::Int(0, i64::MAX), "0", "7", "How many of the newest are left alone."),
            Key::optional("batch", Kind::Int(1, 1000), "100", "100", "How many go at once."),
        ],
    ),
    way(
        KEY,
        "Judges the newest object.",
        LOOKS,
        &[
            word(&["newest"], "\"newest\""),
            UNDER,
            MATCH,
            EXCEPT,
            Key::optional("younger", Kind::Span, "any age; *required* in a `check`", "\"24h\"", "How old it may be."),
            Key::optional("larger", Kind::Text("a size", "^[0-9]"), "one byte", "\"1MiB\"", "How large it must be."),
        ],
    ),
    way(
        KEY,
        "Compares the newest object with its SHA-256 object.",
        LOOKS,
        &[word(&["verify"], "\"verify\""), UNDER, MATCH, EXCEPT],
    ),
    way(
        KEY,
        "Lists objects.",
        READ,
        &[word(&["list"], "\"list\""), UNDER, Key { default: Some("every one"), ..MATCH }, EXCEPT],
    ),
    way(
        KEY,
        "Reads one object.",
        READ,
        &[word(&["get"], "\"get\""), Key::required("from", PLACE, "\"file:///backups/a.json\"", "The object.")],
    ),
    way(KEY, "Asks whether what was put is there, byte by byte.", PROVE, &[word(&["same-sha256"], "\"same-sha256\"")]),
    way(KEY, "Asks whether every object is gone.", PROVE, &[word(&["gone"], "\"gone\"")]),
];
