use crate::domain::{Fact, Finding, Observation, Row, TargetKind, Verdict, Wall};
use crate::probes::clock;
use crate::probes::kube::KubeReader;
use crate::probes::kube::double::{Double, Fail};
use crate::probes::kube::pace::Pace;
use futures_util::FutureExt;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/shop/deployments";
const STATEFUL: &str = "/apis/apps/v1/namespaces/shop/statefulsets";
const DAEMONS: &str = "/apis/apps/v1/namespaces/shop/daemonsets";
const PODS: &str = "/api/v1/namespaces/shop/pods";
const NODES: &str = "/api/v1/nodes";

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Short pauses, and limits that a busy machine does not reach.
fn quick() -> Pace {
    Pace {
        answer: Duration::from_secs(10),
        page: Duration::from_secs(10),
        watch: Duration::from_secs(1),
        silence: Duration::from_secs(10),
        pulse: millis(20),
        first: Duration::from_secs(10),
        retry: millis(10),
        longest: millis(40),
    }
}

struct Tried {
    double: Double,
    reader: KubeReader,
    directory: tempfile::TempDir,
}

impl Tried {
    /// A cluster with one healthy deployment and one healthy node.
    async fn new() -> Self {
        let double = Double::new().await;
        double.put(NODES, node("a1", &[("Ready", "True")]));
        double.put(DEPLOYMENTS, deployment("web", 3, 3));
        for (pod, restarts) in [("x", 0), ("y", 2)] {
            double.put(PODS, pod_of("web", pod, restarts));
        }
        Self::of(double, "token: t0p")
    }

    fn of(double: Double, user: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let target = Double::target(double.kubeconfig(directory.path(), user), &[]);
        Self { double, reader: KubeReader { target, pace: quick(), link: None }, directory }
    }

    /// Reads until it is so, each time that something changes.
    async fn until(&mut self, so: impl Fn(&[Finding]) -> bool) -> Vec<Finding> {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        loop {
            let mut next = self.reader.link.as_ref().map(|link| link.changes());
            let found = self.reader.read().await.unwrap();
            if so(&found) {
                return found;
            }
            let changed = async {
                match &mut next {
                    Some(all) => {
                        let all = all.iter_mut().map(|change| change.as_mut());
                        futures_util::future::select_all(all).map(|_| ()).await;
                    }
                    None => tokio::task::yield_now().await,
                }
            };
            assert!(tokio::time::timeout_at(deadline, changed).await.is_ok(), "never so: {found:#?}");
        }
    }
}

fn deployment(name: &str, desired: i64, ready: i64) -> Value {
    json!({
        "metadata": {"name": name, "namespace": "shop", "uid": format!("uid-{name}"), "generation": 4},
        "spec": {"replicas": desired, "selector": {"matchLabels": {"app": name}}, "template": template(name)},
        "status": {"observedGeneration": 4, "replicas": desired, "readyReplicas": ready, "updatedReplicas": desired,
            "availableReplicas": ready, "conditions": [
                {"type": "Available", "status": if ready == desired { "True" } else { "False" }},
                {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}]},
    })
}

fn template(name: &str) -> Value {
    let image = format!("registry.example:5000/shop/{name}:1.4@sha256:{}", "ab12".repeat(16));
    json!({"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "main", "image": image}]}})
}

fn pod_of(owner: &str, pod: &str, restarts: i64) -> Value {
    json!({
        "metadata": {"name": format!("{owner}-5f6c-{pod}"), "namespace": "shop", "uid": pod,
            "labels": {"pod-template-hash": "5f6c"}, "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet",
                "name": format!("{owner}-5f6c"), "uid": "r", "controller": true}]},
        "spec": {"containers": []},
        "status": {"phase": "Running", "containerStatuses": [{"name": "main", "image": "", "imageID": "", "ready": true,
            "restartCount": restarts, "state": {"running": {}}}]},
    })
}

/// A node that has no pressure but what is given.
fn node(name: &str, given: &[(&str, &str)]) -> Value {
    let mut conditions = vec![];
    for kind in ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"] {
        let status = given.iter().find(|(of, _)| *of == kind).map_or("False", |(_, status)| status);
        conditions.push(json!({"type": kind, "status": status}));
    }
    let info = json!({"kubeletVersion": "v1.33.1", "architecture": "", "bootID": "", "containerRuntimeVersion": "",
        "kernelVersion": "", "kubeProxyVersion": "", "machineID": "", "operatingSystem": "", "osImage": "", "systemUUID": ""});
    json!({"metadata": {"name": name, "uid": name}, "spec": {}, "status": {"conditions": conditions, "nodeInfo": info}})
}

fn of<'a>(found: &'a [Finding], object: &str) -> &'a Finding {
    let own = |finding: &&Finding| finding.object.as_deref().unwrap_or("") == object;
    found.iter().find(own).unwrap_or_else(|| panic!("no {object:?} in {found:#?}"))
}

fn seen<'a>(found: &'a [Finding], object: &str) -> &'a Observation {
    of(found, object).seen.as_ref().unwrap_or_else(|why| panic!("{object:?}: {why}"))
}

fn lost<'a>(found: &'a [Finding], object: &str) -> &'a str {
    of(found, object).seen.as_ref().expect_err(object).why()
}

fn has(found: &[Finding], object: &str) -> bool {
    found.iter().any(|finding| finding.object.as_deref() == Some(object))
}

fn is_lost(found: &[Finding], object: &str) -> bool {
    found.iter().any(|finding| finding.object.as_deref().unwrap_or("") == object && finding.seen.is_err())
}

fn int(seen: &Observation, key: &str) -> i64 {
    match seen.facts.get(key) {
        Some(Fact::Int(figure)) => *figure,
        other => panic!("{key}: {other:?}"),
    }
}

fn text<'a>(seen: &'a Observation, key: &str) -> &'a str {
    match seen.facts.get(key) {
        Some(Fact::Text(text)) => text,
        other => panic!("{key}: {other:?}"),
    }
}

#[tokio::test]
async fn a_healthy_cluster_is_seen_whole_at_the_first_reading() {
    let mut it = Tried::new().await;
    let found = it.reader.read().await.unwrap();
    let target = seen(&found, "");
    assert_eq!((target.verdict, text(target, "version"), text(target, "context")), (Verdict::Ok, "v1.33.2", "test"));
    assert!(target.detail.starts_with("v1.33.2 · context test · "), "{}", target.detail);
    assert_eq!((int(target, "deployments"), int(target, "nodes"), int(target, "pods")), (1, 1, 2));
    let web = seen(&found, "deployment shop/web");
    assert_eq!((web.verdict, web.detail.as_str()), (Verdict::Ok, "3 of 3 ready · 2 restarts · web:1.4@ab12ab12ab12"));
    for (key, expected) in [("desired", 3), ("ready", 3), ("updated", 3), ("available", 3), ("restarts", 2)] {
        assert_eq!(int(web, key), expected, "{key}");
    }
    assert!(text(web, "image").starts_with("registry.example:5000/shop/web:1.4@sha256:ab12"));
    assert_eq!((text(web, "namespace"), text(web, "context"), text(web, "uid")), ("shop", "test", "uid-web"));
    let a1 = seen(&found, "node a1");
    assert_eq!((a1.verdict, a1.detail.as_str()), (Verdict::Ok, "ready · v1.33.1"));
    assert_eq!((&a1.facts["ready"], &a1.facts["disk_pressure"]), (&Fact::Bool(true), &Fact::Bool(false)));
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(of(&found, "node a1").source.as_ref().unwrap().starts_with("https://127.0.0.1:"));
    assert!(it.double.asked().iter().all(|asked| !asked.starts_with("list") || asked.contains("limit=")));
}

#[tokio::test]
async fn a_change_arrives_by_the_watch() {
    let mut it = Tried::new().await;
    it.double.watches_last(Duration::from_secs(60));
    it.reader.read().await.unwrap();
    it.double.asked_once("watch").await;
    let mut rolling = deployment("web", 3, 2);
    rolling["status"]["updatedReplicas"] = json!(1);
    it.double.put(DEPLOYMENTS, rolling);
    let found = it.until(|found| seen(found, "deployment shop/web").verdict == Verdict::Warn).await;
    let detail = &seen(&found, "deployment shop/web").detail;
    assert_eq!(detail, "rolling out: 1 of 3 updated · 2 of 3 ready · 2 restarts · web:1.4@ab12ab12ab12");
    let mut stuck = deployment("web", 3, 0);
    stuck["status"]["conditions"][1] =
        json!({"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"});
    it.double.put(DEPLOYMENTS, stuck);
    let found = it.until(|found| seen(found, "deployment shop/web").verdict == Verdict::Critical).await;
    assert!(seen(&found, "deployment shop/web").detail.starts_with("rollout stuck · 0 of 3 ready"));
    // One of the same name that is another.
    let mut new = deployment("web", 1, 1);
    new["metadata"]["uid"] = json!("second");
    it.double.delete(DEPLOYMENTS, "web");
    it.until(|found| !has(found, "deployment shop/web")).await;
    it.double.put(DEPLOYMENTS, new);
    it.until(|found| has(found, "deployment shop/web") && text(seen(found, "deployment shop/web"), "uid") == "second")
        .await;
    // Word of the first one's end that comes late does not end the second.
    let old = deployment("web", 3, 0).to_string().replacen("\"uid\"", "\"resourceVersion\":\"VERSION\",\"uid\"", 1);
    it.double.line(DEPLOYMENTS, &format!("{{\"type\":\"DELETED\",\"object\":{old}}}"));
    it.double.put(DEPLOYMENTS, deployment("other", 1, 1));
    let found = it.until(|found| has(found, "deployment shop/other")).await;
    assert!(has(&found, "deployment shop/web"));
    assert_eq!(it.double.count("list /apis/apps/v1/namespaces/shop/deployments"), 1);
}

#[tokio::test]
async fn workloads_are_judged_by_what_they_lack() {
    let mut it = Tried::new().await;
    let with = |name: &str, at: &str, value: Value| {
        let mut made = deployment(name, 2, 2);
        *made.pointer_mut(at).unwrap() = value;
        made
    };
    let unknown = json!([{"type": "Available", "status": "Unknown"}]);
    let failing = json!([{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate"}]);
    let cases = [
        (deployment("none", 2, 0), Verdict::Critical, "0 of 2 ready"),
        (deployment("off", 0, 0), Verdict::Ok, "scaled to 0"),
        (with("unseen", "/status", json!({})), Verdict::Unknown, "not looked at by the cluster yet"),
        (
            with("behind", "/metadata/generation", json!(5)),
            Verdict::Warn,
            "rolling out: the change is not observed yet · 2 of 2 ready",
        ),
        (with("doubt", "/status/conditions", unknown), Verdict::Unknown, "2 of 2 ready · Available is unknown"),
        (with("quota", "/status/conditions", failing), Verdict::Warn, "2 of 2 ready · FailedCreate"),
        (with("slow", "/status/availableReplicas", json!(1)), Verdict::Warn, "2 of 2 ready · 1 available"),
    ];
    for (made, ..) in &cases {
        it.double.put(DEPLOYMENTS, made.clone());
    }
    let status = json!({"replicas": 2, "readyReplicas": 1, "updatedReplicas": 2, "availableReplicas": 1, "observedGeneration": 1});
    let spec = json!({"replicas": 2, "selector": {}, "serviceName": "", "template": template("db")});
    it.double.put(STATEFUL, json!({"metadata": {"name": "db", "generation": 1}, "spec": spec, "status": status}));
    let status = json!({"desiredNumberScheduled": 2, "currentNumberScheduled": 2, "numberMisscheduled": 0, "numberReady": 2,
        "updatedNumberScheduled": 2, "numberAvailable": 2, "observedGeneration": 1});
    let spec = json!({"selector": {}, "template": template("log")});
    it.double.put(DAEMONS, json!({"metadata": {"name": "log", "generation": 1}, "spec": spec, "status": status}));
    let mut waiting = pod_of("none", "p", 7);
    waiting["status"]["containerStatuses"][0]["state"] = json!({"waiting": {"reason": "CrashLoopBackOff"}});
    it.double.put(PODS, waiting);
    let found = it.reader.read().await.unwrap();
    for (made, verdict, detail) in &cases {
        let name = format!("deployment shop/{}", made["metadata"]["name"].as_str().unwrap());
        let row = seen(&found, &name);
        assert_eq!(row.verdict, *verdict, "{name}");
        assert!(row.detail.starts_with(detail), "{name}: {}", row.detail);
    }
    assert!(!seen(&found, "deployment shop/unseen").facts.contains_key("ready"), "unknown is not zero");
    let none = seen(&found, "deployment shop/none");
    assert!(
        none.detail.starts_with("0 of 2 ready · 0 available · CrashLoopBackOff · 7 restarts")
            || none.detail.starts_with("0 of 2 ready · CrashLoopBackOff · 7 restarts"),
        "{}",
        none.detail
    );
    assert_eq!(text(none, "waiting"), "CrashLoopBackOff");
    let db = seen(&found, "statefulset shop/db");
    assert_eq!((db.verdict, db.detail.as_str()), (Verdict::Warn, "1 of 2 ready · db:1.4@ab12ab12ab12"));
    let log = seen(&found, "daemonset shop/log");
    assert_eq!((log.verdict, int(log, "desired"), int(log, "restarts")), (Verdict::Ok, 2, 0));
}

#[tokio::test]
async fn nodes_are_judged_by_their_conditions() {
    let mut it = Tried::new().await;
    let ready = ("Ready", "True");
    it.double.put(NODES, node("pressed", &[ready, ("MemoryPressure", "True"), ("PIDPressure", "True")]));
    it.double.put(NODES, node("down", &[("Ready", "False")]));
    let silent = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"].map(|kind| (kind, "Unknown"));
    it.double.put(NODES, node("silent", &silent));
    let mut cordoned = node("cordoned", &[ready]);
    cordoned["spec"]["unschedulable"] = json!(true);
    it.double.put(NODES, cordoned);
    let mut bare = node("bare", &[ready]);
    bare["status"] = json!({});
    it.double.put(NODES, bare);
    it.double.put(NODES, node("half", &[ready, ("DiskPressure", "Unknown")]));
    let found = it.reader.read().await.unwrap();
    let cases = [
        ("pressed", Verdict::Warn, "ready · memory pressure · PID pressure · v1.33.1"),
        ("down", Verdict::Critical, "not ready · v1.33.1"),
        ("silent", Verdict::Unknown, "its kubelet no longer reports · v1.33.1"),
        ("cordoned", Verdict::Warn, "ready · unschedulable · v1.33.1"),
        ("bare", Verdict::Unknown, "its kubelet has not reported"),
        ("half", Verdict::Unknown, "ready · disk pressure unknown · v1.33.1"),
    ];
    for (name, verdict, detail) in cases {
        let row = seen(&found, &format!("node {name}"));
        assert_eq!((row.verdict, row.detail.as_str()), (verdict, detail), "{name}");
    }
    assert!(!seen(&found, "node silent").facts.contains_key("memory_pressure"), "unknown is not false");
}

#[tokio::test]
async fn what_is_forbidden_is_named_and_the_rest_goes_on() {
    let mut it = Tried::new().await;
    it.reader.target.entry.namespaces = vec!["shop".into(), "vault".into(), "void".into()];
    it.double.fail(NODES, Fail::Refuse(403, vec![]));
    it.double.fail("/namespaces/vault/", Fail::Refuse(403, vec![]));
    it.double.fail(PODS, Fail::Refuse(403, vec![]));
    let found = it.reader.read().await.unwrap();
    assert_eq!(seen(&found, "").verdict, Verdict::Ok);
    assert_eq!(lost(&found, "nodes"), "forbidden (403)");
    assert_eq!(lost(&found, "deployments vault"), "forbidden (403)");
    assert_eq!(lost(&found, "pods shop"), "forbidden (403)");
    let web = seen(&found, "deployment shop/web");
    assert!(web.detail.contains("restarts unknown") && !web.facts.contains_key("restarts"), "{web:?}");
    assert!(!seen(&found, "").facts.contains_key("deployments"), "a sum of some is none");
    // A namespace of the estate in which nothing is, perhaps misspelt, is not fine.
    assert_eq!(seen(&found, "namespace void").verdict, Verdict::Unknown);
    assert!(!has(&found, "namespace shop") && !has(&found, "namespace vault"));
}

/// The row that a pane has of a finding, read every 10 s.
fn row(finding: &Finding) -> Row {
    let mut row = Row::unread(TargetKind::Kubernetes, "main".into(), String::new(), Duration::from_secs(10));
    row.saw(finding.seen.clone().unwrap());
    row
}

#[tokio::test]
async fn a_silent_watch_makes_rows_stale_until_it_speaks_again() {
    let mut it = Tried::new().await;
    it.reader.pace = Pace { silence: millis(300), answer: millis(300), ..quick() };
    it.double.watches_last(Duration::from_secs(60));
    it.reader.read().await.unwrap();
    it.double.more("watch", 1).await;
    it.double.fail("/", Fail::Hang);
    let before = it.reader.read().await.unwrap();
    let at = seen(&before, "deployment shop/web").observed_at;
    // It gives the watch up and asks anew, for a list or a watch, in vain and more than once.
    it.double.more("/apis/apps/v1/namespaces/shop/deployments", 2).await;
    let found = it.until(|found| is_lost(found, "deployment shop/web") && is_lost(found, "")).await;
    assert_eq!(lost(&found, "deployment shop/web"), "no answer within 300 ms");
    // What was last seen does not become younger by asking in vain.
    let sign = |it: &Tried| it.reader.link.as_ref().unwrap().last_sign();
    let known = sign(&it);
    it.double.more("/apis/apps/v1/namespaces/shop/deployments", 2).await;
    assert_eq!(sign(&it), known);
    let pane = row(of(&before, "deployment shop/web"));
    assert!(!pane.is_stale(at.plus(Duration::from_secs(30))) && pane.is_stale(at.plus(Duration::from_millis(30_001))));
    it.double.heal();
    let after: Wall = clock::now().wall;
    let back =
        |found: &[Finding]| of(found, "deployment shop/web").seen.as_ref().is_ok_and(|seen| seen.observed_at >= after);
    it.until(|found| back(found) && of(found, "").seen.is_ok()).await;
}

#[tokio::test]
async fn a_watch_that_alone_is_silent_is_replaced_by_a_list() {
    let mut it = Tried::new().await;
    it.reader.pace = Pace { silence: millis(200), ..quick() };
    it.double.watches_last(Duration::from_secs(60));
    // Each watch opens well, and then neither speaks nor ends.
    it.reader.read().await.unwrap();
    it.double.more("watch /apis/apps/v1/namespaces/shop/deployments", 2).await;
    assert!(it.double.count("list /apis/apps/v1/namespaces/shop/deployments") >= 2);
    it.until(|found| of(found, "deployment shop/web").seen.is_ok()).await;
}

#[tokio::test]
async fn no_row_is_younger_than_the_last_read_that_the_store_has_answered() {
    let mut it = Tried::new().await;
    it.reader.pace = Pace { answer: millis(300), ..quick() };
    it.double.watches_last(Duration::from_secs(60));
    it.reader.read().await.unwrap();
    for path in [DEPLOYMENTS, PODS, NODES] {
        it.double.asked_once(&format!("watch {path}")).await;
    }
    // Another server of the same store goes on; this one still sends what its watches bring, and its version.
    it.double.cut_off();
    let found = it.until(|found| is_lost(found, "")).await;
    assert_eq!(lost(&found, ""), "a consistent read failed: no answer within 300 ms");
    let cut: Wall = clock::now().wall;
    it.double.put(DEPLOYMENTS, deployment("late", 1, 1));
    it.double.put(PODS, pod_of("late", "z", 5));
    it.double.put(NODES, node("b2", &[("Ready", "True")]));
    // Each watch has given a sign since: a row is as old as the oldest of what it is made of.
    let restarted = |found: &[Finding]| int(seen(found, "deployment shop/late"), "restarts") == 5;
    let found = it.until(|found| has(found, "node b2") && has(found, "deployment shop/late") && restarted(found)).await;
    let versions = it.double.count("/version");
    it.double.more("/version", 3).await;
    assert!(it.double.count("/version") > versions && it.reader.link.as_ref().unwrap().last_sign() >= cut);
    for object in ["deployment shop/late", "deployment shop/web", "node a1"] {
        let seen = seen(&found, object);
        assert!(seen.observed_at < cut, "{object}");
        let pane = row(of(&found, object));
        assert!(pane.is_stale(cut.plus(Duration::from_secs(30))), "{object}");
    }
    it.double.heal();
    it.until(|found| !is_lost(found, "") && seen(found, "deployment shop/late").observed_at > cut).await;
}

#[tokio::test]
async fn an_account_that_may_not_read_its_namespace_reads_a_list() {
    let mut it = Tried::new().await;
    it.double.fail("get /api/v1/namespaces/shop", Fail::Refuse(403, vec![]));
    it.double.fail("list /api/v1/namespaces/shop/pods", Fail::Refuse(403, vec![]));
    let found = it.reader.read().await.unwrap();
    assert_eq!(seen(&found, "").verdict, Verdict::Ok);
    it.double.more("list /apis/apps/v1/namespaces/shop/deployments?&limit=1", 2).await;
    let at = seen(&it.reader.read().await.unwrap(), "deployment shop/web").observed_at;
    it.until(|found| seen(found, "deployment shop/web").observed_at > at).await;
}

#[tokio::test]
async fn a_namespace_that_is_missing_is_told_from_an_empty_one() {
    let mut it = Tried::new().await;
    it.reader.target.entry.namespaces = vec!["shop".into(), "shpo".into(), "void".into()];
    it.double.without_namespace("shpo");
    let found = it.reader.read().await.unwrap();
    for (name, words) in
        [("shpo", "namespace shpo does not exist"), ("void", "no deployment, stateful set or daemon set in it")]
    {
        let namespace = seen(&found, &format!("namespace {name}"));
        assert_eq!((namespace.verdict, namespace.detail.as_str()), (Verdict::Unknown, words));
    }
    assert!(!has(&found, "namespace shop"));
    // The context's own.
    let mut it = Tried::new().await;
    let config = it.directory.path().join("config");
    let text = std::fs::read_to_string(&config).unwrap().replace("namespace: shop", "namespace: shpo");
    std::fs::write(config, text).unwrap();
    it.double.without_namespace("shpo");
    let found = it.reader.read().await.unwrap();
    assert_eq!(seen(&found, "namespace shpo").detail, "namespace shpo does not exist");
    assert!(!seen(&found, "").detail.contains("nothing in"), "{}", seen(&found, "").detail);
}

#[tokio::test]
async fn a_workload_that_is_deleted_is_named_until_it_is_back() {
    let mut it = Tried::new().await;
    it.double.put(DEPLOYMENTS, deployment("other", 1, 1));
    it.reader.read().await.unwrap();
    it.double.delete(DEPLOYMENTS, "web");
    let found = it.until(|found| !has(found, "deployment shop/web")).await;
    let shop = seen(&found, "namespace shop");
    assert!(shop.detail.starts_with("deleted while it was watched · gone: deployment web since 20"), "{}", shop.detail);
    assert_eq!(shop.verdict, Verdict::Warn);
    assert!(text(shop, "gone").starts_with("deployment web since "));
    it.double.put(DEPLOYMENTS, deployment("web", 1, 1));
    it.until(|found| has(found, "deployment shop/web") && !has(found, "namespace shop")).await;
    // One that goes while no watch is open.
    it.double.fail("watch /apis/apps", Fail::Hang);
    it.double.delete(DEPLOYMENTS, "other");
    it.double.compact();
    it.double.heal();
    let found = it.until(|found| has(found, "namespace shop")).await;
    assert!(text(seen(&found, "namespace shop"), "gone").starts_with("deployment other since "));
    // Nodes and pods come and go.
    it.double.delete(NODES, "a1");
    it.until(|found| !has(found, "node a1")).await;
}

#[tokio::test]
async fn a_workload_that_the_estate_names_is_critical_where_it_is_missing() {
    let mut it = Tried::new().await;
    let wanted = ["deployment/web", "deployment/api", "statefulset/shop/db"];
    it.reader.target.entry.workloads = wanted.map(|name| crate::config::estate::Workload::parse(name).unwrap()).into();
    it.double.fail(STATEFUL, Fail::Refuse(403, vec![]));
    let found = it.reader.read().await.unwrap();
    let api = seen(&found, "deployment shop/api");
    assert_eq!((api.verdict, api.detail.as_str()), (Verdict::Critical, "does not exist"));
    assert_eq!(lost(&found, "statefulset shop/db"), "forbidden (403)", "what may not be read is not missing");
    assert_eq!(seen(&found, "deployment shop/web").verdict, Verdict::Ok);
    it.double.put(DEPLOYMENTS, deployment("api", 1, 1));
    it.until(|found| seen(found, "deployment shop/api").verdict == Verdict::Ok).await;
    it.double.delete(DEPLOYMENTS, "api");
    let found = it.until(|found| seen(found, "deployment shop/api").verdict == Verdict::Critical).await;
    assert!(seen(&found, "deployment shop/api").detail.starts_with("gone since 20"));
    assert!(!has(&found, "namespace shop"), "it is said once");
}

#[tokio::test]
async fn what_was_known_outlives_a_kubeconfig_that_leads_nowhere() {
    let mut it = Tried::new().await;
    it.double.want_token("t0p");
    it.double.put(DEPLOYMENTS, deployment("broken", 2, 0));
    it.reader.read().await.unwrap();
    // Another token, which is refused.
    it.double.kubeconfig(it.directory.path(), "token: wrong");
    let found = it.reader.read().await.unwrap();
    for object in ["", "deployment shop/web", "deployment shop/broken", "node a1"] {
        assert_eq!(lost(&found, object), "the credentials are refused (401)", "{object}");
    }
    // Another address, which does not answer.
    let config = it.directory.path().join("config");
    let text = std::fs::read_to_string(&config).unwrap();
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    std::fs::write(&config, text.replace(&format!(":{}", it.double.port), &format!(":{port}"))).unwrap();
    it.reader.pace = Pace { first: millis(100), ..quick() };
    let found = it.reader.read().await.unwrap();
    assert!(is_lost(&found, "deployment shop/broken") && is_lost(&found, "node a1"), "{found:#?}");
    // The first one again, and a workload that was deleted meanwhile.
    it.reader.pace = quick();
    it.double.delete(DEPLOYMENTS, "broken");
    it.double.kubeconfig(it.directory.path(), "token: t0p");
    let found = it.until(|found| !is_lost(found, "deployment shop/web") && !is_lost(found, "")).await;
    assert!(text_of(&found, "namespace shop").contains("gone: deployment broken since "), "{found:#?}");
}

fn text_of<'a>(found: &'a [Finding], object: &str) -> &'a str {
    &seen(found, object).detail
}

/// A ready pod that runs an image of a digest.
fn running(owner: &str, pod: &str, image: &str, digest: &str) -> Value {
    let mut made = pod_of(owner, pod, 0);
    made["spec"]["containers"] = json!([{"name": "main", "image": image}, {"name": "mesh-proxy", "image": "mesh:1"}]);
    made["status"]["conditions"] = json!([{"type": "Ready", "status": "True"}]);
    made["status"]["containerStatuses"][0]["image"] = json!(format!("docker.io/{image}"));
    made["status"]["containerStatuses"][0]["imageID"] = json!(format!("r.example/web@sha256:{digest}"));
    made
}

#[tokio::test]
async fn what_runs_is_told_beside_what_the_template_wants() {
    let mut it = Tried::new().await;
    let mut rolling = deployment("web", 2, 2);
    rolling["spec"]["template"]["spec"]["containers"][0]["image"] = json!("r.example/web:bad");
    rolling["status"]["replicas"] = json!(3);
    rolling["status"]["updatedReplicas"] = json!(1);
    it.double.put(DEPLOYMENTS, rolling.clone());
    for pod in ["x", "y"] {
        it.double.put(PODS, running("web", pod, "r.example/web:1.4", "aa"));
    }
    let mut new = running("web", "z", "r.example/web:bad", "bb");
    new["status"]["conditions"] = json!([{"type": "Ready", "status": "False"}]);
    new["status"]["containerStatuses"][0]["state"] = json!({"waiting": {"reason": "ImagePullBackOff"}});
    it.double.put(PODS, new);
    let found = it.reader.read().await.unwrap();
    let web = seen(&found, "deployment shop/web");
    let words = "rolling out: 1 of 2 updated · 2 of 2 ready · ImagePullBackOff · runs web:1.4 · template web:bad";
    assert_eq!((web.verdict, web.detail.as_str()), (Verdict::Warn, words));
    let facts = ["image", "image_running", "digest_running"].map(|key| text(web, key));
    assert_eq!(facts, ["r.example/web:bad", "r.example/web:1.4", "sha256:aa"]);
    // All of it runs, by a tag that was moved meanwhile.
    it.double.put(DEPLOYMENTS, deployment("web", 2, 2));
    let image = rolling_image(&deployment("web", 2, 2));
    it.double.put(PODS, running("web", "x", &image, "aa"));
    it.double.put(PODS, running("web", "y", &image, "bb"));
    it.double.delete(PODS, "web-5f6c-z");
    let found = it.until(|found| seen(found, "deployment shop/web").verdict == Verdict::Ok).await;
    let web = seen(&found, "deployment shop/web");
    assert_eq!(text(web, "image_running"), text(web, "image"));
    assert_eq!(text(web, "digest_running"), "sha256:aa; sha256:bb");
    assert!(web.detail.ends_with("web:1.4@ab12ab12ab12 · 2 digests of it run"), "{}", web.detail);
}

fn rolling_image(deployment: &Value) -> String {
    deployment["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_pod_that_cannot_begin_says_why() {
    let mut it = Tried::new().await;
    let mut first = pod_of("web", "i", 0);
    first["status"]["initContainerStatuses"] = json!([{"name": "migrate", "image": "", "imageID": "", "ready": false,
        "restartCount": 7, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]);
    it.double.put(PODS, first);
    let mut nowhere = pod_of("web", "n", 0);
    nowhere["status"] = json!({"phase": "Pending", "conditions": [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]});
    it.double.put(PODS, nowhere);
    let found = it.reader.read().await.unwrap();
    let web = seen(&found, "deployment shop/web");
    assert_eq!(
        (web.verdict, text(web, "waiting"), int(web, "restarts")),
        (Verdict::Warn, "CrashLoopBackOff, Unschedulable", 9)
    );
}

#[tokio::test]
async fn a_quiet_cluster_does_not_age() {
    let mut it = Tried::new().await;
    let first = it.reader.read().await.unwrap();
    let at = seen(&first, "deployment shop/web").observed_at;
    let younger = |found: &[Finding], than: Wall| seen(found, "deployment shop/web").observed_at > than;
    let found = it.until(|found| younger(found, at)).await;
    let at = seen(&found, "deployment shop/web").observed_at;
    it.until(|found| younger(found, at) && seen(found, "node a1").observed_at > at).await;
    assert_eq!(it.double.count("list /apis/apps/v1/namespaces/shop/deployments"), 1, "it is not listed again");
}

#[tokio::test]
async fn bookmarks_are_signs_of_life_and_move_the_version() {
    let mut it = Tried::new().await;
    it.double.watches_last(Duration::from_secs(60));
    let first = it.reader.read().await.unwrap();
    let at = seen(&first, "node a1").observed_at;
    let mark =
        r#"{"type":"BOOKMARK","object":{"kind":"Node","apiVersion":"v1","metadata":{"resourceVersion":"VERSION"}}}"#;
    it.double.line(NODES, mark);
    it.until(|found| seen(found, "node a1").observed_at > at).await;
    // The next watch goes on from the bookmark, and not from the list.
    it.double.fail("watch /api/v1/nodes", Fail::Cut);
    it.double.more("watch /api/v1/nodes", 1).await;
    it.double.heal();
    it.double.more("watch /api/v1/nodes", 1).await;
    let last = it.double.asked().into_iter().rfind(|asked| asked.starts_with("watch /api/v1/nodes")).unwrap();
    let version: u64 = last.rsplit('=').next().unwrap().parse().unwrap();
    assert!(version >= 105, "{last}");
    assert_eq!(it.double.count("list /api/v1/nodes"), 1);
}

#[tokio::test]
async fn an_expired_version_is_listed_anew_without_one() {
    let mut it = Tried::new().await;
    it.double.watches_last(Duration::from_secs(60));
    it.reader.read().await.unwrap();
    it.double.asked_once("watch /apis/apps/v1/namespaces/shop/deployments").await;
    it.double.put(DEPLOYMENTS, deployment("late", 1, 1));
    it.double.compact();
    it.until(|found| has(found, "deployment shop/late")).await;
    // Again, between two watches.
    it.double.watches_last(millis(1));
    it.double.compact();
    it.double.compact();
    it.double.more("list /apis/apps/v1/namespaces/shop/deployments", 1).await;
    let asked = it.double.asked();
    let lists: Vec<_> = asked.iter().filter(|asked| asked.starts_with("list")).collect();
    assert!(lists.iter().all(|asked| !asked.contains("resourceVersion")), "{lists:?}");
    it.until(|found| of(found, "deployment shop/web").seen.is_ok()).await;
}

#[tokio::test]
async fn a_server_that_asks_for_an_hour_gets_half_a_minute() {
    let mut it = Tried::new().await;
    let wait = vec![("retry-after", "3600".to_owned())];
    it.double.fail("list /apis/apps/v1/namespaces/shop/deployments", Fail::Refuse(429, wait));
    let found = it.reader.read().await.unwrap();
    let why = "too many requests (429), asked again after 40 ms instead of 1 h";
    assert_eq!(lost(&found, "deployments shop"), why);
    it.double.more("list /apis/apps/v1/namespaces/shop/deployments", 2).await;
    it.double.heal();
    it.until(|found| has(found, "deployment shop/web")).await;
    let pace = Pace::default();
    let hour = Some(Duration::from_secs(3600));
    assert_eq!(
        (pace.pause(1, hour), pace.pause(1, None), pace.pause(4, None)),
        (pace.longest, pace.retry, pace.retry * 8)
    );
    assert_eq!(pace.pause(u32::MAX, None), Duration::from_secs(30));
}

#[tokio::test]
async fn a_burst_of_errors_is_said_and_passes() {
    let mut it = Tried::new().await;
    it.reader.read().await.unwrap();
    it.double.fail("/", Fail::Refuse(500, vec![]));
    let found = it.until(|found| ["", "deployment shop/web", "node a1"].iter().all(|name| is_lost(found, name))).await;
    for object in ["", "deployment shop/web", "node a1"] {
        assert_eq!(lost(&found, object), "the API answers 500");
    }
    it.double.heal();
    it.until(|found| ["", "deployment shop/web", "node a1"].iter().all(|name| !is_lost(found, name))).await;
}

#[tokio::test]
async fn a_watch_that_breaks_off_goes_on_where_it_was() {
    let mut it = Tried::new().await;
    it.double.watches_last(Duration::from_secs(60));
    it.reader.read().await.unwrap();
    it.double.asked_once("watch /apis/apps/v1/namespaces/shop/deployments").await;
    it.double.fail("watch /apis/apps/v1/namespaces/shop/deployments", Fail::Cut);
    it.double.more("watch /apis/apps/v1/namespaces/shop/deployments", 3).await;
    let found = it.until(|found| is_lost(found, "deployment shop/web")).await;
    let why = lost(&found, "deployment shop/web");
    assert_eq!(why, "connection closed by the server");
    it.double.put(DEPLOYMENTS, deployment("meanwhile", 1, 1));
    it.double.heal();
    it.until(|found| has(found, "deployment shop/meanwhile") && !is_lost(found, "deployment shop/web")).await;
    assert_eq!(it.double.count("list /apis/apps/v1/namespaces/shop/deployments"), 1);
}

#[tokio::test]
async fn nonsense_is_named_and_never_taken() {
    let list = "list /apis/apps/v1/namespaces/shop/deployments";
    let json = "application/json";
    let cases = [
        (json, "]garbage".to_owned(), "the answer is not JSON"),
        (json, r#"{"kind":"Status","metadata":{},"code":0}"#.to_owned(), "the answer is not a list"),
        (json, r#"{"kind":"DeploymentList","metadata":{},"items":[]}"#.to_owned(), "a list without a version"),
        (json, r#"{"kind":"DeploymentList","items":"none"}"#.to_owned(), "the answer has another shape than the API's"),
        (
            json,
            r#"{"kind":"AList","metadata":{"resourceVersion":"1"},"items":[{"metadata":{}}]}"#.to_owned(),
            "an object without a name",
        ),
        ("text/html", "<html>login</html>".to_owned(), "the answer is not one of a Kubernetes API"),
    ];
    for (kind, body, why) in cases {
        let mut it = Tried::new().await;
        it.double.fail(list, Fail::Say(kind, body));
        let found = it.reader.read().await.unwrap();
        assert_eq!(lost(&found, "deployments shop"), why);
        assert_eq!(seen(&found, "node a1").verdict, Verdict::Ok);
        it.double.heal();
        it.until(|found| has(found, "deployment shop/web")).await;
    }
    let mut it = Tried::new().await;
    it.double.fail(list, Fail::Endless);
    let found = it.reader.read().await.unwrap();
    assert_eq!(lost(&found, "deployments shop"), "a list without an end");
    // In a watch: everything is listed anew.
    let mut it = Tried::new().await;
    it.double.watches_last(Duration::from_secs(60));
    it.reader.read().await.unwrap();
    it.double.asked_once("watch /api/v1/nodes").await;
    it.double.line(NODES, "{\"type\":\"ADDED\",\"object\":");
    it.double.more("list /api/v1/nodes", 1).await;
    it.until(|found| !is_lost(found, "node a1")).await;
}

#[tokio::test]
async fn long_lists_come_in_pages() {
    let mut it = Tried::new().await;
    for number in 0..600 {
        it.double.put(DEPLOYMENTS, deployment(&format!("d{number:03}"), 1, 1));
    }
    let found = it.reader.read().await.unwrap();
    assert_eq!(int(seen(&found, ""), "deployments"), 601);
    assert_eq!(it.double.count("list /apis/apps/v1/namespaces/shop/deployments"), 3);
}

#[tokio::test]
async fn a_server_that_hangs_costs_one_reading_no_more_than_its_limit() {
    let mut it = Tried::new().await;
    it.reader.pace = Pace { answer: millis(200), ..quick() };
    it.double.fail("/", Fail::Hang);
    let found = it.reader.read().await.unwrap();
    assert_eq!((found.len(), lost(&found, "")), (1, "no answer within 200 ms"), "one row says it for all");
    it.double.heal();
    it.until(|found| has(found, "deployment shop/web") && of(found, "").seen.is_ok()).await;
}

#[tokio::test]
async fn a_server_that_is_gone_is_named_and_comes_back_by_itself() {
    let mut it = Tried::new().await;
    it.reader.read().await.unwrap();
    let port = it.double.port;
    drop(std::mem::replace(&mut it.double, Double::new().await));
    let gone = |found: &[Finding]| is_lost(found, "") && is_lost(found, "deployment shop/web");
    let found = it.until(gone).await;
    assert!(found.iter().all(|finding| finding.seen.is_err()));
    it.until(|found| is_lost(found, "") && lost(found, "") == "connection refused").await;
    assert_ne!(port, it.double.port);
    // The kubeconfig leads to another server now.
    it.double.put(DEPLOYMENTS, deployment("web", 1, 1));
    it.double.put(NODES, node("b1", &[("Ready", "True")]));
    it.double.kubeconfig(it.directory.path(), "token: t0p");
    it.until(|found| has(found, "node b1") && !is_lost(found, "")).await;
}

#[tokio::test]
async fn the_log_names_the_server_that_is_reached_and_lost_and_no_token() {
    let (lines, _guard) = crate::probes::contact::captured::begin();
    let mut it = Tried::new().await;
    it.reader.read().await.unwrap();
    let place = format!("kind=\"kubernetes\" place=\"https://127.0.0.1:{}\"", it.double.port);
    assert_eq!(lines.with(""), [format!("INFO connection made {place}")]);
    drop(std::mem::replace(&mut it.double, Double::new().await));
    it.until(|found| is_lost(found, "") && lost(found, "") == "connection refused").await;
    let lost = lines.with("WARN connection lost");
    assert!(!lost.is_empty() && lost.iter().all(|line| line.contains(&place) && line.contains(" cause=")), "{lost:?}");
    assert!(!lines.with(&format!("{place} cause=\"connection refused\"")).is_empty(), "{:?}", lines.with(""));
    assert!(crate::config::secrets::held().contains(&b"t0p".to_vec()), "the token is masked in every line");
    assert!(lines.with("t0p").is_empty());
}

#[tokio::test]
async fn a_client_that_breaks_off_is_named_and_replaced() {
    let mut it = Tried::new().await;
    it.reader.read().await.unwrap();
    // A panic of the library in its own task: an address without a scheme, which no kubeconfig leads to any more.
    let target = it.reader.target.clone();
    let mut settings = crate::probes::kube::settings::resolve(&target, None).unwrap();
    settings.lead_to("127.0.0.1:1");
    let wire = crate::probes::kube::wire::Wire::new(&settings, quick()).unwrap();
    let why = wire.hello().await.unwrap_err().why;
    assert!(why.starts_with("the probe broke off, which is a defect of Midwatch") && wire.is_broken(), "{why}");
    it.reader.link = Some(crate::probes::kube::link::Link::new(settings, wire, quick(), None));
    assert_eq!(lost(&it.reader.link.as_ref().unwrap().findings(), ""), "no answer within 10 s");
    it.until(|found| !is_lost(found, "") && has(found, "deployment shop/web")).await;
    // One of its own tasks.
    it.reader.link.as_ref().unwrap().tasks()[2].abort();
    let broken = async {
        while !it.reader.link.as_ref().unwrap().is_broken() {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), broken).await.is_ok());
    let lists = it.double.count("list /apis/apps/v1/namespaces/shop/deployments");
    let found = it.reader.read().await.unwrap();
    assert!(has(&found, "deployment shop/web"));
    assert_eq!(it.double.count("list /apis/apps/v1/namespaces/shop/deployments"), lists + 1);
}

#[tokio::test]
async fn the_tasks_end_with_the_reader() {
    let mut it = Tried::new().await;
    it.reader.read().await.unwrap();
    let tasks = it.reader.link.as_ref().unwrap().tasks();
    assert_eq!(tasks.len(), 6);
    drop(it.reader);
    let ended = async {
        while !tasks.iter().all(tokio::task::AbortHandle::is_finished) {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), ended).await.is_ok());
}

async fn reason(target: crate::probes::target::Cluster) -> String {
    let mut reader = KubeReader { target, pace: quick(), link: None };
    match reader.read().await {
        Err(why) => why,
        Ok(found) => lost(&found, "").to_owned(),
    }
}

#[tokio::test]
async fn a_broken_chain_of_trust_is_named() {
    let it = Tried::new().await;
    let other = Double::new().await;
    std::fs::write(it.directory.path().join("ca.pem"), other.authority.pem()).unwrap();
    assert_eq!(reason(it.reader.target.clone()).await, "TLS: certificate not trusted: a signature is wrong");
    let named = Double::named("another authority", &["127.0.0.1"], None).await;
    std::fs::write(it.directory.path().join("ca.pem"), named.authority.pem()).unwrap();
    assert_eq!(reason(it.reader.target).await, "TLS: certificate not trusted");
    let misnamed = Tried::of(Double::with(&["api.example"], None).await, "");
    let why = reason(misnamed.reader.target.clone()).await;
    assert_eq!(why, "TLS: certificate is not for 127.0.0.1 (it names api.example)");
    // By the name that the kubeconfig gives it, it is the right one.
    let path = misnamed.directory.path().join("config");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(
        &path,
        text.replace("    certificate-authority", "    tls-server-name: api.example\n    certificate-authority"),
    )
    .unwrap();
    let mut reader = KubeReader { target: misnamed.reader.target, pace: quick(), link: None };
    assert_eq!(seen(&reader.read().await.unwrap(), "").verdict, Verdict::Ok);
    // Unverified, it is used as asked, and said.
    std::fs::write(&path, text.replace("    certificate-authority: ca.pem", "    insecure-skip-tls-verify: true"))
        .unwrap();
    let mut reader = KubeReader { link: None, ..reader };
    let found = reader.read().await.unwrap();
    let target = seen(&found, "");
    assert_eq!((target.verdict, &target.facts["verified"]), (Verdict::Warn, &Fact::Bool(false)));
    assert!(target.detail.contains("the server is not verified"), "{}", target.detail);
}

#[tokio::test]
async fn tokens_and_certificates_open_the_door() {
    let mut it = Tried::new().await;
    it.double.want_token("t0p");
    assert_eq!(seen(&it.reader.read().await.unwrap(), "").verdict, Verdict::Ok);
    it.double.want_token("other");
    let why = "the credentials are refused (401)";
    it.until(|found| is_lost(found, "") && lost(found, "") == why && is_lost(found, "node a1")).await;
    // A token file, with a line end, that changes: the context stays, the token does not.
    std::fs::write(it.directory.path().join("token"), "other\n").unwrap();
    it.double.kubeconfig(it.directory.path(), "tokenFile: token");
    it.until(|found| !is_lost(found, "") && has(found, "node a1") && !is_lost(found, "node a1")).await;
    it.double.want_token("third");
    it.until(|found| is_lost(found, "")).await;
    std::fs::write(it.directory.path().join("token"), "third").unwrap();
    it.until(|found| !is_lost(found, "")).await;

    let clients = crate::probes::kube::double::Authority::new("clients");
    let it =
        Tried::of(Double::with(&["127.0.0.1"], Some(&clients)).await, "client-certificate: me.pem, client-key: me.key");
    it.double.put(NODES, node("a1", &[("Ready", "True")]));
    let (certificate, key) = clients.sign(&["me"]);
    std::fs::write(it.directory.path().join("me.pem"), certificate.pem()).unwrap();
    assert!(reason(it.reader.target.clone()).await.contains("me.key is not there"));
    std::fs::write(it.directory.path().join("me.key"), key.serialize_pem()).unwrap();
    let mut reader = it.reader;
    assert_eq!(seen(&reader.read().await.unwrap(), "").verdict, Verdict::Ok);
    let without = Tried::of(it.double, "");
    let why = reason(without.reader.target).await;
    assert!(why.starts_with("TLS: ") || why.starts_with("connection") || why.starts_with("closed"), "{why}");
}

fn write(directory: &Path, text: &str) -> crate::probes::target::Cluster {
    let path = directory.join("config");
    std::fs::write(&path, text).unwrap();
    Double::target(path, &[])
}

#[tokio::test]
async fn a_kubeconfig_that_cannot_be_used_says_why_and_shows_no_secret() {
    let directory = tempfile::tempdir().unwrap();
    let shown = directory.path().join("config");
    let shown = shown.display();
    let missing = Double::target(directory.path().join("config"), &[]);
    assert_eq!(reason(missing).await, format!("{shown} is not there"));
    let why = reason(write(directory.path(), "users:\n- name: me\n  user: {token: [hunter2, }\n")).await;
    assert!(why.starts_with(&format!("{shown} is no kubeconfig: line ")) && !why.contains("hunter2"), "{why}");
    let why = reason(write(directory.path(), "users:\n- name: me\n  user: {token: [hunter2]}\n")).await;
    assert!(why.contains("is no kubeconfig") && !why.contains("hunter2"), "{why}");
    assert_eq!(reason(write(directory.path(), "")).await, "the kubeconfig has no current context");

    let it = Tried::new().await;
    let mut unknown = it.reader.target.clone();
    unknown.entry.context = Some("moon".into());
    assert_eq!(reason(unknown).await, "the kubeconfig has no context moon");
    let ran = it.directory.path().join("ran");
    let exec = format!(
        "exec: {{apiVersion: client.authentication.k8s.io/v1, command: /bin/touch, args: ['{}']}}",
        ran.display()
    );
    it.double.kubeconfig(it.directory.path(), &exec);
    let why = reason(it.reader.target.clone()).await;
    assert!(why.starts_with("the kubeconfig runs a program (/bin/touch) to log in") && !ran.exists(), "{why}");
    it.double.kubeconfig(it.directory.path(), "auth-provider: {name: gcp, config: {cmd-path: /bin/touch}}");
    assert!(reason(it.reader.target.clone()).await.starts_with("the kubeconfig logs in through the auth-provider gcp"));
    it.double.kubeconfig(it.directory.path(), "tokenFile: nowhere");
    assert!(reason(it.reader.target.clone()).await.ends_with("nowhere is not there"));
    it.double.kubeconfig(it.directory.path(), "tokenFile: /dev/zero");
    assert_eq!(reason(it.reader.target.clone()).await, "/dev/zero is not a regular file");
    let config = it.double.kubeconfig(it.directory.path(), "");
    let text = std::fs::read_to_string(&config).unwrap();
    let proxied = text.replace("    certificate-authority", "    proxy-url: http://p:1\n    certificate-authority");
    assert!(reason(write(it.directory.path(), &proxied)).await.contains("through a proxy-url"));
    let why = reason(write(it.directory.path(), &text.replace("user: me", "user: you"))).await;
    assert_eq!(why, "the kubeconfig has no user you, which context test names");
    let why = reason(write(it.directory.path(), &text.replace("namespace: shop", "namespace: ../x"))).await;
    assert_eq!(why, "../x is no name of a namespace");
    assert_eq!(it.double.count("/"), 0, "nothing was asked");
}

#[tokio::test]
async fn the_kubeconfig_is_found_as_kubectl_finds_it() {
    use crate::config::paths::Surroundings;
    let it = Tried::new().await;
    let home = tempfile::tempdir().unwrap();
    let own = |variables: &[(&str, String)]| {
        let all = variables.iter().map(|(name, value)| (name.into(), value.into()));
        let mut target = it.reader.target.clone();
        target.entry.kubeconfig = None;
        target.around = Surroundings::below(home.path(), all);
        target
    };
    let at_home = home.path().display().to_string();
    assert_eq!(reason(own(&[])).await, "no kubeconfig: neither KUBECONFIG nor HOME is set, and this is no pod");
    let why = reason(own(&[("HOME", at_home.clone())])).await;
    assert_eq!(why, format!("no kubeconfig: {at_home}/.kube/config is not there, and this is no pod"));
    for (list, why) in [(":", "KUBECONFIG names no file"), ("", "neither KUBECONFIG nor HOME is set")] {
        let found = reason(own(&[("KUBECONFIG", list.to_owned())])).await;
        assert_eq!(found, format!("no kubeconfig: {why}, and this is no pod"));
    }
    // A list: what is missing is passed over, and the first to say something is right.
    std::fs::write(
        home.path().join("first"),
        "current-context: second\ncontexts:\n- name: second\n  context: {cluster: one, namespace: shop}\n",
    )
    .unwrap();
    let real = it.directory.path().join("config").display().to_string();
    let list = format!("{at_home}/none:{at_home}/first:{real}");
    let target = own(&[("KUBECONFIG", list.clone()), ("HOME", at_home.clone())]);
    assert_eq!(crate::probes::kube::source(&target), list);
    let mut reader = KubeReader { target, pace: quick(), link: None };
    let found = reader.read().await.unwrap();
    assert_eq!(text(seen(&found, ""), "context"), "second");
    // The context stays when another becomes the current one.
    std::fs::write(
        home.path().join("first"),
        "current-context: test\ncontexts:\n- name: second\n  context: {cluster: one, namespace: void}\n",
    )
    .unwrap();
    let found = reader.read().await.unwrap();
    assert_eq!((text(seen(&found, ""), "context"), text(seen(&found, ""), "namespaces")), ("second", "void"));
    assert!(seen(&found, "").detail.ends_with("nothing in namespace void"));
    // In a pod.
    it.double.want_token("of the pod");
    let pod = home.path().join("var/run/secrets/kubernetes.io/serviceaccount");
    std::fs::create_dir_all(&pod).unwrap();
    let host =
        [("KUBERNETES_SERVICE_HOST", "127.0.0.1".to_owned()), ("KUBERNETES_SERVICE_PORT", it.double.port.to_string())];
    assert!(reason(own(&host)).await.ends_with("namespace is not there"));
    let files =
        [("namespace", "shop".to_owned()), ("token", "of the pod".to_owned()), ("ca.crt", it.double.authority.pem())];
    for (name, text) in files {
        std::fs::write(pod.join(name), text).unwrap();
    }
    let mut reader = KubeReader { target: own(&host), pace: quick(), link: None };
    let found = reader.read().await.unwrap();
    assert_eq!(text(seen(&found, ""), "context"), "in-cluster");
    assert!(has(&found, "deployment shop/web"));
}
