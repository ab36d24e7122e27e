//! What the row of a workload says.

use super::{Judging, Workload, listed};
use crate::domain::quantity;
use crate::probes::kube::pods::Pods;

impl Workload {
    /// What is not right with it whatever the count of its pods.
    pub(super) fn remark(&self, desired: i32) -> Option<&'static str> {
        if self.deleting {
            Some("is being deleted")
        } else if self.by_node && desired <= 0 {
            Some("no node matches it")
        } else if self.unserved && desired > 0 && self.ready >= desired {
            Some("Available is False")
        } else {
            None
        }
    }

    /// How its status contradicts its pods: `0 of 3 ready by its pods, 3 by its status`.
    fn dispute(&self, pods: Option<&Pods>, desired: i32) -> Option<String> {
        let pods = pods.filter(|pods| self.is_disputed(pods))?;
        let said = self.said(desired);
        let unlisted = if pods.ready > 0 { "no others are listed" } else { "no pods of it are listed" };
        let why = pods.lacking().unwrap_or_else(|| unlisted.to_owned());
        Some(format!("{} of {desired} ready by its pods, {said} by its status · {why}", pods.ready))
    }

    pub(super) fn detail(&self, pods: Option<&Pods>, judging: Judging) -> String {
        let mut lines = Vec::new();
        match self.desired {
            _ if !self.observed => {
                lines.extend(self.stuck.then(|| "rollout stuck".to_owned()));
                lines.push("not looked at by the cluster yet".to_owned());
            }
            Some(desired) => {
                lines.extend(self.rollout(desired));
                let remark = self.remark(desired);
                lines.push(match self.dispute(pods, desired) {
                    Some(dispute) => dispute,
                    None if desired > 0 => format!("{} of {desired} ready", self.ready),
                    None if self.by_node => remark.unwrap_or_default().to_owned(),
                    None => "scaled to 0".to_owned(),
                });
                lines.extend((desired <= 0 && judging.expected).then(|| "the estate expects it".to_owned()));
                lines.extend(remark.filter(|_| !self.by_node || desired > 0).map(str::to_owned));
                let available = self.available.filter(|available| *available < self.ready.min(desired));
                lines.extend(available.map(|available| format!("{available} available")));
            }
            None => lines.push("says not how many it should have".to_owned()),
        }
        lines.extend((self.partition > 0).then(|| format!("partition {}", self.partition)));
        lines.extend(self.failure.clone());
        lines.extend(self.doubt.as_ref().map(|doubt| format!("{doubt} is unknown")));
        match pods {
            Some(pods) => {
                let is_ahead = self.observed && self.ready <= 0 && pods.ready > 0 && self.desired > Some(0);
                lines.extend(is_ahead.then(|| format!("{} ready by its pods", pods.ready)));
                let left: Vec<_> = pods.failed.iter().map(|(why, count)| format!("{count} {why}")).collect();
                lines.extend(left.into_iter().filter(|_| !self.is_disputed(pods)));
                lines.extend(pods.troubles.iter().cloned());
                lines.extend((!pods.waiting.is_empty()).then(|| listed(&pods.waiting, ", ")));
                let restarts = u64::try_from(pods.restarts).unwrap_or_default();
                lines.extend((restarts > 0).then(|| quantity::counted(restarts, "restart", "restarts")));
            }
            None => lines.push("restarts unknown".to_owned()),
        }
        lines.extend(self.images(pods));
        lines.join(" · ")
    }

    /// What the verdict comes from, in the order of [`Self::verdict`].
    pub(super) fn reason(&self, pods: Option<&Pods>, judging: Judging) -> Option<String> {
        let waiting = pods.filter(|pods| !pods.waiting.is_empty()).map(|pods| listed(&pods.waiting, ", "));
        let Some(desired) = self.desired.filter(|_| self.observed && self.doubt.is_none()) else {
            // What the row says first, unless a condition is in doubt.
            let doubt = self.doubt.as_ref().filter(|_| self.observed && !self.stuck);
            return doubt.map(|doubt| format!("{doubt} is unknown"));
        };
        let ready = || format!("{} of {desired} ready", self.ready);
        if self.stuck {
            self.rollout(desired)
        } else if desired > 0 && self.ready <= 0 {
            Some(waiting.map_or_else(ready, |waiting| format!("{}: {waiting}", ready())))
        } else if desired <= 0 && judging.expected {
            Some(if self.by_node { "no node matches it" } else { "scaled to 0" }.to_owned())
        } else if let Some(dispute) = self.dispute(pods, desired) {
            Some(dispute)
        } else if let Some(remark) = self.remark(desired) {
            Some(remark.to_owned())
        } else if let Some(trouble) = pods.and_then(|pods| pods.troubles.first()) {
            Some(trouble.clone())
        } else if waiting.is_some() || self.failure.is_some() {
            waiting.or_else(|| self.failure.clone())
        } else if self.ready < desired {
            Some(ready())
        } else {
            let available = self.available.map(|available| format!("{available} of {desired} available"));
            self.rollout(desired).or(available)
        }
    }

    /// How far its rollout is; `None` where there is none under way.
    fn rollout(&self, desired: i32) -> Option<String> {
        let stage = match (self.stuck, self.paused) {
            (true, _) => "rollout stuck",
            (false, true) => "rollout paused",
            (false, false) => "rolling out",
        };
        let (updated, goal) = (self.updated, self.goal(desired));
        if !self.current {
            Some(format!("{stage}: the change is not observed yet"))
        } else if self.by_hand && updated < goal {
            Some(format!("{updated} of {goal} updated, the rest once it is deleted (OnDelete)"))
        } else if updated < goal {
            Some(format!("{stage}: {updated} of {goal} updated"))
        } else if !self.is_rolled_out(desired) && self.left() > 0 {
            let left = u64::try_from(self.left()).unwrap_or_default();
            Some(format!("{stage}: {} left", quantity::counted(left, "old pod", "old pods")))
        } else if !self.is_rolled_out(desired) {
            Some(format!("{stage}: the new revision is not settled yet"))
        } else if self.replicas > desired {
            Some(format!("scaling down from {}", self.replicas))
        } else {
            (self.stuck || self.paused).then(|| stage.to_owned())
        }
    }

    /// The template's images, in its order.
    pub(super) fn image(&self) -> String {
        self.containers.iter().map(|(_, image)| image.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// What runs, and what the template wants where that is something else.
    fn images(&self, pods: Option<&Pods>) -> Vec<String> {
        let wanted = self.image();
        if wanted.is_empty() {
            return Vec::new();
        }
        let (running, digests) = pods.map(|pods| pods.running(&self.containers)).unwrap_or_default();
        if running.is_empty() || running.iter().eq([&wanted]) {
            let several = (digests.len() > 1).then(|| format!("{} digests of it run", digests.len()));
            return [short(&wanted)].into_iter().chain(several).collect();
        }
        let running: Vec<String> = running.iter().map(|images| short(images)).collect();
        vec![format!("runs {}", running.join(" and ")), format!("template {}", short(&wanted))]
    }
}

/// Images without their registries, and with the first 12 digits of a digest.
fn short(images: &str) -> String {
    let one = |image: &str| {
        let name = image.rsplit('/').next().unwrap_or(image);
        match name.split_once("@sha256:") {
            Some((name, digest)) => format!("{name}@{}", digest.chars().take(12).collect::<String>()),
            None => name.to_owned(),
        }
    };
    images.split(", ").map(one).collect::<Vec<_>>().join(", ")
}
