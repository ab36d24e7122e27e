//! Whom a probe believes, as whom it asks, and where it finds that.

use super::*;
use crate::probes::kube::double::Authority;
use rcgen::{CertificateParams, IsCa, KeyPair, KeyUsagePurpose};

#[tokio::test]
async fn a_broken_chain_of_trust_is_named() {
    let it = Tried::new().await;
    let other = Double::new().await;
    std::fs::write(it.directory.path().join("ca.pem"), other.authority.pem()).unwrap();
    assert_eq!(reason(it.reader.target.clone()).await, "TLS: certificate not trusted: a signature is wrong");
    let named = Double::named("another authority", &["127.0.0.1"], None).await;
    std::fs::write(it.directory.path().join("ca.pem"), named.authority.pem()).unwrap();
    assert_eq!(
        reason(it.reader.target).await,
        "TLS: certificate not trusted; certificate-authority of the kubeconfig has no root for it"
    );
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

/// What the row says of a server whose authority says this of itself.
async fn of_authority(change: impl FnOnce(&mut CertificateParams)) -> String {
    let authority = Authority::of("kubernetes", change);
    let (certificate, key) = authority.sign(&["127.0.0.1"]);
    let double = Double::showing(authority, vec![certificate.der().clone()], &key, None).await;
    reason(Tried::of(double, "").reader.target).await
}

#[tokio::test]
async fn an_authority_that_may_not_sign_or_is_no_longer_valid_is_refused_as_kubectl_does() {
    let why = of_authority(|params| params.key_usages = vec![KeyUsagePurpose::CrlSign]).await;
    let lacks = "its keyUsage lacks keyCertSign";
    assert_eq!(why, format!("TLS: certificate not trusted: issuer kubernetes may not sign certificates: {lacks}"));
    let why = of_authority(|params| params.not_after = rcgen::date_time_ymd(2020, 1, 1)).await;
    assert_eq!(why, "TLS: certificate not trusted: root kubernetes has expired");
    let why = of_authority(|params| params.is_ca = IsCa::ExplicitNoCa).await;
    assert_eq!(why, "TLS: certificate not trusted: issuer kubernetes is no CA");
    let authority = Authority::of("kubernetes", |params| params.key_usages = vec![KeyUsagePurpose::KeyCertSign]);
    let (certificate, key) = authority.sign(&["127.0.0.1"]);
    let double = Double::showing(authority, vec![certificate.der().clone()], &key, None).await;
    let mut it = Tried::of(double, "");
    assert_eq!(seen(&it.reader.read().await.unwrap(), "").verdict, Verdict::Ok, "one that may sign is believed");
}

#[tokio::test]
async fn a_certificate_that_has_expired_or_is_for_another_host_proves_that_the_server_is_down() {
    let shown = async |names: &[&str], until: i32| {
        let (authority, key) = (Authority::new("kubernetes"), KeyPair::generate().unwrap());
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        let certificate = authority.issue(&params, &key);
        let double = Double::showing(authority, vec![certificate.der().clone()], &key, None).await;
        let mut it = Tried::of(double, "");
        of(&it.reader.read().await.unwrap(), "").seen.as_ref().unwrap_err().clone()
    };
    let lost = shown(&["127.0.0.1"], 2020).await;
    assert!(lost.is_proof() && lost.why().starts_with("TLS: certificate expired "), "{lost:?}");
    let lost = shown(&["api.example"], 2099).await;
    assert!(lost.is_proof() && lost.why().starts_with("TLS: certificate is not for 127.0.0.1"), "{lost:?}");
}

#[tokio::test]
async fn a_certificate_that_is_its_own_authority_is_believed_as_it_stands() {
    let own = Authority::of("kubernetes", |params| {
        params.subject_alt_names = vec![rcgen::SanType::IpAddress([127, 0, 0, 1].into())];
    });
    let (certificate, key) = own.itself();
    let double = Double::showing(own, vec![certificate], &key, None).await;
    double.put(NODES, node("a1", &[("Ready", "True")]));
    let mut it = Tried::of(double, "");
    assert_eq!(seen(&it.reader.read().await.unwrap(), "").verdict, Verdict::Ok);
    // Beside another authority it is one that nobody signed.
    std::fs::write(it.directory.path().join("ca.pem"), Authority::new("other").pem()).unwrap();
    let why = reason(it.reader.target).await;
    assert!(why.starts_with("TLS: certificate not trusted"), "{why}");
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

    let clients = Authority::new("clients");
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
    // A list: what is missing is skipped, and the first to say something is right.
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
    assert_eq!(seen(&found, "namespace void").detail, "no workloads in namespace void");
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
