//! Saving, replicas and memory, on servers that run into them.

use super::*;

#[tokio::test]
async fn a_failed_save_refuses_writes_and_is_told_apart() {
    let server = Server::start(&["--save", "3600 1000000", "--enable-protected-configs", "yes"]);
    let mut reader = server.reader();
    let kept = row(&rows(&mut reader).await, Some("persistence"));
    assert_eq!((kept.verdict, kept.detail.as_str()), (Verdict::Ok, "never saved since its start"));
    assert_eq!(kept.facts["saved_since_start"], Fact::Bool(false));
    assert!(!kept.facts.contains_key("rdb_last_save_at"));
    server.send(&["SAVE"]).unwrap();
    let kept = row(&rows(&mut reader).await, Some("persistence"));
    assert_eq!((kept.detail.as_str(), &kept.facts["saved_since_start"]), ("saved just now", &Fact::Bool(true)));
    assert_eq!(kept.facts["save_schedule"], Fact::Text("3600 1000000".to_owned()));
    server.send(&["SET", "a", "1"]).unwrap();
    // Its directory goes away under it; rights do not stop the superuser.
    let gone = server.dir.path().join("gone");
    std::fs::create_dir(&gone).unwrap();
    server.send(&["CONFIG", "SET", "dir", gone.to_str().unwrap()]).unwrap();
    std::fs::remove_dir(&gone).unwrap();
    server.send(&["BGSAVE"]).unwrap();
    wait(|| server.info("rdb_last_bgsave_status") == "err");
    assert_eq!(server.send(&["SET", "a", "2"]).unwrap_err().code(), Some("MISCONF"));
    let found = rows(&mut reader).await;
    let kept = row(&found, Some("persistence"));
    assert_eq!(kept.verdict, Verdict::Critical);
    assert!(kept.detail.starts_with("the last save failed, writes are refused (MISCONF) · "), "{}", kept.detail);
    assert!(kept.detail.ends_with(" · 1 change since"), "{}", kept.detail);
    assert_eq!(
        (&kept.facts["writes_refused"], &kept.facts["rdb_last_status"]),
        (&Fact::Bool(true), &Fact::Text("err".to_owned()))
    );
    assert_eq!(row(&found, Some("replication")).verdict, Verdict::Ok);

    server.send(&["CONFIG", "SET", "stop-writes-on-bgsave-error", "no"]).unwrap();
    server.send(&["SET", "a", "2"]).unwrap();
    let kept = row(&rows(&mut reader).await, Some("persistence"));
    assert_eq!(kept.verdict, Verdict::Critical);
    assert!(kept.detail.starts_with("the last save failed · "), "{}", kept.detail);
    // Whoever may not see the settings cannot know.
    server.send(&["ACL", "SETUSER", "watch", "on", ">x", "~*", "+ping", "+info"]).unwrap();
    let watcher = with_password(&format!("{}?user=watch", server.url()), "x");
    let kept = row(&rows(&mut RedisReader::new(watcher)).await, Some("persistence"));
    assert!(kept.detail.starts_with("the last save failed, writes may be refused (MISCONF)"), "{}", kept.detail);
    assert!(!kept.facts.contains_key("writes_refused"));
    server.send(&["CONFIG", "SET", "dir", server.dir.path().to_str().unwrap()]).unwrap();
    server.send(&["BGSAVE"]).unwrap();
    wait(|| server.info("rdb_last_bgsave_status") == "ok");
    assert_eq!(row(&rows(&mut reader).await, Some("persistence")).verdict, Verdict::Ok);
}

#[tokio::test]
async fn a_first_save_that_fails_is_none() {
    let server = Server::start(&["--save", "3600 1000000", "--enable-protected-configs", "yes"]);
    let gone = server.dir.path().join("gone");
    std::fs::create_dir(&gone).unwrap();
    server.send(&["CONFIG", "SET", "dir", gone.to_str().unwrap()]).unwrap();
    std::fs::remove_dir(&gone).unwrap();
    server.send(&["SET", "a", "1"]).unwrap();
    server.send(&["BGSAVE"]).unwrap();
    wait(|| server.info("rdb_last_bgsave_status") == "err");
    assert_eq!(server.info("rdb_saves"), "1", "it counts attempts");
    let kept = row(&rows(&mut server.reader()).await, Some("persistence"));
    let text = "the last save failed, writes are refused (MISCONF) · never saved since its start · 1 change since";
    assert_eq!((kept.verdict, kept.detail.as_str()), (Verdict::Critical, text));
    assert_eq!(kept.facts["saved_since_start"], Fact::Bool(false));
    assert!(!kept.facts.contains_key("rdb_last_save_at") && !kept.facts.contains_key("rdb_last_save_age_s"));
    // Where no save is scheduled, nothing depends on it.
    server.send(&["CONFIG", "SET", "save", ""]).unwrap();
    let kept = row(&rows(&mut server.reader()).await, Some("persistence"));
    let message = "the last save failed · kept nowhere: no save, no AOF · never saved since its start · 1 change since";
    assert_eq!((kept.verdict, kept.detail.as_str()), (Verdict::Warn, message));
}

#[tokio::test]
async fn a_replica_that_lost_its_primary_is_critical_and_read_only() {
    let port = free_port().to_string();
    let mut primary = Server::start(&["--port", &port, "--repl-diskless-sync-delay", "0"]);
    let replica = Server::start(&["--replicaof", &format!("127.0.0.1 {port}"), "--repl-timeout", "60"]);
    wait(|| replica.info("master_link_status") == "up" && primary.info("slave0").contains("online"));
    let mut reader = replica.reader();
    let found = rows(&mut reader).await;
    let link = row(&found, Some("replication"));
    assert_eq!((link.verdict, link.detail.clone()), (Verdict::Ok, format!("link up · of 127.0.0.1:{port}")));
    assert_eq!(link.facts["link"], Fact::Text("up".to_owned()));
    let main = row(&found, None);
    assert!(main.detail.starts_with("read-only replica · "), "{}", main.detail);
    assert_eq!(main.facts["read_only"], Fact::Bool(true));
    let above = row(&rows(&mut primary.reader()).await, Some("replication"));
    assert_eq!(above.verdict, Verdict::Ok);
    assert!(above.detail.starts_with("1 replica · ") && above.detail.ends_with(" behind"), "{}", above.detail);
    assert_eq!((&above.facts["replicas"], &above.facts["replicas_online"]), (&Fact::Int(1), &Fact::Int(1)));

    primary.stop();
    wait(|| replica.info("master_link_status") == "down");
    let found = rows(&mut reader).await;
    let link = row(&found, Some("replication"));
    assert_eq!(link.verdict, Verdict::Critical);
    assert!(link.detail.starts_with("link down · "), "{}", link.detail);
    assert!(matches!(link.facts["link_down_s"], Fact::Int(0..30)));
    assert_eq!(row(&found, None).verdict, Verdict::Ok, "it still serves its old data");
    replica.send(&["CONFIG", "SET", "replica-serve-stale-data", "no"]).unwrap();
    let main = row(&rows(&mut reader).await, None);
    assert_eq!(main.verdict, Verdict::Critical);
    assert!(main.detail.starts_with("serves nothing while its primary is down (MASTERDOWN)"), "{}", main.detail);
    assert!(RedisReader::new(target(&replica.url())).read().await.is_ok(), "a new connection is made then, too");
}

#[tokio::test]
async fn memory_is_judged_against_its_limit_and_by_what_happens_there() {
    let server = Server::start(&["--maxmemory", "4mb", "--enable-debug-command", "yes"]);
    let mut reader = server.reader();
    let memory = row(&rows(&mut reader).await, Some("memory"));
    assert_eq!(memory.verdict, Verdict::Ok, "{}", memory.detail);
    assert!(memory.detail.ends_with(" of 4.0 MiB · noeviction"), "{}", memory.detail);
    assert_eq!(memory.facts["maxmemory_bytes"], Fact::Int(4 << 20));
    // An own limit below what is in use.
    let mut strict = target(&server.url());
    strict.entry.memory = Some(Limits { warn: 0.01, critical: 0.9 });
    assert_eq!(row(&rows(&mut RedisReader::new(strict)).await, Some("memory")).verdict, Verdict::Warn);

    let value = "x".repeat(10_000);
    let full = (0..1000).find_map(|key| server.send(&["SET", &format!("k{key}"), &value]).err()).unwrap();
    assert_eq!(full.code(), Some("OOM"));
    let memory = row(&rows(&mut reader).await, Some("memory"));
    assert_eq!(memory.verdict, Verdict::Critical, "{}", memory.detail);
    server.send(&["CONFIG", "SET", "maxmemory", "3mb"]).unwrap();
    let memory = row(&rows(&mut reader).await, Some("memory"));
    assert_eq!(memory.verdict, Verdict::Critical);
    assert!(memory.detail.starts_with("full, writes are refused (OOM) · "), "{}", memory.detail);
    assert_eq!(memory.facts["writes_refused"], Fact::Bool(true));

    server.send(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]).unwrap();
    for key in 0..50 {
        server.send(&["SET", &format!("more{key}"), &value]).unwrap();
    }
    let memory = row(&rows(&mut reader).await, Some("memory"));
    assert_eq!(memory.verdict, Verdict::Warn, "a cache may be full: {}", memory.detail);
    assert!(memory.detail.contains("allkeys-lru · evicts "), "{}", memory.detail);
    assert!(matches!(memory.facts["evicted_keys"], Fact::Int(1..)), "{:?}", memory.facts);
    assert!(matches!(memory.facts["memory_ratio"], Fact::Real(ratio) if ratio > 0.8));
}
