//! The keys of `files`.

use crate::config::keys::{Key, Kind};
use crate::procedure::keys::Way;
use crate::runner::adapters::keys::{DO, LOOKS, PROVE, UNDO, way};

const BELOW: Kind = Kind::Text("a path below `root`, without `..`", r"^[^/]");
const NAME: Kind = Kind::Text("a pattern of a file's name, with `*` and `?`", r"^[^/]+$");

const UNDER: Key = Key::required("under", BELOW, "\"data/sessions\"", "The directory; `.` is the root.");
const MATCH: Key = Key::required("match", NAME, "\"*.json\"", "Which files in it.");
const EXCEPT: Key = Key::optional(
    "except",
    Kind::Texts("patterns", r"^[^/]+$"),
    "none",
    "[\"pre-*\"]",
    "Which of them are left alone.",
);
const OLDER: Key = Key::optional(
    "older",
    Kind::Either(&[Kind::Int(0, i64::MAX), Kind::Span]),
    "any age",
    "90",
    "Since the last change of content; a number is days.",
);
const KEEP: Key =
    Key::optional("keep_newest", Kind::Int(0, i64::MAX), "0", "7", "How many of the newest are left alone.");
const RECURSIVE: Key =
    Key::optional("recursive", Kind::Flag, "false", "true", "Whether directories below are entered.");

/// Every form.
pub(super) const WAYS: &[Way] = &[
    way(
        "files",
        "Lists or deletes files below the root.",
        DO,
        &[
            Key::required("files", Kind::Word(&["list", "delete"]), "\"delete\"", "What is done."),
            UNDER,
            MATCH,
            EXCEPT,
            OLDER,
            KEEP,
            RECURSIVE,
        ],
    ),
    way(
        "files",
        "Moves them.",
        DO,
        &[
            Key::required("files", Kind::Word(&["move"]), "\"move\"", "What is done."),
            UNDER,
            MATCH,
            EXCEPT,
            OLDER,
            KEEP,
            RECURSIVE,
            Key::required("to", BELOW, "\"old\"", "Another directory below the root."),
        ],
    ),
    way(
        "files",
        "Judges the newest file.",
        LOOKS,
        &[
            Key::required("files", Kind::Word(&["newest"]), "\"newest\"", "What is looked at."),
            UNDER,
            MATCH,
            Key::optional("younger", Kind::Span, "any age; *required* in a `check`", "\"24h\"", "How old it may be."),
            Key::optional("larger", Kind::Text("a size", "^[0-9]"), "one byte", "\"1MiB\"", "How large it must be."),
            RECURSIVE,
        ],
    ),
    way(
        "files",
        "Holds the newest file to the SHA-256 beside it.",
        LOOKS,
        &[Key::required("files", Kind::Word(&["verify"]), "\"verify\"", "What is looked at."), UNDER, MATCH, RECURSIVE],
    ),
    way(
        "files",
        "Asks whether every file of the set is gone, or at its new place.",
        PROVE,
        &[Key::required("files", Kind::Word(&["gone", "arrived"]), "\"gone\"", "What is asked.")],
    ),
    way(
        "files",
        "Moves every file of a move back.",
        UNDO,
        &[Key::required("files", Kind::Word(&["restore"]), "\"restore\"", "What is done.")],
    ),
];
