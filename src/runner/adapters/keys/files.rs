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

const REOPEN: &[Key] = &[
    Key::required("unit", Kind::Text("a unit's name with its suffix", r"\S"), "\"api.service\"", "The writer."),
    Key::optional("signal", Kind::Word(&["HUP", "USR1", "USR2"]), "`reload`", "\"USR1\"", "What it is sent."),
    Key::optional("reload", Kind::Flag, "`signal`", "true", "Whether it is reloaded."),
];

/// Every form.
pub(super) const FORMS: &[Way] = &[
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
        "Moves them, or makes compressed copies of them.",
        DO,
        &[
            Key::required("files", Kind::Word(&["move", "archive"]), "\"move\"", "What is done."),
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
        "Gives logs another name, and has their writer open them again.",
        DO,
        &[
            Key::required("files", Kind::Word(&["rotate"]), "\"rotate\"", "What is done."),
            UNDER,
            MATCH,
            EXCEPT,
            RECURSIVE,
            Key::optional(
                "larger",
                Kind::Text("a size", "^[0-9]"),
                "one byte",
                "\"100MiB\"",
                "How large a log must be.",
            ),
            Key::required(
                "reopen",
                Kind::Either(&[Kind::Table(REOPEN), Kind::Word(&["each-line"])]),
                "{ unit = \"api.service\", signal = \"USR1\" }",
                "How the writer is made to reopen its log; `each-line` if it opens it for each line.",
            ),
        ],
    ),
    way(
        "files",
        "Gives permissions.",
        DO,
        &[
            Key::required("files", Kind::Word(&["permissions"]), "\"permissions\"", "What is done."),
            UNDER,
            MATCH,
            EXCEPT,
            OLDER,
            KEEP,
            RECURSIVE,
            Key::optional("mode", Kind::Text("octal digits", "^[0-7]{3,4}$"), "as it is", "\"0640\"", "The mode."),
            Key::optional("owner", Kind::Text("a user", r"\S"), "as it is", "\"cell0\"", "The owner."),
            Key::optional("group", Kind::Text("a group", r"\S"), "as it is", "\"cell0\"", "The group."),
        ],
    ),
    way(
        "files",
        "Looks for what should not be there.",
        LOOKS,
        &[
            Key::required("files", Kind::Word(&["scan"]), "\"scan\"", "What is looked at."),
            UNDER,
            MATCH,
            EXCEPT,
            RECURSIVE,
            Key::required("for", Kind::Word(&["world-writable", "secrets"]), "\"secrets\"", "What is looked for."),
            Key::optional(
                "allow",
                Kind::Texts("patterns of paths below `root`", r"^[^/]"),
                "nothing",
                "[\"pub/*\"]",
                "What may be there.",
            ),
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
        "Compares the newest file with its SHA-256 file.",
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
        "Asks whether the set is rotated, archived, or has its permissions.",
        PROVE,
        &[Key::required("files", Kind::Word(&["rotated", "archived", "granted"]), "\"archived\"", "What is asked.")],
    ),
    way(
        "files",
        "Undoes what was done with the files of the set.",
        UNDO,
        &[Key::required("files", Kind::Word(&["restore"]), "\"restore\"", "What is done.")],
    ),
];
