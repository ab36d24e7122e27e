//! What runs beside what is wanted.

use super::*;

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
