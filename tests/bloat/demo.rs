//! What the demo's database has for the pane.

use crate::bloat::{Server, real, text};
use midwatch::domain::{Fact, Verdict};

#[test]
fn the_demo_has_something_of_every_kind_to_look_at() {
    let server = Server::start("");
    server.sql(include_str!("../../src/demo/database/bloat.sql"));
    server.sql(include_str!("../../src/demo/database/settle.sql"));
    let size: i64 = server.sql("SELECT pg_database_size('postgres')").parse().unwrap();
    assert!(size < 60 << 20, "{size}");
    let seen = server.seen();
    for (object, row) in &seen.0 {
        println!("{:32} {}", object.as_deref().unwrap_or("-"), row.as_ref().unwrap().detail);
    }
    let bloated = seen.row("public.job_runs");
    assert!(real(bloated, "bloat_ratio") > 0.6 && text(bloated, "remedy") == "repack", "{bloated:?}");
    let index = seen.row("public.job_runs_pkey");
    assert!(real(index, "bloat_ratio") > 0.6 && text(index, "remedy") == "reindex", "{index:?}");
    // Less than what the estate has a limit for is fine, and what is fine needs no cure.
    let (job_runs, index) = ("public.job_runs", "public.job_runs_pkey");
    for (limit, verdict) in [(1 << 20, Verdict::Warn), (100 << 20, Verdict::Ok)] {
        let seen = server.read(&mut server.reader_from(limit, "postgres", "postgres"));
        for row in [seen.row(job_runs), seen.row(index)] {
            assert_eq!((row.verdict, row.facts.contains_key("remedy")), (verdict, verdict == Verdict::Warn), "{row:?}");
            assert_eq!(row.facts["warn_bytes"], Fact::Int(i64::try_from(limit).unwrap()));
            assert!(["repack", "reindex"].iter().any(|it| row.detail.contains(it)) == (verdict == Verdict::Warn));
        }
    }
    assert_eq!(seen.row("public.api_tokens_pkey").facts["grows_back"], Fact::Bool(true));
    assert!(real(seen.row("\"Billing\".\"Invoice Items\""), "bloat_ratio") < 0.05);
    assert_eq!(seen.row("public.documents_words").verdict, Verdict::Ok);
}
