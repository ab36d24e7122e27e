//! From a table to an [`Estate`], key by key.

use crate::config::estate::{Environment, Estate, Thresholds, policy};
use crate::config::packs;
use crate::config::reader::{Problems, Table};
use parts::{limits, plain_path};
use std::path::{Path, PathBuf};

mod buckets;
mod conninfo;
mod hosts;
mod notify;
mod parts;
mod secrets;
mod servers;
mod stores;

/// Reads the whole of a file; `None` only beside a problem.
pub(super) fn read(root: &mut Table, file: &Path, problems: &mut Problems) -> Option<Estate> {
    if !root.schema(1, problems) {
        return None;
    }
    let name = root.named("name", problems);
    let environment = environment(root, problems);
    let packs = packs::read(root, problems);
    let trusted_reads = trusted_reads(root, problems);
    let thresholds = root.table("thresholds", problems).map_or_else(Thresholds::default, |mut table| {
        let defaults = Thresholds::default();
        let disk = limits(&mut table, "disk", problems).unwrap_or(defaults.disk);
        let cpu = limits(&mut table, "cpu", problems);
        table.finish(problems);
        Thresholds { disk, cpu }
    });
    let (secrets, known) = secrets::secrets(root, problems);
    let services = hosts::services(root, problems);
    let units = hosts::units(root, problems);
    let mounts = hosts::mounts(root, problems);
    let postgres = servers::postgres(root, &known, problems);
    let redis = servers::redis(root, &known, problems);
    let kubernetes = servers::kubernetes(root, problems);
    let certificates = stores::certificates(root, problems);
    let buckets = buckets::stores(root, &known, problems);
    let backups = stores::backups(root, &buckets, &secrets, problems);
    let receivers = notify::receivers(root, &known, problems);
    let keep = policy::read(root, problems);
    std::mem::take(root).finish(problems);
    Some(Estate {
        name: name?,
        environment: environment?,
        packs,
        trusted_reads,
        thresholds,
        services,
        mounts,
        secrets,
        units,
        failed_units: false,
        postgres,
        redis,
        kubernetes,
        certificates,
        backups,
        stores: buckets,
        receivers,
        keep,
        source: Some(file.to_owned()),
        discovered: Vec::new(),
        not_found: Vec::new(),
        unread: Vec::new(),
    })
}

fn environment(root: &mut Table, problems: &mut Problems) -> Option<Environment> {
    if root.has("environment") {
        root.parsed("environment", "production, staging or other", problems, Environment::from_word)
    } else {
        root.required_text("environment", problems);
        None
    }
}

fn trusted_reads(root: &mut Table, problems: &mut Problems) -> Vec<PathBuf> {
    let mut programs = Vec::new();
    for (at, text) in root.texts("trusted_reads", problems).unwrap_or_default() {
        match plain_path(&text) {
            Ok(path) if programs.contains(&path) => problems.add(at, "this program is in the list already"),
            Ok(path) => programs.push(path),
            Err(why) => problems.add(at, format!("a trusted program's path {why}")),
        }
    }
    programs
}
