//! New connections beside one that is kept.

use super::*;

#[tokio::test]
async fn a_server_that_takes_no_new_client_is_not_ok_over_the_connection_that_is_kept() {
    let server = Server::start(&["--maxclients", "4"]);
    let eager = || RedisReader::renewing(target(&server.url()), Renewal::each(Duration::ZERO));
    let mut reader = eager();
    assert_eq!(row(&rows(&mut reader).await, None).verdict, Verdict::Ok);
    // Full: the connection that is kept says why.
    let hold = || std::os::unix::net::UnixStream::connect(server.socket()).unwrap();
    let held = [hold(), hold(), hold()];
    wait(|| server.send(&["PING"]).is_err());
    let full = row(&rows(&mut reader).await, None);
    assert_eq!(full.verdict, Verdict::Critical, "{}", full.detail);
    drop(held);
    wait(|| server.send(&["PING"]).is_ok());
    rows(&mut reader).await;
    // Another password: whoever is signed in stays so, and nobody else gets in with the one before.
    let mut calm = server.reader();
    rows(&mut calm).await;
    server.send(&["CONFIG", "SET", "requirepass", "other"]).unwrap();
    assert_eq!(reader.read().await.unwrap_err(), Loss::unread("a password is required (NOAUTH)"));
    assert_eq!(rows(&mut calm).await.len(), 4, "it is not yet time for a new one");
}
