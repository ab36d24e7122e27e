//! Which cluster this is, whatever it is called here.

use crate::probes::kube::pace::Pace;
use crate::probes::kube::wire::Wire;
use crate::probes::kube::{off_the_runtime, settings};
use crate::probes::target::Cluster;

/// The uid of the cluster: that of its namespace `kube-system`. The account must be allowed to get that namespace.
///
/// # Errors
/// Why it is not known, in a few words and without any secret.
pub async fn identity(target: &Cluster) -> Result<String, String> {
    let own = target.clone();
    let prepare = move || Wire::new(&settings::resolve(&own, None)?, Pace::default());
    let wire = off_the_runtime(target, prepare).await?;
    wire.uid().await.map_err(|loss| loss.why)
}
