//! Kubernetes: `KUBECONFIG`, else the user's kubeconfig, else the account of the pod that we run in.

use crate::config::discovery::{home, text_of};
use crate::config::estate::{Estate, Kubernetes};
use crate::config::paths::Surroundings;
use std::path::PathBuf;

/// The account of a pod ("Accessing the Kubernetes API from a Pod", kubernetes.io).
const ACCOUNT: &str = "var/run/secrets/kubernetes.io/serviceaccount/token";

/// The longest context that becomes the name of a row, in characters.
const LONGEST: usize = 64;

pub(super) fn look(around: &Surroundings, estate: &mut Estate) {
    let own = home(around).map(|home| home.join(".kube/config"));
    let (place, files): (String, Vec<PathBuf>) = match around.get("KUBECONFIG") {
        // A named file has a row also where it is missing: the row reports it.
        Some(list) => ("KUBECONFIG".to_owned(), std::env::split_paths(list).collect()),
        None => match own.filter(|file| file.exists()) {
            Some(file) => (file.display().to_string(), vec![file]),
            None if around.get("KUBERNETES_SERVICE_HOST").is_some() && around.system(ACCOUNT).exists() => {
                ("the pod that we run in".to_owned(), Vec::new())
            }
            None => {
                let looked = "no KUBECONFIG, no ~/.kube/config, and this is no pod";
                return estate.not_found.push(format!("Kubernetes: {looked}"));
            }
        },
    };
    let context = files.iter().find_map(|file| current_context(&text_of(file, "the kubeconfig", estate)?));
    let name = context.unwrap_or_else(|| "kubernetes".to_owned());
    estate.discovered.push(format!("Kubernetes {name} from {place}"));
    estate.kubernetes.push(Kubernetes {
        name,
        kubeconfig: None,
        context: None,
        namespaces: Vec::new(),
        critical: true,
        workloads: Vec::new(),
    });
}

/// The `current-context` of a kubeconfig as kubectl writes it: a line of its own.
fn current_context(text: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.strip_prefix("current-context:"))?;
    let name = line.trim().trim_matches(['"', '\'']);
    let fits = !name.is_empty() && name.chars().count() <= LONGEST && !name.contains(['#', ' ']);
    fits.then(|| name.to_owned())
}
