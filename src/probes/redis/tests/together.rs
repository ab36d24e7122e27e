//! Real servers that are part of something: a cluster, and a sentinel with the primary that it watches.

use super::group::Sentinel;
use super::*;

/// Reads until the row of an object has a verdict and begins with some words.
async fn until(reader: &mut RedisReader, object: &str, (verdict, words): (Verdict, &str)) -> Observation {
    until_row(reader, object, |seen| seen.verdict == verdict && seen.detail.starts_with(words)).await
}

#[tokio::test]
async fn a_cluster_without_its_slots_has_failed_and_one_with_all_of_them_is_ok() {
    let (port, bus) = (free_port().to_string(), free_port().to_string());
    let server = Server::start(&["--port", &port, "--cluster-enabled", "yes", "--cluster-port", &bus]);
    let mut reader = server.reader();
    let failed = until(&mut reader, "cluster", (Verdict::Critical, "cluster_state:fail, queries are refused")).await;
    assert_eq!(failed.facts["cluster_state"], Fact::Text("fail".to_owned()));
    assert_eq!((&failed.facts["slots_assigned"], &failed.facts["nodes"]), (&Fact::Int(0), &Fact::Int(1)));
    server.send(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]).unwrap();
    let well = until(&mut reader, "cluster", (Verdict::Ok, "cluster ok")).await;
    assert_eq!(well.detail, "cluster ok · 1 node · 1 shard");
    server.send(&["CLUSTER", "DELSLOTS", "7"]).unwrap();
    server.send(&["CONFIG", "SET", "cluster-require-full-coverage", "no"]).unwrap();
    until(&mut reader, "cluster", (Verdict::Critical, "slot 7 is assigned to no node")).await;
    // A user who may not ask knows the server, and not its cluster.
    server.send(&["ACL", "SETUSER", "watch", "on", "nopass", "~*", "+@all", "-cluster"]).unwrap();
    let mut blind = RedisReader::new(target(&format!("unix://{}?user=watch", server.socket().display())));
    let found = blind.read().await.unwrap();
    let cluster = found.iter().find(|finding| finding.object.as_deref() == Some("cluster")).unwrap();
    assert_eq!(cluster.seen.as_ref().unwrap_err().why(), "CLUSTER INFO is denied to user watch (NOPERM)");
    assert_eq!(row(&found, None).verdict, Verdict::Ok);
}

#[tokio::test]
async fn a_sentinel_says_how_each_primary_is_that_it_watches() {
    let port = free_port();
    let mut primary = Server::start(&["--port", &port.to_string()]);
    let sentinel = Sentinel::start(port, 1, "sentinel down-after-milliseconds jobs 200\n");
    let mut reader = RedisReader::new(target(&format!("redis://127.0.0.1:{}", sentinel.port)));
    // Nothing could take its place.
    let up = until(&mut reader, "primary jobs", (Verdict::Warn, "no replica to fail over to · primary up")).await;
    assert_eq!((&up.facts["quorum"], &up.facts["quorum_reached"]), (&Fact::Int(1), &Fact::Bool(true)));
    assert_eq!(up.facts["address"], Fact::Text(format!("127.0.0.1:{port}")));
    let found = reader.read().await.unwrap();
    assert_eq!((found.len(), row(&found, None).facts["role"].clone()), (2, Fact::Text("sentinel".to_owned())));
    primary.stop();
    until(&mut reader, "primary jobs", (Verdict::Critical, "primary is down, the sentinels agree (odown)")).await;
}
