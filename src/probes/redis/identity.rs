//! Which database of which Redis this is, whatever it is called here.

use crate::probes::redis::info::Info;
use crate::probes::redis::link::{Address, Link};
use crate::probes::redis::words;
use crate::probes::target::RedisServer;

/// The server's replication id and the number of the database: `f0e1…/0`. A replica has the id of its primary; where there is none,
/// the id of the process serves.
///
/// # Errors
/// Why it is not known, in a few words and without any secret.
pub async fn identity(server: &RedisServer) -> Result<String, String> {
    let address = Address::of(&server.entry.url)?;
    let mut link = Link::open(server).await?;
    let text = link.ask(&["INFO"]).await.map_err(|trouble| words::of(&trouble, address.user.as_deref()))?;
    let info = Info::of(&text);
    match info.text("master_replid").or_else(|| info.text("run_id")) {
        Some(id) => Ok(format!("{id}/{}", address.database)),
        None => Err("the server does not say which it is".to_owned()),
    }
}
