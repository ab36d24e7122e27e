use super::*;

fn rows() -> Rows {
    let (columns, types) = (vec!["id".to_owned(), "Day".to_owned()], vec!["integer".to_owned(), "date".to_owned()]);
    Rows { columns, types, count: 1, bounded: false, cascades: Vec::new() }
}

#[test]
fn statements_are_taken_apart() {
    let parts = parts("DELETE FROM ONLY public.tasks AS t WHERE t.state = 'old' OR t.n < 3;").unwrap();
    assert_eq!((parts.alias.as_str(), parts.deletes), ("t", true));
    let key = Key { key: vec!["1".to_owned(), "2026-01-01".to_owned()] };
    assert_eq!(
        parts.of_keys(&rows(), &[key.clone(), key]),
        "DELETE FROM ONLY public.tasks AS t\nWHERE ( t.state = 'old' OR t.n < 3\n) AND (t.\"id\", t.\"Day\") IN \
         (VALUES ('1'::integer, '2026-01-01'::date), ('1'::integer, '2026-01-01'::date))"
    );
    let parts = super::parts("UPDATE public.\"Jobs\" SET state = 'x' WHERE state <> 'x'").unwrap();
    assert_eq!((parts.alias.as_str(), parts.deletes, parts.converges), ("\"Jobs\"", false, true));
    assert_eq!(parts.select("1"), "SELECT 1 FROM public.\"Jobs\" WHERE ( state <> 'x'\n)");
    assert!(!super::parts("UPDATE a.b SET n = n + 1 WHERE id < 5").unwrap().converges);
    let whole = super::parts("DELETE FROM a.b").unwrap();
    assert_eq!((whole.select("1").as_str(), whole.head.as_str()), ("SELECT 1 FROM a.b", "DELETE FROM a.b"));
    let commented = super::parts("DELETE FROM a.b -- those that are done\nWHERE true").unwrap();
    let key = Key { key: vec!["1".to_owned(), "2026-01-01".to_owned()] };
    let sql = commented.of_keys(&rows(), &[key]);
    assert!(sql.lines().any(|line| line.starts_with("WHERE ")), "a comment takes its line to its end: {sql}");
}

#[test]
fn rows_that_cannot_be_frozen_have_a_reason() {
    for (sql, why) in [
        ("TRUNCATE a.b", "neither DELETE nor UPDATE"),
        ("DELETE FROM a.b USING c.d WHERE true", "other tables"),
        ("UPDATE a.b SET x = 1 FROM c.d WHERE true", "other tables"),
        ("WITH x AS (SELECT 1) DELETE FROM a.b WHERE id IN (SELECT 1)", "WITH"),
        ("DELETE FROM a.b WHERE CURRENT OF c", "cursor"),
        ("DELETE FROM a.b WHERE true RETURNING id", "gives rows back"),
        ("UPDATE a.b SET x = 1 WHERE pg_sleep(1) IS NULL", "in its WHERE it calls pg_sleep"),
    ] {
        let text = parts(sql).unwrap_err();
        assert!(text.contains(why), "{sql}: {text}");
    }
}
