//! Whether a service could be asked now.

use crate::procedure::plan::Action;
use crate::runner::adapters::http::{client, whole_cause};
use crate::runner::adapters::rehearse::Rehearsed;
use std::time::Duration;

/// How long the service has to answer.
const WITHIN: Duration = Duration::from_secs(10);

/// Asks with HEAD, which changes nothing; any answer at all shows that the service can be reached.
pub(in super::super) fn rehearse(undo: &Action) -> Rehearsed {
    let Some(url) = undo.spec.get("url").and_then(serde_json::Value::as_str).map(str::to_owned) else {
        return Rehearsed::Unknown("the action names no URL".to_owned());
    };
    if url.contains("{{") {
        return Rehearsed::Unknown("which URL it is, only the run knows".to_owned());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let (runtime, client) = match (runtime, client()) {
        (Ok(runtime), Ok(client)) => (runtime, client),
        (Err(cause), _) => return Rehearsed::Unknown(format!("no HTTP client could be started: {cause}")),
        (_, Err(error)) => return Rehearsed::Unknown(error.message),
    };
    let answer = runtime.block_on(async { tokio::time::timeout(WITHIN, client.head(&url).send()).await });
    runtime.shutdown_background(); // A name that is still being looked up is not waited for.
    match answer {
        Ok(Ok(answer)) => Rehearsed::Possible(format!("the service answers ({} to HEAD)", answer.status().as_u16())),
        Ok(Err(cause)) if cause.is_connect() => {
            Rehearsed::NotPossible(format!("the service cannot be reached: {}", whole_cause(&cause)))
        }
        Ok(Err(cause)) => Rehearsed::Unknown(whole_cause(&cause)),
        Err(_) => Rehearsed::Unknown("the service does not answer within 10 s".to_owned()),
    }
}
