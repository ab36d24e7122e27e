//! Receivers of notices: an HTTP server and an SMTP server on the loopback, as small as they can be and as real.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What a server does with those who come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Takes everything.
    Takes,
    /// Refuses everything.
    Refuses,
    /// Takes everything in, and never answers.
    Hangs,
}

/// A server with the requests that it got.
pub struct Post {
    /// Where it listens.
    pub address: SocketAddr,
    received: Arc<Mutex<Vec<String>>>,
    manner: Arc<Mutex<Manner>>,
}

impl Post {
    /// An HTTP server: each request is one text, its head and its body.
    pub fn http(manner: Manner) -> Self {
        Self::serve(manner, |stream, manner, mutex| drop(http(&stream, manner, mutex)))
    }

    /// An SMTP server: each letter is one text, the commands before it and its content.
    pub fn smtp(manner: Manner) -> Self {
        Self::serve(manner, |stream, manner, mutex| drop(smtp(&stream, manner, mutex)))
    }

    fn serve(manner: Manner, answer: fn(TcpStream, Manner, &Mutex<Vec<String>>)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (arc, manner) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(manner)));
        let (told_there, manner_there) = (Arc::clone(&arc), Arc::clone(&manner));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (output, manner) = (Arc::clone(&told_there), *manner_there.lock().unwrap());
                std::thread::spawn(move || answer(stream, manner, &output));
            }
        });
        Self { address, received: arc, manner }
    }

    /// The requests so far.
    pub fn received(&self) -> Vec<String> {
        self.received.lock().unwrap().clone()
    }

    /// Changes its manner for the next client.
    pub fn turn(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }
}

fn http(stream: &TcpStream, manner: Manner, mutex: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut head = String::new();
    while reader.read_line(&mut head)? > 2 {}
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    mutex.lock().unwrap().push(head + &String::from_utf8_lossy(&body));
    let status = if manner == Manner::Refuses { "503 Busy" } else { "200 OK" };
    if manner == Manner::Hangs {
        // Until the other side gives up.
        let _ = reader.read(&mut [0]);
        return Ok(());
    }
    (&mut &*stream).write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").as_bytes())
}

fn smtp(stream: &TcpStream, manner: Manner, mutex: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let describe = |line: &str| (&mut &*stream).write_all(format!("{line}\r\n").as_bytes());
    describe("220 test")?;
    let mut letter = String::new();
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 {
        let word = line.split_whitespace().next().unwrap_or_default().to_uppercase();
        letter.push_str(&line);
        match word.as_str() {
            "EHLO" => describe("250-test\r\n250-8BITMIME\r\n250 AUTH PLAIN")?,
            "AUTH" => describe("235 in")?,
            "RCPT" if manner == Manner::Refuses => describe("550 nobody here, hunter2")?,
            "DATA" => {
                describe("354 go on")?;
                while !letter.ends_with("\r\n.\r\n") && reader.read_line(&mut letter)? > 0 {}
                mutex.lock().unwrap().push(std::mem::take(&mut letter));
                if manner == Manner::Hangs {
                    let _ = reader.read(&mut [0]);
                    return Ok(());
                }
                describe("250 taken")?;
            }
            "QUIT" => return describe("221 bye"),
            _ => describe("250 well")?,
        }
        line.clear();
    }
    Ok(())
}
