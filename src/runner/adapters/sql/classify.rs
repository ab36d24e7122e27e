//! The least effect class of one SQL statement, from its syntax tree.
//!
//! | class | statements |
//! |---|---|
//! | read | SELECT, TABLE, VALUES, SHOW, EXPLAIN without ANALYZE of these; no data-modifying CTE, no row lock, no INTO, only functions of a list of pure ones |
//! | destroy | DROP, DELETE, TRUNCATE, VACUUM FULL, a MERGE or an ALTER that deletes or drops, DO, COPY with a PROGRAM; any text that cannot be parsed |
//! | change | everything else |
//!
//! The classes are minimums: in doubt the greater one is chosen. Function names count as those of `pg_catalog`,
//! because sessions run with that search path; a function of any other schema is a change. A view, an operator or a
//! cast may call functions that the syntax tree does not show: therefore reading statements run with a role that
//! cannot act, in a read-only transaction.

use crate::domain::EffectClass;
use crate::procedure::sql::{examine, tokens};
use squawk_syntax::ast::AstNode;
use squawk_syntax::{Parse, SourceFile, SyntaxKind as K, SyntaxNode};

/// The class of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    /// The least class.
    pub least: EffectClass,
    /// Its first word, in lower case: `vacuum`.
    pub word: String,
    /// The reason, in a few words.
    pub why: String,
}

/// Functions that only compute or read; aggregates and window functions included.
///
/// Source: PostgreSQL 15 to 18, "Functions and Operators"; none writes, locks, signals, sleeps, or reads the server's files.
const PURE: &str = "\
    abs age array_agg array_length array_position array_to_string ascii avg bit_and bit_length bit_or bool_and \
    bool_or btrim cardinality ceil ceiling char_length chr clock_timestamp coalesce col_description concat \
    concat_ws corr count cume_dist current_database current_schema current_schemas current_setting date_bin \
    date_part date_trunc decode dense_rank div encode every exp first_value floor format format_type \
    generate_series greatest has_database_privilege has_schema_privilege has_table_privilege initcap isfinite \
    json_agg json_array_length json_build_array json_build_object json_object_agg jsonb_agg jsonb_array_length \
    jsonb_build_array jsonb_build_object jsonb_object_agg jsonb_path_query jsonb_pretty lag last_value lead least \
    left length ln log lower lpad ltrim make_date make_interval make_timestamptz max md5 min mod mode mxid_age now \
    nth_value ntile nullif obj_description octet_length percent_rank percentile_cont percentile_disc \
    pg_backend_pid pg_blocking_pids pg_column_size pg_conf_load_time pg_current_wal_lsn pg_database_size \
    pg_encoding_to_char pg_get_constraintdef pg_get_expr pg_get_indexdef pg_get_partkeydef pg_get_serial_sequence \
    pg_get_userbyid pg_get_viewdef pg_has_role pg_indexes_size pg_is_in_recovery pg_is_wal_replay_paused \
    pg_last_wal_receive_lsn pg_last_wal_replay_lsn pg_last_xact_replay_timestamp pg_postmaster_start_time \
    pg_relation_filepath pg_relation_size pg_size_bytes pg_size_pretty pg_table_is_visible pg_table_size \
    pg_tablespace_location pg_tablespace_size pg_total_relation_size pg_typeof pg_wal_lsn_diff position power \
    quote_ident quote_literal quote_nullable rank regexp_count regexp_like regexp_match regexp_matches \
    regexp_replace regexp_split_to_array regexp_substr repeat replace reverse right round row_number row_to_json \
    rpad rtrim shobj_description sign split_part sqrt starts_with statement_timestamp stddev stddev_pop \
    stddev_samp string_agg string_to_array strpos substr substring sum to_char to_date to_hex to_json to_jsonb \
    to_number to_regclass to_timestamp transaction_timestamp translate trim trunc unnest upper var_pop var_samp \
    variance version width_bucket";

/// Classifies one statement.
///
/// # Errors
/// A sentence: it is none, more than one, one that does nothing alone (BEGIN, COMMIT, SET and their like), or nests too deep.
pub fn classify(sql: &str) -> Result<Class, String> {
    examine(sql, |parsed| class(sql, parsed)).map_err(|why| why.to_string())?
}

fn class(sql: &str, parsed: &Parse<SourceFile>) -> Result<Class, String> {
    let tree = parsed.tree();
    let statements: Vec<SyntaxNode> =
        tree.stmts().map(|stmt| stmt.syntax().clone()).filter(|node| node.kind() != K::EMPTY_STMT).collect();
    let word = first_word(sql);
    let class = |least, why: &str| Ok(Class { least, word: word.clone(), why: why.to_owned() });
    if word.is_empty() {
        return Err("there is no statement".to_owned());
    }
    let [statement] = statements.as_slice() else {
        if statements.len() > 1 {
            return Err(format!("there are {} statements, and one is done at a time", statements.len()));
        }
        return class(EffectClass::Destroy, "it cannot be parsed");
    };
    if !parsed.errors().is_empty() {
        return class(EffectClass::Destroy, "it cannot be parsed");
    }
    if matches!(
        word.as_str(),
        "begin" | "start" | "commit" | "end" | "rollback" | "abort" | "savepoint" | "release" | "set" | "reset"
    ) {
        return Err(format!("`{}` does nothing alone: each statement has a session of its own", word.to_uppercase()));
    }
    if let Some(why) = destroys(statement) {
        return class(EffectClass::Destroy, why);
    }
    match reads(statement) {
        Ok(()) => class(EffectClass::Read, "it only reads"),
        Err(why) => class(EffectClass::Change, &why),
    }
}

/// The first word that is no comment, in lower case.
fn first_word(sql: &str) -> String {
    let first = tokens(sql).find(|token| token.starts_with(|c: char| c.is_alphabetic() || c == '('));
    first.map(str::to_lowercase).unwrap_or_default()
}

/// The part of a statement that deletes or drops.
fn destroys(statement: &SyntaxNode) -> Option<&'static str> {
    let kind = statement.kind();
    if kind == K::DO {
        return Some("a DO block can do anything");
    }
    let text = format!("{kind:?}");
    if text.starts_with("DROP_") {
        return Some("it drops");
    }
    let tokens = || statement.descendants_with_tokens().filter_map(squawk_syntax::SyntaxElement::into_token);
    if statement.descendants().any(|node| node.kind() == K::DELETE) {
        return Some("it deletes rows");
    }
    match kind {
        K::TRUNCATE => return Some("it empties tables"),
        K::VACUUM if tokens().any(|token| token.text().eq_ignore_ascii_case("full")) => {
            return Some("VACUUM FULL rewrites the table under an exclusive lock");
        }
        K::CLUSTER => return Some("CLUSTER rewrites the table under an exclusive lock"),
        // The program runs as the server's own user.
        K::COPY if tokens().any(|token| token.text().eq_ignore_ascii_case("program")) => {
            return Some("COPY with a PROGRAM can do anything");
        }
        _ => {}
    }
    let deletes = |node: &SyntaxNode| {
        let mut tokens = node.descendants_with_tokens().filter_map(squawk_syntax::SyntaxElement::into_token);
        tokens.any(|token| token.kind() == K::DELETE_KW)
    };
    if statement.descendants().any(|node| node.kind() == K::MERGE && deletes(&node)) {
        return Some("it deletes rows");
    }
    let alters = text.starts_with("ALTER_");
    if alters && tokens().any(|token| token.kind() == K::DROP_KW) {
        return Some("it drops a part");
    }
    None
}

/// Whether a statement only reads; the error is what makes it more.
fn reads(statement: &SyntaxNode) -> Result<(), String> {
    let body = match statement.kind() {
        kind if is_reading(kind) => statement,
        K::EXPLAIN => {
            let mode = statement.descendants_with_tokens().filter_map(squawk_syntax::SyntaxElement::into_token);
            // An option that is named and switched off counts, too.
            if mode.into_iter().any(|token| matches!(token.text().to_lowercase().as_str(), "analyze" | "analyse")) {
                return Err("EXPLAIN ANALYZE runs the statement".to_owned());
            }
            // Planning may run functions that are declared immutable or stable, even if they are not.
            if !statement.children().any(|inner| is_reading(inner.kind())) {
                return Err("it explains what is no reading statement".to_owned());
            }
            statement
        }
        _ => return Err("it is no reading statement".to_owned()),
    };
    for node in body.descendants() {
        match node.kind() {
            K::INSERT | K::UPDATE | K::MERGE => return Err("a part of it writes".to_owned()),
            K::SELECT_INTO | K::INTO_CLAUSE => return Err("it creates a table".to_owned()),
            K::LOCKING_CLAUSE => return Err("it locks rows".to_owned()),
            K::CALL_EXPR => check_call(&node)?,
            _ => {}
        }
    }
    Ok(())
}

fn is_reading(kind: K) -> bool {
    matches!(kind, K::SELECT | K::COMPOUND_SELECT | K::PAREN_SELECT | K::VALUES | K::TABLE | K::SHOW)
}

/// Whether a call is of a pure function.
fn check_call(call: &SyntaxNode) -> Result<(), String> {
    let Some(named) = call.children().find(|node| matches!(node.kind(), K::NAME_REF | K::FIELD_EXPR)) else {
        // Functions with their own syntax, such as EXTRACT, are the server's.
        return if call.children().next().is_some_and(|node| format!("{:?}", node.kind()).ends_with("_FN")) {
            Ok(())
        } else {
            Err("it calls something that is no plain name".to_owned())
        };
    };
    let written = named.text().to_string();
    let name = if written.contains('"') { written.clone() } else { written.to_lowercase() };
    let plain = name.strip_prefix("pg_catalog.").unwrap_or(&name);
    if PURE.split(' ').any(|pure| pure == plain) { Ok(()) } else { Err(format!("it calls {written}")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use EffectClass::{Change, Destroy, Read};

    #[test]
    fn a_statement_that_nests_too_deep_is_refused_with_the_bound() {
        let nested = format!("SELECT {}1{}", "(".repeat(9_000), ")".repeat(9_000));
        let bound = crate::procedure::sql::DEEPEST;
        let expected = format!("the statement nests up to 9001 levels deep, and at most {bound} are parsed");
        assert_eq!(classify(&nested).unwrap_err(), expected);
        assert_eq!(classify("SELECT (((1)))").unwrap().least, Read);
    }

    #[test]
    fn statements_have_their_least_class() {
        let cases = [
            ("SELECT 1", Read),
            ("select count(*), pg_size_pretty(pg_relation_size(oid)) from pg_class", Read),
            ("-- DROP nothing\nTABLE public.tasks;", Read),
            ("VALUES (1)", Read),
            ("(SELECT 1) UNION SELECT 2", Read),
            ("SHOW max_connections", Read),
            ("EXPLAIN DELETE FROM tasks", Destroy),
            ("EXPLAIN SELECT 1", Read),
            ("EXPLAIN (VERBOSE, FORMAT json) SELECT lower(x) FROM t", Read),
            ("EXPLAIN SELECT setval('s', 1)", Change),
            ("EXPLAIN INSERT INTO a VALUES (1)", Change),
            ("EXPLAIN UPDATE a SET b = 1", Change),
            ("EXPLAIN CREATE TABLE x AS SELECT 1", Change),
            ("EXPLAIN (ANALYZE off) SELECT 1", Change),
            ("EXPLAIN (BUFFERS, ANALYZE) DELETE FROM a", Destroy),
            ("EXPLAIN (ANALYZE) SELECT 1", Change),
            ("EXPLAIN ANALYSE SELECT 1", Change),
            ("EXPLAIN ANALYZE DELETE FROM tasks", Destroy),
            ("WITH old AS (DELETE FROM tasks RETURNING *) SELECT count(*) FROM old", Destroy),
            ("WITH new AS (INSERT INTO tasks VALUES (1) RETURNING *) SELECT count(*) FROM new", Change),
            ("SELECT * FROM tasks FOR UPDATE", Change),
            ("SELECT * INTO copy FROM tasks", Change),
            ("SELECT pg_terminate_backend(1)", Change),
            ("SELECT setval('s', 1)", Change),
            ("SELECT public.count(1)", Change),
            ("SELECT pg_catalog.count(1)", Read),
            ("SELECT \"count\"(1)", Change),
            ("SELECT PG_SLEEP(1)", Change),
            ("SELECT lower(x) FROM t WHERE y = (SELECT nextval('s'))", Change),
            ("SELECT extract(epoch FROM now()), coalesce(a, b), substring(a FROM 1 FOR 2) FROM t", Read),
            ("SELECT sum(x) OVER (ORDER BY y) FROM t", Read),
            ("VACUUM (ANALYZE) \"public\".\"tasks\"", Change),
            ("VACUUM (VERBOSE, ANALYZE) tasks", Change),
            ("VACUUM FULL tasks", Destroy),
            ("VACUUM (FULL) tasks", Destroy),
            ("VACUUM (full true, analyze) tasks", Destroy),
            ("REINDEX INDEX CONCURRENTLY tasks_pkey", Change),
            ("ANALYZE tasks", Change),
            ("ALTER SYSTEM SET work_mem = '8MB'", Change),
            ("ALTER TABLE a DETACH PARTITION b CONCURRENTLY", Change),
            ("ALTER TABLE a DROP COLUMN b", Destroy),
            ("DROP TABLE a", Destroy),
            ("DROP INDEX CONCURRENTLY a", Destroy),
            ("TRUNCATE a", Destroy),
            ("DELETE FROM a WHERE b", Destroy),
            ("MERGE INTO a USING b ON a.x = b.x WHEN MATCHED THEN DELETE", Destroy),
            ("INSERT INTO a VALUES (1)", Change),
            ("UPDATE a SET b = 1", Change),
            ("DO $$ BEGIN DELETE FROM a; END $$", Destroy),
            ("CALL p()", Change),
            ("COPY a TO STDOUT", Change),
            ("SELECT FROM WHERE", Destroy),
            ("EXEC sp_who", Destroy),
            ("SELEC 1", Destroy),
            ("PREPARE x AS DELETE FROM a", Destroy),
            ("WITH x AS (SELECT 1) DELETE FROM a", Destroy),
            ("WITH x AS (UPDATE a SET b = 1 RETURNING *) SELECT * FROM x", Change),
            (
                "WITH x AS (SELECT 1), y AS (WITH z AS (DELETE FROM a RETURNING *) SELECT * FROM z) SELECT * FROM y",
                Destroy,
            ),
            (
                "WITH x AS (MERGE INTO a USING b ON a.i = b.i WHEN MATCHED THEN DELETE RETURNING *) SELECT * FROM x",
                Destroy,
            ),
            ("MERGE INTO a USING b ON a.i = b.i WHEN MATCHED THEN UPDATE SET c = 1", Change),
            ("COPY a TO PROGRAM 'rm -rf /'", Destroy),
            ("COPY a FROM PROGRAM 'curl https://x'", Destroy),
            ("COPY a FROM STDIN", Change),
            ("COPY (DELETE FROM a RETURNING *) TO STDOUT", Destroy),
            ("SELECT * FROM pg_read_file('/etc/passwd')", Change),
            ("SELECT * FROM ROWS FROM (pg_ls_dir('/'), generate_series(1, 2))", Change),
            ("SELECT * FROM a, LATERAL pg_sleep(1)", Change),
            ("SELECT * FROM generate_series(1, 3) AS n", Read),
            ("SELECT count(*) FILTER (WHERE setval('s', 1) > 0) FROM a", Change),
            ("SELECT 1 FROM a WHERE EXISTS (SELECT pg_terminate_backend(1))", Change),
            ("SELECT coalesce(1, setval('s', 1))", Change),
            ("SELECT array_agg(x ORDER BY setval('s', 1)) FROM a", Change),
            ("SELECT 1 FROM a ORDER BY nextval('s') LIMIT 1", Change),
            ("SELECT sum(x) OVER (ORDER BY nextval('s')) FROM a", Change),
            ("VALUES (nextval('s'))", Change),
            ("SELECT * FROM a TABLESAMPLE system (10)", Change),
            ("SELECT * FROM a TABLESAMPLE public.evil (10)", Change),
            ("SELECT set_config('work_mem', '1GB', false)", Change),
            ("SELECT/**/pg_sleep(1)", Change),
            ("SELECT pg_catalog.pg_sleep(1)", Change),
            ("SELECT pg_catalog . now ( )", Change),
            ("SELECT U&\"\\0070g_sleep\"(1)", Change),
            ("SELECT dblink_exec('host=x', 'DROP TABLE a')", Change),
            ("SELECT lo_unlink(1)", Change),
            ("SELECT $$;DROP TABLE a$$", Read),
            ("/* /* */ DROP TABLE a */ SELECT 1", Read),
            ("SELECT 1 FOR SHARE", Change),
            ("SELECT * FROM (SELECT * FROM a FOR UPDATE) b", Change),
            ("SELECT * INTO TEMP b FROM a", Change),
            ("DROP OWNED BY x", Destroy),
            ("REASSIGN OWNED BY x TO y", Change),
            ("ALTER TABLE a RENAME TO b", Change),
            ("REFRESH MATERIALIZED VIEW a", Change),
            ("CREATE RULE r AS ON INSERT TO a DO INSTEAD DELETE FROM b", Destroy),
            ("SELECT 1 \\gexec", Destroy),
        ];
        for (sql, expected) in cases {
            let class = classify(sql).unwrap();
            assert_eq!(class.least, expected, "{sql}: {}", class.why);
        }
    }

    #[test]
    fn what_is_not_one_statement_is_refused() {
        for (sql, words) in [
            ("", "no statement"),
            (" ; ", "no statement"),
            ("-- nothing\n", "no statement"),
            ("SELECT 1; DROP TABLE a", "2 statements"),
            ("BEGIN", "does nothing alone"),
            ("SET work_mem = '1GB'", "does nothing alone"),
            ("SET ROLE postgres", "does nothing alone"),
            ("ROLLBACK PREPARED 'x'", "does nothing alone"),
            ("SELECT 'a\\'; DROP TABLE a; --'", "2 statements"),
            ("SELECT 1;; DELETE FROM a", "2 statements"),
            ("DO $$ BEGIN END $$; SELECT 1", "2 statements"),
            ("BEGIN; DROP TABLE a; COMMIT", "3 statements"),
        ] {
            let text = classify(sql).unwrap_err();
            assert!(text.contains(words), "{sql}: {text}");
        }
    }

    #[test]
    fn the_words_of_statements_are_known() {
        assert_eq!(classify("/* a */ Vacuum tasks").unwrap().word, "vacuum");
        assert_eq!(classify("reindex index a").unwrap().word, "reindex");
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_the_classifier(sql in ".{0,80}") {
            let _ = classify(&sql);
        }

        /// In any context, a DELETE is at least a destroy.
        #[test]
        fn a_delete_never_hides(before in "(WITH a AS \\(SELECT 1\\) |EXPLAIN |/\\* x \\*/ |)", table in "[a-z]{1,8}") {
            let class = classify(&format!("{before}DELETE FROM {table}"));
            proptest::prop_assert!(class.is_err() || class.unwrap().least == Destroy);
        }
    }
}
