//! A private Redis with a queue, for the demo and for the tests.
//!
//! ```text
//!  home/ (0700, the server's account)   redis.sock · dump.rdb · log      link ──> home, where the path is too long or closed
//!  us ──pipe──> guard (sh) ··· redis-server      the pipe ends without a word: the guard kills the server, empties the home
//! ```
//! It listens on its socket only. It ends with its owner, however that ends.

mod worker;

pub use worker::{PACE, Worker};

use crate::demo::postgres::GUARDED;
use crate::demo::postgres::home::Home;
use crate::demo::postgres::programs::{self, Account, is_program, on_path};
use crate::domain::error::{Error, Result};
use redis::{Connection, FromRedisValue};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take until it answers, and for one answer.
const START_LIMIT: Duration = Duration::from_secs(10);
const ANSWER_LIMIT: Duration = Duration::from_secs(2);
/// How long to wait between two looks.
const LOOK: Duration = Duration::from_millis(5);
/// The programs that serve, the first that is there.
const PROGRAMS: [&str; 2] = ["redis-server", "valkey-server"];
/// How a distribution's package is installed, by the program that does it.
const INSTALLERS: [(&str, &str); 4] = [
    ("apt-get", "apt-get install redis-server"),
    ("dnf", "dnf install valkey"),
    ("pacman", "pacman -S valkey"),
    ("apk", "apk add redis"),
];

/// The queue: jobs that wait, and jobs that a worker has taken.
pub const QUEUE: &str = "job_queue";
/// The list of the jobs that a worker has taken.
pub const TAKEN: &str = "processing";
/// The set of the sessions, each with a key `session:ID` of its own.
pub const SESSIONS: &str = "sessions";
/// How much of each there is in the demo, beside the entries of a cache.
pub const JOBS: usize = 240;
/// How many jobs a worker has taken.
pub const TAKEN_JOBS: usize = 3;
/// How many sessions are open.
pub const OPEN_SESSIONS: usize = 150;
const CACHED: usize = 400;

/// The server's program.
#[must_use]
pub fn program() -> Option<PathBuf> {
    PROGRAMS.iter().find_map(|name| on_path().map(|directory| directory.join(name)).find(|path| is_program(path)))
}

/// What is missing for a private server, with the command that installs it; `None` when nothing is.
#[must_use]
pub fn unavailable() -> Option<String> {
    if program().is_some() {
        return None;
    }
    let installer = INSTALLERS.iter().find(|(name, _)| on_path().any(|at| is_program(&at.join(name))));
    let install = installer.map_or("install Redis", |(_, install)| install);
    Some(format!("Redis is not installed: {install}"))
}

/// A server that lives as long as this value.
#[derive(Debug)]
pub struct PrivateRedis {
    program: PathBuf,
    account: Option<Account>,
    settings: Vec<String>,
    running: Option<Child>,
    // Last: the directory goes after the server.
    home: Home,
}

impl PrivateRedis {
    /// Makes a server at a path that holds nothing, or only what an earlier one left there, and waits until it answers.
    ///
    /// `settings` are those of `redis.conf`, each name with two dashes before it and its values behind it.
    ///
    /// # Errors
    /// Redis is missing, or does not start.
    pub fn start(at: &Path, settings: &[&str]) -> Result<Self> {
        let missing = || unavailable().unwrap_or_else(|| "it is not installed".to_owned());
        let program = program().ok_or_else(|| Error::machine("start Redis", missing()))?;
        let no_account = |_| Error::machine("start Redis", "root has no user nobody to lend it");
        let account = programs::account().map_err(no_account)?;
        let home = Home::make(at, account)?;
        let settings = settings.iter().map(|&word| word.to_owned()).collect();
        let mut server = Self { program, account, settings, running: None, home };
        server.run()?;
        Ok(server)
    }

    /// Starts the server again after [`Self::kill`], and waits until it answers.
    ///
    /// # Errors
    /// It does not start; the error has the end of its log.
    pub fn run(&mut self) -> Result<()> {
        let failed = |cause: io::Error| Error::machine("start Redis", cause);
        let log = File::create(self.log()).map_err(failed)?;
        // What is wrong with its settings goes to the other stream.
        let errors = log.try_clone().map_err(failed)?;
        let mut shell = Command::new("/bin/sh");
        programs::prepare(&mut shell, self.account);
        shell.arg("-c").arg(GUARDED).arg(&self.home.path).arg(&self.program);
        shell.args(["--port", "0", "--daemonize", "no", "--unixsocketperm", "700", "--databases", "4"]);
        shell.args(["--save", "3600", "1", "300", "100", "--maxmemory", "64mb"]);
        shell.arg("--unixsocket").arg(self.socket()).arg("--dir").arg(&self.home.path).args(&self.settings);
        // Signals to our group are not meant for it.
        shell.process_group(0).stdin(Stdio::piped()).stdout(log).stderr(errors);
        // A socket that an earlier one left would be taken for this one's.
        let _ = fs::remove_file(self.socket());
        self.running = Some(shell.spawn().map_err(failed)?);
        let began = Instant::now();
        while self.ask::<String>(&["PING"]).is_err() {
            let ended = self.running.as_mut().is_none_or(|server| !matches!(server.try_wait(), Ok(None)));
            if ended || began.elapsed() > START_LIMIT {
                self.kill();
                return Err(Error::machine("start Redis", self.last_words()));
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// The end of the log.
    fn last_words(&self) -> String {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let last: Vec<&str> = log.lines().rev().take(4).collect();
        last.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// The pid of the server; `None` when it does not run.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.running.as_ref().map(Child::id)
    }

    /// Its socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.home.path.join("redis.sock")
    }

    /// The server's own log.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.home.path.join("log")
    }

    /// How an estate names it.
    #[must_use]
    pub fn url(&self) -> String {
        // What a URL cannot hold as it is: the path of the home is free.
        let mut url = "unix://".to_owned();
        for character in self.socket().to_string_lossy().chars() {
            match character {
                ' ' | '"' | '#' | '%' | '<' | '>' | '?' | '`' | '{' | '}' | '\\' | '^' | '|' => {
                    let mut bytes = [0; 4];
                    for byte in character.encode_utf8(&mut bytes).bytes() {
                        url.push_str(&format!("%{byte:02X}"));
                    }
                }
                plain => url.push(plain),
            }
        }
        url
    }

    fn connect(&self) -> redis::RedisResult<Connection> {
        connect(&self.socket())
    }

    /// Lets a worker work on what [`Self::fill`] put in.
    #[must_use]
    pub fn work(&self) -> Worker {
        Worker::start(self.socket(), PACE)
    }

    /// What the server answers to one command, over a connection of its own.
    ///
    /// # Errors
    /// What the server says, or that it does not.
    pub fn ask<T: FromRedisValue>(&self, words: &[&str]) -> Result<T> {
        let (name, rest) = words.split_first().unwrap_or((&"PING", &[]));
        let asked = self.connect().and_then(|mut connection| redis::cmd(name).arg(rest).query(&mut connection));
        asked.map_err(|cause| Error::machine(format_args!("ask Redis to {name}"), cause))
    }

    /// Puts into it what the demo shows: a queue with jobs that wait and jobs that are taken, sessions, and a cache.
    ///
    /// # Errors
    /// When the server does not take it.
    pub fn fill(&self) -> Result<()> {
        let mut all = redis::pipe();
        for number in 0..JOBS + TAKEN_JOBS {
            let list = if number < TAKEN_JOBS { TAKEN } else { QUEUE };
            let kind = ["render", "mail", "index"].get(number % 3).copied().unwrap_or("mail");
            let job = serde_json::json!({ "id": format!("job-{number:05}"), "kind": kind, "tries": number % 4 / 3 });
            all.cmd("LPUSH").arg(list).arg(job.to_string()).ignore();
        }
        for number in 0..OPEN_SESSIONS {
            let id = format!("s-{:04x}", number * 40_503 % 65_536);
            let user = format!("user-{}", number % 97);
            all.cmd("SADD").arg(SESSIONS).arg(&id).ignore();
            all.cmd("SET").arg(format!("session:{id}")).arg(user).arg("EX").arg(1800 + number * 60).ignore();
        }
        for number in 0..CACHED {
            let page = "x".repeat(200 + number % 7 * 300);
            all.cmd("SET").arg(format!("cache:page:{number}")).arg(page).arg("EX").arg(600 + number).ignore();
        }
        let filled = self.connect().and_then(|mut connection| all.query::<()>(&mut connection));
        filled.map_err(|cause| Error::machine("fill Redis", cause))
    }

    /// Ends it at once; what it had not saved is lost.
    pub fn kill(&mut self) {
        let Some(mut server) = self.running.take() else { return };
        // Waiting would close the pipe, and the guard would take that for our end.
        let guard = server.stdin.take();
        // It may have ended already; then there is nothing to kill and its status to collect.
        let _ = server.kill();
        let _ = server.wait();
        // The guard has nothing left to do.
        if let Some(mut guard) = guard {
            let _ = guard.write_all(b"ended\n");
        }
    }
}

/// A connection to the server behind a socket.
fn connect(socket: &Path) -> redis::RedisResult<Connection> {
    let place = redis::ConnectionAddr::Unix(socket.to_owned());
    let connection = redis::Client::open(place)?.get_connection_with_timeout(ANSWER_LIMIT)?;
    connection.set_read_timeout(Some(ANSWER_LIMIT))?;
    Ok(connection)
}

impl Drop for PrivateRedis {
    fn drop(&mut self) {
        self.kill();
    }
}

#[cfg(test)]
mod tests;
