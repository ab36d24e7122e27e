use super::*;
use crate::config::estate;
use std::ffi::OsString;
use std::fs;

/// What a kubeconfig of the corpus is expected to lead to: `# server: https://…`, `# refused: words`.
fn expected(text: &str) -> Vec<(String, String)> {
    let line = |line: &str| {
        let (key, value) = line.trim_start_matches('\u{feff}').strip_prefix("# ")?.split_once(": ")?;
        Some((key.to_owned(), value.trim().to_owned()))
    };
    text.lines().map_while(line).collect()
}

fn credentials(user: &AuthInfo) -> String {
    let described = serde_json::to_value(user).unwrap();
    let text = |key: &str| described.get(key).and_then(serde_json::Value::as_str).filter(|text| !text.is_empty());
    let mut all = Vec::new();
    all.extend(text("token").map(|token| format!("token {token}")));
    all.extend(text("username").map(|name| format!("basic {name}")));
    all.extend(text("client-certificate-data").or(text("client-certificate")).map(|_| "certificate".to_owned()));
    if all.is_empty() { "none".to_owned() } else { all.join(" and ") }
}

fn authority(config: &Config) -> String {
    match &config.root_cert {
        _ if config.accept_invalid_certs => "not verified".to_owned(),
        Some(roots) => roots.len().to_string(),
        None => "system".to_owned(),
    }
}

/// Why a case is not as it is expected.
fn differs(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).unwrap();
    let wanted = expected(&text);
    if wanted.is_empty() {
        return Some("it expects nothing".to_owned());
    }
    let directory = path.parent().unwrap();
    let more = wanted.iter().filter(|(key, _)| key == "with").map(|(_, name)| directory.join(name));
    let list: OsString = std::env::join_paths([path.to_owned()].into_iter().chain(more)).unwrap();
    let entry = estate::Kubernetes {
        name: "main".into(),
        kubeconfig: None,
        context: None,
        namespaces: Vec::new(),
        critical: true,
        workloads: Vec::new(),
    };
    let around = Surroundings::below(directory, [(OsString::from("KUBECONFIG"), list)]);
    let found = resolve(&Cluster { entry, around }, None);
    for (key, value) in wanted {
        let seen = match (key.as_str(), &found) {
            ("with" | "kubectl", _) => continue,
            ("refused", Ok(settings)) => format!("taken, to {}", settings.config.cluster_url),
            ("refused", Err(why)) if why.contains(&value) => continue,
            (_, Err(why)) => why.clone(),
            ("server", Ok(settings)) => settings.config.cluster_url.to_string(),
            ("context", Ok(settings)) => settings.context.clone(),
            ("namespace", Ok(settings)) => settings.namespaces.join(","),
            ("credentials", Ok(settings)) => credentials(&settings.config.auth_info),
            ("authority", Ok(settings)) => authority(&settings.config),
            ("tls-name", Ok(settings)) => settings.config.tls_server_name.clone().unwrap_or_default(),
            (other, Ok(_)) => return Some(format!("it expects a {other}")),
        };
        if seen != value {
            return Some(format!("{key} is {seen:?} instead of {value:?}"));
        }
    }
    None
}

#[test]
fn every_kubeconfig_of_the_corpus_is_read_as_kubectl_reads_it() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/kubeconfigs");
    let mut cases: Vec<PathBuf> = fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.retain(|path| path.extension().is_some_and(|kind| kind == "yaml"));
    cases.sort();
    assert!(cases.len() > 50, "{}", cases.len());
    let wrong: Vec<String> =
        cases.iter().filter_map(|path| Some(format!("{}: {}", path.display(), differs(path)?))).collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
