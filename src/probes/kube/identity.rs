//! Which cluster this is, whatever it is called here.

use crate::probes::kube::pace::Pace;
use crate::probes::kube::wire::Wire;
use crate::probes::kube::{FILES, settings};
use crate::probes::target::Cluster;

/// The uid of the cluster: that of its namespace `kube-system`. The account must be allowed to get that namespace.
///
/// # Errors
/// Why it is not known, in a few words and without any secret.
pub async fn identity(target: &Cluster) -> Result<String, String> {
    let target = target.clone();
    // Files are read.
    let prepare = tokio::task::spawn_blocking(move || {
        let settings = settings::resolve(&target, None)?;
        Wire::new(&settings, Pace::default())
    });
    let prepared = tokio::time::timeout(FILES, prepare).await;
    let prepared = prepared.map_err(|_| "the kubeconfig cannot be read in time".to_owned())?;
    let wire = prepared.map_err(|_| "the client broke off, which is a defect of Midwatch".to_owned())??;
    wire.uid().await.map_err(|loss| loss.why)
}
