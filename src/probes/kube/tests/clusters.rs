//! What real clusters say, one case a file in `tests/fixtures/clusters`.
//!
//! A file has the objects as the API lists them, the workloads that the estate names, and every row but those of healthy nodes: its
//! verdict and its words at the first reading, and where `settled` is given, once the contradiction has lasted.

use super::*;
use std::collections::BTreeMap;

type Rows = BTreeMap<String, String>;

fn path(kind: &str) -> &'static str {
    match kind {
        "Deployment" => DEPLOYMENTS,
        "StatefulSet" => STATEFUL,
        "DaemonSet" => DAEMONS,
        "Pod" => PODS,
        "Node" => NODES,
        other => panic!("{other}"),
    }
}

/// Every row but that of the cluster and those of healthy nodes.
fn rows(found: &[Finding]) -> Rows {
    let row = |finding: &Finding| {
        let object = finding.object.clone()?;
        let words = match &finding.seen {
            Ok(seen) if seen.verdict == Verdict::Ok && object.starts_with("node ") => return None,
            Ok(seen) => format!("{} · {}", seen.verdict.word(), seen.detail),
            Err(why) => format!("not read · {}", why.why()),
        };
        Some((object, words))
    };
    found.iter().filter_map(row).collect()
}

/// Why a case is not as it is expected.
async fn differs(case: &Value) -> Option<String> {
    let double = Double::new().await;
    for object in case["objects"].as_array().unwrap() {
        double.put(path(object["kind"].as_str().unwrap()), object.clone());
    }
    if case["missing"] == json!(true) {
        double.without_namespace("shop");
    }
    if case["ending"] == json!(true) {
        let own = json!({"kind": "Namespace", "apiVersion": "v1", "status": {"phase": "Terminating"},
            "metadata": {"name": "shop", "uid": "shop", "deletionTimestamp": "2026-01-01T00:00:00Z"}});
        double.fail("get /api/v1/namespaces/shop", Fail::Say("application/json", own.to_string()));
    }
    let mut it = Tried::of(double, "token: t0p");
    let workloads = case["workloads"].as_array().map(Vec::as_slice).unwrap_or_default();
    let parse = |name: &Value| crate::config::estate::Workload::parse(name.as_str().unwrap()).unwrap();
    it.reader.target.entry.workloads = workloads.iter().map(parse).collect();
    let wanted = |key: &str| serde_json::from_value::<Rows>(case[key].clone()).ok();
    let found = rows(&it.reader.read().await.unwrap());
    if Some(&found) != wanted("rows").as_ref() {
        return Some(format!("{found:#?}"));
    }
    let settled = wanted("settled")?;
    it.reader.pace.settle = Duration::ZERO;
    it.reader.link = None;
    let found = rows(&it.reader.read().await.unwrap());
    (found != settled).then(|| format!("settled: {found:#?}"))
}

#[tokio::test]
async fn every_shape_of_the_corpus_is_judged_by_status_and_pods() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/clusters");
    let mut cases: Vec<_> = std::fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() > 50, "{}", cases.len());
    let mut wrong = Vec::new();
    for path in &cases {
        let case: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let why = differs(&case).await;
        wrong.extend(why.map(|why| format!("{}: {why}", path.display())));
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// A status and its pods are read one after the other, so at first they only may contradict each other.
#[tokio::test]
async fn a_status_that_contradicts_its_pods_is_unknown_and_then_critical() {
    let mut it = Tried::new().await;
    it.reader.read().await.unwrap();
    for pod in ["x", "y", "z"] {
        it.double.delete(PODS, &format!("web-5f6c-{pod}"));
    }
    let verdict = |found: &[Finding]| seen(found, "deployment shop/web").verdict;
    let found =
        it.until(|found| verdict(found) != Verdict::Ok && int(seen(found, "deployment shop/web"), "ready") == 0).await;
    assert_eq!(verdict(&found), Verdict::Unknown);
    let web = seen(&found, "deployment shop/web");
    assert_eq!((int(web, "ready"), int(web, "pods_ready"), &web.facts["complete"]), (0, 0, &Fact::Bool(false)));
    it.reader.link.as_mut().unwrap().settle_within(millis(1));
    let found = it.until(|found| verdict(found) == Verdict::Critical).await;
    let why = "0 of 3 ready by its pods, 3 by its status · no pods of it are listed";
    assert_eq!(text(seen(&found, "deployment shop/web"), "reason"), why);
    // Another link to the same cluster knows it at once.
    it.reader.pace.settle = millis(1);
    it.double.kubeconfig(it.directory.path(), "token: other");
    let found = it.reader.read().await.unwrap();
    assert_eq!(verdict(&found), Verdict::Critical);
    for pod in ["x", "y", "z"] {
        it.double.put(PODS, pod_of("web", pod, 0));
    }
    it.until(|found| verdict(found) == Verdict::Ok).await;
}

#[tokio::test]
async fn a_pod_without_a_workload_keeps_its_row_where_pods_are_no_longer_read() {
    let mut it = Tried::new().await;
    let mut solo = pod_of("solo", "x", 0);
    solo["metadata"]["ownerReferences"] = json!([]);
    it.double.put(PODS, solo);
    let found = it.reader.read().await.unwrap();
    assert_eq!(seen(&found, "pod shop/solo-5f6c-x").detail, "1 of 1 ready");
    it.double.fail("/api/v1/namespaces/shop/pods", Fail::Refuse(403, vec![]));
    it.until(|found| is_lost(found, "pod shop/solo-5f6c-x")).await;
}
