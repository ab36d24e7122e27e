//! What a statement names, and which lock it takes, from its syntax tree.

use crate::procedure::sql::examine;
use squawk_syntax::{SyntaxElement, SyntaxKind as K, SyntaxNode};

/// A relation that a statement names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Named {
    /// Its schema, where one is written.
    pub(super) schema: Option<String>,
    /// Its name.
    pub(super) name: String,
}

/// The strongest lock of a statement on what it names.
///
/// Source: PostgreSQL 18 manual, 13.3.1, and the reference page of each statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lock {
    /// As `pg_locks.mode` has it, without its `Lock`.
    pub(super) mode: &'static str,
    /// The statements that it blocks.
    pub(super) blocks: &'static str,
    /// The conflicting modes.
    pub(super) conflicts: &'static [&'static str],
}

/// The properties of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Its first word, in lower case.
    pub(super) word: String,
    /// The relations it names, each once.
    pub(super) named: Vec<Named>,
    /// The setting, for `ALTER SYSTEM`.
    pub(super) setting: Option<String>,
    /// Whether it runs CONCURRENTLY, and leaves an invalid index when interrupted.
    pub(super) concurrently: bool,
    /// Whether the planner can estimate its rows.
    pub(super) counts_rows: bool,
    /// Its lock, where it is known.
    pub(super) lock: Option<Lock>,
}

const ALL: &[&str] = &[
    "AccessShareLock",
    "RowShareLock",
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    "AccessExclusiveLock",
];
const SHARE: Lock = Lock {
    mode: "Share",
    blocks: "writes; reads go on",
    conflicts: &[
        "RowExclusiveLock",
        "ShareUpdateExclusiveLock",
        "ShareRowExclusiveLock",
        "ExclusiveLock",
        "AccessExclusiveLock",
    ],
};
const BESIDE: Lock = Lock {
    mode: "ShareUpdateExclusive",
    blocks: "schema changes and other maintenance; reads and writes go on",
    conflicts: &[
        "ShareUpdateExclusiveLock",
        "ShareLock",
        "ShareRowExclusiveLock",
        "ExclusiveLock",
        "AccessExclusiveLock",
    ],
};
const ALONE: Lock = Lock { mode: "AccessExclusive", blocks: "everything, reads too", conflicts: ALL };
const ROWS: Lock = Lock {
    mode: "RowExclusive",
    blocks: "schema changes, and other writers of the same rows",
    conflicts: &["ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"],
};
const REINDEX: Lock = Lock {
    mode: "Share on the table and AccessExclusive on the index",
    blocks: "writes, and reads that would use the index",
    conflicts: SHARE.conflicts,
};

/// Reads a statement.
pub(super) fn shape(sql: &str) -> Shape {
    // A statement that nests too deep was refused before it became an action; without a thread, the strongest lock is
    // assumed.
    examine(sql, |parsed| of_tree(&parsed.syntax_node())).unwrap_or_else(|_| Shape {
        word: String::new(),
        named: Vec::new(),
        setting: None,
        concurrently: false,
        counts_rows: false,
        lock: Some(ALONE),
    })
}

fn of_tree(tree: &SyntaxNode) -> Shape {
    let statement = tree.children().find(|node| node.kind() != K::EMPTY_STMT);
    let kind = statement.as_ref().map_or_else(String::new, |node| format!("{:?}", node.kind()));
    let words: Vec<String> = tree
        .descendants_with_tokens()
        .filter_map(SyntaxElement::into_token)
        .map(|token| token.text().to_lowercase())
        .filter(|text| text.starts_with(|c: char| c.is_alphabetic()))
        .collect();
    let concurrently = words.iter().any(|word| word == "concurrently");
    let word = words.first().cloned().unwrap_or_default();
    let mut named = Vec::new();
    let mut setting = None;
    for node in tree.descendants() {
        let Some(parent) = node.parent().filter(|_| node.kind() == K::PATH_REF) else { continue };
        let holder = format!("{:?}", parent.kind());
        let is_relation = holder.ends_with("_REF")
            && ["TABLE", "RELATION", "INDEX", "VIEW", "SEQUENCE"].iter().any(|kind| holder.contains(kind));
        if is_relation {
            named.extend(name(&node).filter(|name| !named.contains(name)));
        } else if holder == "CONFIG_PARAMETER_REF" {
            setting = Some(parent.text().to_string().to_lowercase());
        }
    }
    let lock = lock(&kind, &words, concurrently);
    let counts_rows = matches!(kind.as_str(), "DELETE" | "UPDATE" | "INSERT" | "MERGE");
    let setting = setting.filter(|_| kind == "ALTER_SYSTEM");
    Shape { word, named, setting, concurrently, counts_rows, lock }
}

fn lock(kind: &str, words: &[String], concurrently: bool) -> Option<Lock> {
    let has = |word: &str| words.iter().any(|known| known == word);
    match kind {
        "VACUUM" if has("full") => Some(ALONE),
        "VACUUM" | "ANALYZE" => Some(BESIDE),
        "REINDEX" | "CREATE_INDEX" | "DROP_INDEX" | "ALTER_TABLE" if concurrently => Some(BESIDE),
        "REINDEX" => Some(REINDEX),
        "CREATE_INDEX" => Some(SHARE),
        "CLUSTER"
        | "TRUNCATE"
        | "DROP_TABLE"
        | "DROP_INDEX"
        | "DROP_VIEW"
        | "DROP_MATERIALIZED_VIEW"
        | "ALTER_TABLE" => Some(ALONE),
        "DELETE" | "UPDATE" | "INSERT" | "MERGE" => Some(ROWS),
        _ => None,
    }
}

/// The name in a path; its last two parts count.
fn name(path: &SyntaxNode) -> Option<Named> {
    let segments = path.descendants().filter(|node| node.kind() == K::PATH_SEGMENT_REF);
    let mut parts: Vec<String> = segments.map(|node| plain(node.text().to_string().trim())).collect::<Option<_>>()?;
    let name = parts.pop()?;
    Some(Named { schema: parts.pop(), name })
}

/// An identifier without its quotes; unquoted ones are in lower case. Source: PostgreSQL 18 manual, 4.1.1.
fn plain(written: &str) -> Option<String> {
    match written.strip_prefix('"') {
        Some(rest) => Some(rest.strip_suffix('"')?.replace("\"\"", "\"")),
        None if written.contains(['"', '&']) => None,
        None => Some(written.to_lowercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_name_their_relations() {
        let cases = [
            (r#"VACUUM (ANALYZE) "public"."Tasks", a.B (c)"#, "public.Tasks a.b", Some(BESIDE)),
            ("VACUUM (FULL) a.b", "a.b", Some(ALONE)),
            ("REINDEX INDEX CONCURRENTLY public.tasks_pkey", "public.tasks_pkey", Some(BESIDE)),
            ("REINDEX TABLE tasks", ".tasks", Some(REINDEX)),
            ("DELETE FROM a.b t USING c.d WHERE t.x IN (SELECT e.f FROM g.h e)", "a.b c.d g.h", Some(ROWS)),
            ("UPDATE a.b SET c = d.e(1)", "a.b", Some(ROWS)),
            ("TRUNCATE a.b, a.c CASCADE", "a.b a.c", Some(ALONE)),
            ("DROP TABLE IF EXISTS a.b", "a.b", Some(ALONE)),
            ("DROP INDEX CONCURRENTLY a.b", "a.b", Some(BESIDE)),
            ("DROP VIEW a.b", "a.b", Some(ALONE)),
            ("ALTER TABLE a.b DETACH PARTITION a.c CONCURRENTLY", "a.b a.c", Some(BESIDE)),
            ("CREATE INDEX CONCURRENTLY i ON a.b (c)", "a.b", Some(BESIDE)),
            ("CREATE INDEX i ON a.b (c)", "a.b", Some(SHARE)),
            ("MERGE INTO a.b USING c.d ON true WHEN MATCHED THEN DELETE", "a.b c.d", Some(ROWS)),
            (r#"DELETE FROM "a""b"."c.d""#, "a\"b.c.d", Some(ROWS)),
            ("SELECT a.b FROM c.d", "c.d", None),
            ("CALL a.b()", "", None),
        ];
        for (sql, named, lock) in cases {
            let shape = shape(sql);
            let lines: Vec<String> = shape
                .named
                .iter()
                .map(|named| format!("{}.{}", named.schema.as_deref().unwrap_or_default(), named.name))
                .collect();
            assert_eq!((lines.join(" ").as_str(), shape.lock), (named, lock), "{sql}");
        }
    }

    #[test]
    fn settings_rows_and_concurrency_are_known() {
        let alter = shape("ALTER SYSTEM SET Work_mem = '8MB'");
        assert_eq!((alter.setting.as_deref(), alter.word.as_str(), alter.lock), (Some("work_mem"), "alter", None));
        assert_eq!(shape("SHOW work_mem").setting, None);
        assert!(shape("REINDEX INDEX CONCURRENTLY a.b").concurrently && !shape("REINDEX INDEX a.b").concurrently);
        assert!(shape("DELETE FROM a.b").counts_rows && !shape("TRUNCATE a.b").counts_rows);
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_it(sql in ".{0,80}") {
            let _ = shape(&sql);
        }
    }
}
