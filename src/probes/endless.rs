//! A server whose answers never end, for the tests of everything that speaks HTTP.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

/// An interim answer.
const INTERIM: &str = "HTTP/1.1 100 Continue\r\n\r\n";
/// The heads that never end: what they begin with, what follows again and again, and whether a client can see that it is no HTTP.
pub(crate) const HEADS: [(&str, &str, bool); 3] =
    [("", INTERIM, false), ("HTTP/1.1 200 OK\r\n", "x-a: b\r\n", true), ("HTTP/1.1 200 OK\r\nx-a: ", "bbbb", true)];
/// How much a client is flooded with at the most: far more than one turn of it, and what the sockets hold.
const FLOOD: usize = 44 << 20;
/// An answer without a length.
pub(crate) const BODY: (&str, &str) = ("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n", "{\"a\":");

/// It answers each request with a beginning and then with the same again and again, until the client has gone.
pub(crate) struct Endless {
    pub(crate) address: SocketAddr,
    sent: Arc<AtomicUsize>,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Endless {
    /// How much one client is sent at the most: more than any limit lets through.
    pub(crate) const MOST: usize = 512 << 20;

    pub(crate) fn new(begins: &'static str, again: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sent, ends) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (count, over, block) = (Arc::clone(&sent), Arc::clone(&ends), again.repeat(20_000 / again.len()));
        let serve = move || {
            for stream in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    break;
                }
                let (stream, count, block) = (stream.unwrap(), Arc::clone(&count), block.clone());
                // It ends with its client, which may need this test's own thread to go.
                std::thread::spawn(move || pour(stream, begins, &block, &count));
            }
        };
        Self { address, sent, ends, thread: Some(std::thread::spawn(serve)) }
    }

    /// How many bytes the connection that took most has taken, what is on the way included.
    pub(crate) fn sent(&self) -> usize {
        self.sent.load(Ordering::SeqCst)
    }
}

impl Drop for Endless {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        // It waits for a client.
        let _ = TcpStream::connect(self.address);
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(std::thread::panicking() || matches!(ended, Some(Ok(()))), "the server stopped");
    }
}

fn pour(mut stream: TcpStream, begins: &str, block: &str, count: &AtomicUsize) {
    let mut sent = 0;
    let is_asked = stream.read(&mut [0; 4096]).is_ok_and(|bytes| bytes > 0);
    if !is_asked || stream.write_all(begins.as_bytes()).is_err() {
        return;
    }
    while sent < Endless::MOST && stream.write_all(block.as_bytes()).is_ok() {
        sent += block.len();
        count.fetch_max(sent, Ordering::SeqCst);
    }
}

/// A server that floods who asks with interim answers until something else was done meanwhile on the client's thread; then it answers.
pub(crate) struct Flood {
    pub(crate) address: SocketAddr,
    server: JoinHandle<bool>,
}

impl Flood {
    /// Something else is done by a task of the runtime that this is called in.
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (ask, mut asked) = tokio::sync::mpsc::unbounded_channel();
        let (go_on, goes_on) = mpsc::channel();
        let server = std::thread::spawn(move || flood(&listener, &ask, &goes_on));
        tokio::spawn(async move {
            asked.recv().await;
            let _ = go_on.send(());
        });
        Self { address, server }
    }

    /// Whether something else was done before the flood was over.
    pub(crate) fn left_room(self) -> bool {
        self.server.join().unwrap()
    }
}

fn flood(listener: &TcpListener, ask: &tokio::sync::mpsc::UnboundedSender<()>, goes_on: &mpsc::Receiver<()>) -> bool {
    let (mut stream, _) = listener.accept().unwrap();
    let _ = stream.read(&mut [0; 4096]).unwrap();
    let interim = INTERIM.repeat(4000);
    let mut sent = 0;
    let mut asked = false;
    while sent < FLOOD {
        if stream.write_all(interim.as_bytes()).is_err() {
            break;
        }
        sent += interim.len();
        // More than the sockets hold: it is being read.
        if sent > 12 << 20 && !asked {
            ask.send(()).unwrap();
            asked = true;
        }
        if goes_on.try_recv().is_ok() {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
            return true;
        }
    }
    false
}
