//! The clients of a small server of the demo.

use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Serves clients, at most so many at a time, until aborted; their connections end with it, because the set that holds them
/// is its own.
pub(super) async fn meet<F>(listener: TcpListener, most: usize, each: impl Fn(TcpStream) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut clients = JoinSet::new();
    loop {
        while clients.try_join_next().is_some() {}
        if clients.len() >= most {
            clients.join_next().await;
            continue;
        }
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors, most likely; it passes.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        clients.spawn(each(stream));
    }
}
