//! Certificates in the usual places: Let's Encrypt, a cluster's own, and those that nginx and HAProxy name.
//!
//! `/etc/ssl/private` is left alone: what lies there are keys.

use crate::config::discovery::{list, text_of};
use crate::config::estate::{Certificate, Estate};
use crate::config::paths::Surroundings;
use std::fs;
use std::path::{Path, PathBuf};

/// How many certificates are read without an estate file.
const MOST: usize = 64;

pub(super) fn look(around: &Surroundings, estate: &mut Estate) {
    let mut found = of_lineages(around, estate);
    found.extend(of_cluster(around));
    found.extend(of_servers(around, estate));
    let mut known: Vec<PathBuf> = Vec::new();
    found.retain(|(_, file)| {
        let real = fs::canonicalize(file).unwrap_or_else(|_| file.clone());
        let new = !known.contains(&real) && !file.starts_with(around.system("etc/ssl/private"));
        if new {
            known.push(real);
        }
        new
    });
    if found.is_empty() {
        return estate.not_found.push("certificates: none in the usual places".to_owned());
    }
    if let Some(more) = found.len().checked_sub(MOST).filter(|more| *more > 0) {
        estate.not_found.push(format!("{more} more certificates: {MOST} are read without an estate file"));
        found.truncate(MOST);
    }
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    estate.discovered.push(format!("certificates {}", names.join(", ")));
    estate.certificates = found.into_iter().map(|(name, file)| certificate(name, file)).collect();
}

fn certificate(name: String, file: PathBuf) -> Certificate {
    let (warn_days, critical_days) = (Certificate::WARN_DAYS, Certificate::CRITICAL_DAYS);
    Certificate { name, connect: None, server_name: None, file: Some(file), ca: None, warn_days, critical_days }
}

/// Each lineage of certbot, by its name.
fn of_lineages(around: &Surroundings, estate: &mut Estate) -> Vec<(String, PathBuf)> {
    let lineages = list(&around.system("etc/letsencrypt/live"), estate);
    let chains = lineages.into_iter().filter_map(|lineage| {
        let chain = lineage.join("fullchain.pem");
        // A broken link counts as well: its row reports it.
        chain.symlink_metadata().ok()?;
        Some((lineage.file_name()?.to_string_lossy().into_owned(), chain))
    });
    chains.collect()
}

/// The certificates of a control plane, by directory, as kubeadm lays them down.
fn of_cluster(around: &Surroundings) -> Vec<(String, PathBuf)> {
    let places = [("kubernetes pki", "etc/kubernetes/pki"), ("kubernetes etcd", "etc/kubernetes/pki/etcd")];
    let directories = places.into_iter().map(|(name, place)| (name.to_owned(), around.system(place)));
    directories.filter(|(_, directory)| directory.is_dir()).collect()
}

/// The files that nginx and HAProxy name on lines of their own.
fn of_servers(around: &Surroundings, estate: &mut Estate) -> Vec<(String, PathBuf)> {
    let nginx = around.system("etc/nginx");
    let mut files = vec![nginx.join("nginx.conf")];
    files.extend(list(&nginx.join("conf.d"), estate).into_iter().filter(|file| ends_in(file, "conf")));
    files.extend(list(&nginx.join("sites-enabled"), estate));
    let mut named = Vec::new();
    for file in files {
        let text = text_of(&file, "the nginx configuration", estate).unwrap_or_default();
        let values = text.lines().filter_map(|line| {
            let value = line.trim().strip_prefix("ssl_certificate")?.strip_prefix([' ', '\t'])?;
            Some(value.split_once(';')?.0.trim().trim_matches(['"', '\'']).to_owned())
        });
        // A relative path is one from nginx's own directory.
        named.extend(values.filter(|value| !value.contains(['$', ':'])).map(|value| nginx.join(value)));
    }
    let haproxy = around.system("etc/haproxy/haproxy.cfg");
    let text = text_of(&haproxy, "the HAProxy configuration", estate).unwrap_or_default();
    for line in text.lines().map(str::trim).filter(|line| line.starts_with("bind ")) {
        let mut words = line.split_ascii_whitespace();
        while words.any(|word| word == "crt") {
            named.extend(words.next().map(PathBuf::from).filter(|path| path.is_absolute()));
        }
    }
    named.into_iter().map(|path| (path.display().to_string(), path)).collect()
}

fn ends_in(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|own| own == ending)
}
