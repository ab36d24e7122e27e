mod absent;
mod access;
mod clusters;
mod images;
mod trouble;
mod watches;

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
        settle: Duration::from_secs(600),
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
        for (pod, restarts) in [("x", 0), ("y", 2), ("z", 0)] {
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
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": [{"name": "main", "image": "", "imageID": "", "ready": true,
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
    assert_eq!((int(target, "deployments"), int(target, "nodes"), int(target, "pods")), (1, 1, 3));
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
        let name = made["metadata"]["name"].as_str().unwrap();
        (0..made["status"]["readyReplicas"].as_i64().unwrap_or(0))
            .for_each(|pod| it.double.put(PODS, pod_of(name, &pod.to_string(), 0)));
    }
    for (kind, owner, count) in [("StatefulSet", "db", 1), ("DaemonSet", "log", 2)] {
        for pod in 0..count {
            let mut made = pod_of(owner, &pod.to_string(), 0);
            made["metadata"]["ownerReferences"][0]["kind"] = json!(kind);
            made["metadata"]["ownerReferences"][0]["name"] = json!(owner);
            it.double.put(PODS, made);
        }
    }
    let status = json!({"replicas": 2, "readyReplicas": 1, "updatedReplicas": 2, "availableReplicas": 1, "observedGeneration": 1});
    let spec = json!({"replicas": 2, "selector": {}, "serviceName": "", "template": template("db")});
    it.double.put(STATEFUL, json!({"metadata": {"name": "db", "generation": 1}, "spec": spec, "status": status}));
    let status = json!({"desiredNumberScheduled": 2, "currentNumberScheduled": 2, "numberMisscheduled": 0, "numberReady": 2,
        "updatedNumberScheduled": 2, "numberAvailable": 2, "observedGeneration": 1});
    let spec = json!({"selector": {}, "template": template("log")});
    it.double.put(DAEMONS, json!({"metadata": {"name": "log", "generation": 1}, "spec": spec, "status": status}));
    let mut waiting = pod_of("none", "p", 7);
    waiting["status"]["conditions"] = json!([{"type": "Ready", "status": "False"}]);
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

async fn reason(target: crate::probes::target::Cluster) -> String {
    let mut reader = KubeReader { target, pace: quick(), link: None };
    match reader.read().await {
        Err(why) => why,
        Ok(found) => lost(&found, "").to_owned(),
    }
}

fn text_of<'a>(found: &'a [Finding], object: &str) -> &'a str {
    &seen(found, object).detail
}
