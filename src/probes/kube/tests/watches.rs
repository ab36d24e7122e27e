//! Watches: what they say, what ages without them, and how they go on.

use super::*;

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
    // It gives the watch up and asks again, for a list or a watch, in vain and more than once.
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
async fn an_expired_version_is_listed_again_without_one() {
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
async fn an_interrupted_watch_continues_where_it_was() {
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
