//! What is not there, and what was.

use super::*;

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
    for (name, words) in [("shpo", "namespace shpo does not exist"), ("void", "no workloads in namespace void")] {
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
    it.double.put(PODS, pod_of("api", "x", 0));
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
