//! A server that refuses, hangs, goes away or talks nonsense, and a client that disconnects.

use super::*;
use crate::probes::endless::{BODY, Endless, HEADS};

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
    // In a watch: everything is listed again.
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
async fn a_client_that_disconnects_is_named_and_replaced() {
    let mut it = Tried::new().await;
    it.reader.read().await.unwrap();
    // A panic of the library in its own task: an address without a scheme, which no kubeconfig leads to any more.
    let target = it.reader.target.clone();
    let mut settings = crate::probes::kube::settings::resolve(&target, None).unwrap();
    settings.lead_to("127.0.0.1:1");
    let wire = crate::probes::kube::wire::Wire::new(&settings, quick()).unwrap();
    let why = wire.hello().await.unwrap_err().why;
    assert!(why.starts_with("the probe crashed, which is a defect of Midwatch") && wire.is_broken(), "{why}");
    it.reader.link = Some(crate::probes::kube::link::Link::new(settings, wire, quick(), None));
    assert_eq!(lost(&it.reader.link.as_mut().unwrap().findings(), ""), "no answer within 10 s");
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

#[tokio::test]
async fn an_answer_without_an_end_ends_at_a_limit() {
    let bodies = [(BODY.0, BODY.1, "an answer of more than 64 KiB")];
    let heads = HEADS.map(|(begins, again, is_odd)| {
        (begins, again, if is_odd { "the answer is not HTTP" } else { "no answer within 600 ms" })
    });
    for (begins, again, why) in heads.into_iter().chain(bodies) {
        let server = Endless::new(begins, again);
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("config");
        let text = format!(
            "apiVersion: v1\nkind: Config\nclusters: [{{name: c, cluster: {{server: \"http://{}\"}}}}]\n\
             users: [{{name: u, user: {{token: t}}}}]\ncontexts: [{{name: x, context: {{cluster: c, user: u}}}}]\n\
             current-context: x\n",
            server.address
        );
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let pace = Pace { answer: millis(600), ..quick() };
        let mut reader = KubeReader { target: Double::target(file, &[]), pace, link: None };
        assert_eq!(lost(&reader.read().await.unwrap_or_default(), ""), why);
        assert!(why.starts_with("no answer") || server.sent() < 64 << 20, "{} bytes were taken", server.sent());
    }
}
