//! Real groups: sentinels that agree and disagree, nodes of a cluster that fail.

use super::*;
use crate::config::estate::RedisMode;
use crate::probes::redis::group::of_slots;
use crate::probes::redis::nodes::nodes;

/// A sentinel in a directory of its own; killed when dropped.
pub(super) struct Sentinel {
    dir: tempfile::TempDir,
    pub(super) port: u16,
    child: Child,
}

impl Sentinel {
    /// Starts one that watches `jobs` on a port; so many have to agree that it is down.
    pub(super) fn start(watched: u16, quorum: u8, more: &str) -> Self {
        let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
        let settings = format!(
            "port {port}\nlogfile log\nsentinel monitor jobs 127.0.0.1 {watched} {quorum}\n\
            sentinel down-after-milliseconds jobs 1000\n{more}"
        );
        std::fs::write(dir.path().join("sentinel.conf"), settings).unwrap();
        let child = Command::new("redis-server")
            .args(["sentinel.conf", "--sentinel"])
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let sentinel = Self { dir, port, child };
        wait(|| std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        sentinel
    }

    fn url(&self, user: &str) -> String {
        format!("redis://{user}127.0.0.1:{}", self.port)
    }

    fn reader(&self, name: &str) -> RedisReader {
        let mut target = target(&self.url(""));
        name.clone_into(&mut target.entry.name);
        RedisReader::new(target)
    }

    fn send(&self, command: &[&str]) -> redis::RedisResult<redis::Value> {
        let mut connection = redis::Client::open(self.url("")).unwrap().get_connection()?;
        let (name, rest) = command.split_first().unwrap();
        redis::cmd(name).arg(rest).query(&mut connection)
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        assert!(self.dir.path().exists());
    }
}

/// Reads until the row of an object has a verdict and some words.
async fn until(reader: &mut RedisReader, object: &str, verdict: Verdict, words: &str) -> Observation {
    until_row(reader, object, |seen| seen.verdict == verdict && seen.detail.contains(words)).await
}

#[tokio::test]
async fn a_sentinel_says_whether_a_failover_could_be_agreed_on() {
    let (port, second) = (free_port(), free_port());
    let _primary = Server::start(&["--port", &port.to_string()]);
    let of = format!("127.0.0.1 {port}");
    let _replica = Server::start(&["--port", &second.to_string(), "--replicaof", &of]);
    let one = Sentinel::start(port, 2, "user watch on nopass ~* +ping +info\n");
    let mut reader = one.reader("one");
    let alone = until(&mut reader, "primary jobs", Verdict::Warn, "1 replica").await;
    let words = "no quorum: 1 usable Sentinels. Not enough available Sentinels to reach the specified quorum for this \
        master (NOQUORUM)";
    assert!(alone.detail.starts_with(words), "{}", alone.detail);
    assert_eq!(alone.facts["quorum_reached"], Fact::Bool(false));
    let two = Sentinel::start(port, 2, "");
    let agreed = until(&mut reader, "primary jobs", Verdict::Ok, "primary up").await;
    assert_eq!(
        (&agreed.facts["quorum"], &agreed.facts["role_reported"]),
        (&Fact::Int(2), &Fact::Text("master".into()))
    );
    assert_eq!(agreed.facts["quorum_reached"], Fact::Bool(true));
    // Who may only see INFO knows neither the quorum nor what the server says of itself.
    let mut blind = RedisReader::new(target(&one.url("watch@")));
    let blind = row(&blind.read().await.unwrap(), Some("primary jobs"));
    assert_eq!(blind.verdict, Verdict::Unknown);
    assert!(blind.detail.starts_with("SENTINEL MASTERS is denied to user watch (NOPERM)"), "{}", blind.detail);
    assert!(!blind.detail.contains("primary up"), "{}", blind.detail);
    drop(two);
    until(&mut reader, "primary jobs", Verdict::Warn, "no quorum: 1 usable Sentinels").await;
}

#[tokio::test]
async fn a_sentinel_whose_primary_is_a_replica_and_sentinels_that_disagree_say_so() {
    let (port, second) = (free_port(), free_port());
    let _primary = Server::start(&["--port", &port.to_string()]);
    let _replica = Server::start(&["--port", &second.to_string(), "--replicaof", &format!("127.0.0.1 {port}")]);
    let (one, two) = (Sentinel::start(port, 2, ""), Sentinel::start(port, 2, ""));
    let (mut first, mut other) = (one.reader("one"), two.reader("two"));
    until(&mut first, "primary jobs", Verdict::Ok, "2 sentinels").await;
    until(&mut other, "primary jobs", Verdict::Ok, "2 sentinels").await;
    two.send(&["SENTINEL", "REMOVE", "jobs"]).unwrap();
    two.send(&["SENTINEL", "MONITOR", "jobs", "127.0.0.1", &second.to_string(), "2"]).unwrap();
    let words = "the server there reports that it is a replica (role-reported:slave)";
    until(&mut other, "primary jobs", Verdict::Critical, words).await;
    let words = format!("sentinel two has 127.0.0.1:{second} as its primary");
    let seen = until(&mut first, "primary jobs", Verdict::Warn, &words).await;
    assert!(seen.detail.contains("primary up"), "{}", seen.detail);
}

/// A node of a cluster with its ports.
fn node() -> (Server, u16, u16) {
    let (port, bus) = (free_port(), free_port());
    let server = Server::start(&[
        "--port",
        &port.to_string(),
        "--cluster-enabled",
        "yes",
        "--cluster-port",
        &bus.to_string(),
        "--cluster-node-timeout",
        "2000",
        "--cluster-replica-no-failover",
        "yes",
    ]);
    (server, port, bus)
}

#[tokio::test]
async fn a_cluster_names_the_slots_and_the_nodes_that_fail() {
    let mut all: Vec<_> = (0..4).map(|_| node()).collect();
    let (_, port, bus) = &all[0];
    for (server, ..) in &all[1..] {
        server.send(&["CLUSTER", "MEET", "127.0.0.1", &port.to_string(), &bus.to_string()]).unwrap();
    }
    for (at, (first, last)) in [(0, ("0", "5460")), (1, ("5461", "10922")), (2, ("10923", "16383"))] {
        all[at].0.send(&["CLUSTER", "ADDSLOTSRANGE", first, last]).unwrap();
    }
    let mut reader = all[0].0.reader();
    until(&mut reader, "cluster", Verdict::Ok, "cluster ok · 4 nodes · 3 shards").await;
    let redis::Value::BulkString(id) = all[0].0.send(&["CLUSTER", "MYID"]).unwrap() else { panic!("no id") };
    let id = String::from_utf8(id).unwrap();
    let replica = &all[3].0;
    wait(|| replica.send(&["CLUSTER", "REPLICATE", &id]).is_ok());
    let uneven = until(&mut reader, "cluster", Verdict::Warn, " and 1 more have no replica").await;
    assert_eq!(uneven.facts["primaries_without_replica"], Fact::Int(2));
    let gone = all[2].1;
    all[2].0.stop();
    let words = format!("node 127.0.0.1:{gone} with slots 10923-16383 failed (fail)");
    let failed = until(&mut reader, "cluster", Verdict::Critical, &words).await;
    assert!(failed.detail.contains("cluster_state:fail, queries are refused (CLUSTERDOWN)"), "{}", failed.detail);
    assert_eq!(failed.facts["nodes_failed"], Fact::Int(1));
    // One who may see the counts and not the nodes has no names, and is not fine.
    all[0].0.send(&["ACL", "SETUSER", "watch", "on", "nopass", "~*", "+@all", "-cluster", "+cluster|info"]).unwrap();
    let mut blind = RedisReader::new(target(&format!("unix://{}?user=watch", all[0].0.socket().display())));
    let blind = row(&blind.read().await.unwrap(), Some("cluster"));
    assert_eq!(blind.verdict, Verdict::Critical);
    assert!(blind.detail.contains("5,461 of 16,384 slots are of a node that failed (fail)"), "{}", blind.detail);
    assert!(blind.detail.contains("CLUSTER NODES is denied to user watch (NOPERM)"), "{}", blind.detail);
}

#[tokio::test]
async fn a_server_in_another_mode_than_the_estate_says_is_critical() {
    let server = Server::start(&[]);
    let mut target = target(&server.url());
    target.entry.mode = Some(RedisMode::Cluster);
    let found = RedisReader::new(target.clone()).read().await.unwrap();
    let main = row(&found, None);
    assert_eq!(main.verdict, Verdict::Critical);
    assert!(main.detail.starts_with("mode is standalone, the estate says cluster · primary"), "{}", main.detail);
    let cluster = row(&found, Some("cluster"));
    assert_eq!(
        (cluster.verdict, cluster.detail.as_str()),
        (Verdict::Critical, "cluster support is disabled, the estate says cluster")
    );
    target.entry.mode = Some(RedisMode::Standalone);
    let found = RedisReader::new(target).read().await.unwrap();
    assert_eq!((row(&found, None).verdict, found.len()), (Verdict::Ok, 4));
}

#[test]
fn nodes_that_disagree_on_slots_name_them_and_only_what_is_younger_than_the_own_view_counts() {
    let list = |own: &str, slots: [&str; 2]| {
        let flags = |id: &str| if id == own { "myself,master" } else { "master" };
        let line = |id: &str, host: u8, slots: &str| {
            format!("{id} 10.0.0.{host}:6379@16379 {} - 0 0 1 connected {slots}\n", flags(id))
        };
        nodes(&format!("{}{}", line("disagree-a", 1, slots[0]), line("disagree-b", 2, slots[1]))).unwrap()
    };
    let same = ["0-8000", "8001-16383"];
    assert!(of_slots("one", &list("disagree-a", same)).is_empty());
    assert!(of_slots("two", &list("disagree-b", same)).is_empty());
    let moved = ["0-7990", "7991-16383"];
    let words = of_slots("two", &list("disagree-b", moved));
    assert!(words.is_empty(), "the other was read before this one changed: {words:?}");
    let expected = ["slots 7991-8000: 10.0.0.1:6379 here, 10.0.0.2:6379 by two"];
    assert_eq!(of_slots("one", &list("disagree-a", same)), expected);
    assert!(of_slots("one", &list("disagree-a", moved)).is_empty(), "they agree again");
}
