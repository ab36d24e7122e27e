//! Asynchronous work inside a process that blocks.

use crate::domain::Error;

/// Runs the future to its end in its own runtime; does not wait for a name lookup that is still under way.
///
/// # Errors
/// When there is no runtime to be had.
pub(super) fn finish<T>(doing: &str, work: impl Future<Output = T>) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|cause| Error::machine(doing, cause))?;
    let done = runtime.block_on(work);
    runtime.shutdown_background();
    Ok(done)
}
