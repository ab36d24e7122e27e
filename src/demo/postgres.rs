//! A private PostgreSQL server, for the demo and for the tests.
//!
//! ```text
//!  home/ (0700, the server's account)   data/ · log · .s.PGSQL.5432      link ──> home, where the path is too long or closed
//!  us ──pipe──> guard (sh) ··· postgres      the pipe ends without a word: the guard kills the server and empties the home
//! ```
//! It listens on a unix socket in its home, and on loopback only when asked. It ends with its owner, however that ends.

pub(in crate::demo) mod home;
mod process;
pub mod programs;

pub use process::Cancel;

use crate::demo::postgres::home::Home;
use crate::demo::postgres::process::{LOOK, finish};
use crate::demo::postgres::programs::{Account, Programs};
use crate::domain::error::{Error, Result};
use rustix::process::{Pid, Signal, kill_process};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The superuser.
pub const SUPERUSER: &str = "postgres";

/// How long a server may take until it accepts connections, and until it has ended.
const START_LIMIT: Duration = Duration::from_secs(30);
const STOP_LIMIT: Duration = Duration::from_secs(10);
/// Runs the server in its own place, with a guard that reads the pipe: a line means that all is ok, its end that the owner is gone.
/// A server that ignores QUIT, as a background process of a shell does, is killed after five seconds.
pub(in crate::demo) const GUARDED: &str = r#"exec 3<&0
{ read -r _ || { kill -QUIT $$; i=0; while kill -0 $$ && [ $i -lt 100 ]; do i=$((i + 1)); sleep 0.05; done
    kill -KILL $$; rm -rf "$0"; }; } \
    <&3 >/dev/null 2>&1 &
exec "$@" 3<&- </dev/null"#;
/// How many scripts were run.
static SCRIPTS: AtomicU64 = AtomicU64::new(0);
/// What keeps a private server small and quiet.
const SMALL: &str = "shared_buffers = 16MB\nmax_wal_size = 64MB\nmin_wal_size = 4MB\njit = off\nlog_line_prefix = '%m [%p] '\n\
    log_timezone = UTC\ntimezone = UTC\nunix_socket_permissions = 0700\n";

/// What a private server is to be like.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// Whether it survives a power failure, and not only its own; without, it is much faster.
    pub durable: bool,
    /// Whether it listens on 127.0.0.1, too, on a port that is free.
    pub tcp: bool,
    /// The certificate and the key, in PEM, with which it offers TLS.
    pub tls: Option<(String, String)>,
    /// Lines of `pg_hba.conf` that go before its own, which trust everyone who reaches the socket.
    pub access: String,
    /// Lines of `postgresql.conf`.
    pub settings: String,
    /// A data directory of a stopped server to copy; a new one is made otherwise.
    pub copy_of: Option<PathBuf>,
}

/// A server that lives as long as this value.
#[derive(Debug)]
pub struct PrivatePostgres {
    cancel: Cancel,
    programs: Programs,
    account: Option<Account>,
    port: u16,
    running: Option<Child>,
    // Last: the directory goes after the server.
    home: Home,
}

impl PrivatePostgres {
    /// Makes a server at a path that holds nothing, or only what an earlier one left there, and waits until it answers.
    ///
    /// # Errors
    /// PostgreSQL is missing, or does not start.
    pub fn start(at: &Path, setup: &Setup) -> Result<Self> {
        let mut server = Self::settle(at, setup)?;
        server.make(setup)?;
        Ok(server)
    }

    /// Makes what [`Self::settle`] has prepared, and waits until it answers.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn make(&mut self, setup: &Setup) -> Result<()> {
        match &setup.copy_of {
            Some(from) => self.copy(from)?,
            None => self.initialise()?,
        }
        self.configure(setup)?;
        self.run()
    }

    /// Makes a streaming standby of a running server, and waits until it answers.
    ///
    /// # Errors
    /// As [`Self::start`]; or the primary cannot be copied.
    pub fn standby(at: &Path, primary: &Self, setup: &Setup) -> Result<Self> {
        let mut server = Self::settle(at, setup)?;
        let mut copy = server.programs.command("pg_basebackup", server.account);
        copy.args(["--checkpoint=fast", "--no-sync", "--write-recovery-conf", "--wal-method=stream"]);
        copy.arg("--pgdata").arg(server.data()).arg("--dbname").arg(primary.conninfo(SUPERUSER));
        finish(copy, "copy the primary", &server.cancel)?;
        server.configure(setup)?;
        server.run()?;
        Ok(server)
    }

    /// Finds the programs and a place for a server that is yet to be made; its address is known from then on.
    ///
    /// # Errors
    /// PostgreSQL is missing, or the place cannot be made.
    pub fn settle(at: &Path, setup: &Setup) -> Result<Self> {
        let missing = || programs::unavailable().unwrap_or_else(|| "it is not installed".to_owned());
        let programs = Programs::find().ok_or_else(|| Error::machine("start PostgreSQL", missing()))?;
        let account = programs::account()?;
        let home = Home::make(at, account)?;
        let port = if setup.tcp { free_port()? } else { 5432 };
        Ok(Self { cancel: Cancel::default(), programs, account, port, running: None, home })
    }

    /// What ends its making early.
    #[must_use]
    pub fn cancel(&self) -> Cancel {
        self.cancel.clone()
    }

    fn initialise(&self) -> Result<()> {
        let mut make = self.programs.command("initdb", self.account);
        make.args(["--auth=trust", "--no-sync", "--no-instructions", "--encoding=UTF8", "--locale=C"]);
        // Small segments: a new server is half as large.
        make.args(["--wal-segsize=1", "--username", SUPERUSER, "--pgdata"]).arg(self.data());
        finish(make, "make a database cluster", &self.cancel).map(drop)
    }

    fn copy(&self, from: &Path) -> Result<()> {
        let mut copy = Command::new("cp");
        programs::prepare(&mut copy, self.account);
        copy.arg("-a").arg(from).arg(self.data());
        finish(copy, "copy a database cluster", &self.cancel).map(drop)
    }

    fn configure(&self, setup: &Setup) -> Result<()> {
        let mut text = format!("port = {}\nunix_socket_directories = '{}'\n", self.port, quoted(&self.home.path)?);
        let _ = writeln!(text, "listen_addresses = '{}'\n{SMALL}", if setup.tcp { "127.0.0.1" } else { "" });
        if !setup.durable {
            text.push_str("fsync = off\nfull_page_writes = off\n");
        }
        if let Some((certificate, key)) = &setup.tls {
            self.write("server.crt", certificate, false)?;
            self.write("server.key", key, false)?;
            text.push_str("ssl = on\nssl_cert_file = 'server.crt'\nssl_key_file = 'server.key'\n");
        }
        text.push_str(&setup.settings);
        self.write("midwatch.conf", &text, false)?;
        self.write("postgresql.conf", "include = 'midwatch.conf'\n", true)?;
        let access = format!("{}\nlocal all all trust\nlocal replication all trust\n", setup.access);
        self.write("pg_hba.conf", &access, false)
    }

    /// Writes a file of the data directory, as a file of the server's account that no other user reads.
    fn write(&self, name: &str, text: &str, add: bool) -> Result<()> {
        use std::os::unix::fs::OpenOptionsExt;
        let path = self.data().join(name);
        let mut how = fs::OpenOptions::new();
        how.create(true).write(true).append(add).truncate(!add).mode(0o600);
        let written = how.open(&path).and_then(|mut file| file.write_all(text.as_bytes()));
        let owned = written.and_then(|()| match self.account {
            Some(account) => chown(&path, Some(account.user), Some(account.group)),
            None => Ok(()),
        });
        owned.map_err(|cause| Error::machine(format_args!("write {}", path.display()), cause))
    }

    /// Starts the server again after [`Self::stop`] or [`Self::kill`], and waits until it answers.
    ///
    /// # Errors
    /// It does not start; the error has the end of its log.
    pub fn run(&mut self) -> Result<()> {
        let began = Instant::now();
        loop {
            self.launch()?;
            match self.settled(began) {
                Ok(()) => return Ok(()),
                // The processes of a server that was killed are still ending.
                Err(error) if error.message.contains("still in use") && began.elapsed() < START_LIMIT => {
                    std::thread::sleep(LOOK);
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn launch(&mut self) -> Result<()> {
        let failed = |cause: io::Error| Error::machine("start PostgreSQL", cause);
        let log = File::create(self.log()).map_err(failed)?;
        let mut shell = Command::new("/bin/sh");
        programs::prepare(&mut shell, self.account);
        shell.arg("-c").arg(GUARDED).arg(&self.home.path);
        shell.arg(self.programs.directory.join("postgres")).arg("-D").arg(self.data());
        // Signals to our group are not meant for it.
        shell.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log);
        self.running = Some(shell.spawn().map_err(failed)?);
        Ok(())
    }

    /// Waits until the server that was launched accepts connections.
    fn settled(&mut self, began: Instant) -> Result<()> {
        loop {
            let ended = self.running.as_mut().is_none_or(|server| !matches!(server.try_wait(), Ok(None)));
            if ended || began.elapsed() > START_LIMIT || self.cancel.is_wanted() {
                self.kill();
                return Err(Error::machine("start PostgreSQL", self.last_words()));
            }
            if self.is_ready() {
                return Ok(());
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Whether `postmaster.pid` is this server's, and says in its eighth line that it accepts connections.
    fn is_ready(&self) -> bool {
        let text = fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
        let mut lines = text.lines();
        let own = lines.next().and_then(|pid| pid.parse().ok());
        own.is_some() && own == self.pid() && lines.nth(6).is_some_and(|state| state.trim_end() == "ready")
    }

    /// The end of the log.
    fn last_words(&self) -> String {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let last: Vec<&str> = log.lines().rev().take(6).collect();
        last.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// The pid of the server's first process; `None` when it does not run.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.running.as_ref().map(Child::id)
    }

    /// Its port: of the name of its socket, and of loopback where it listens there.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The directory of its socket.
    #[must_use]
    pub fn socket_directory(&self) -> &Path {
        &self.home.path
    }

    /// Its data directory; of a stopped server, it can be copied into another one.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.home.path.join("data")
    }

    /// The server's own log.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.home.path.join("log")
    }

    /// How the superuser reaches a database through the socket, as a libpq string.
    #[must_use]
    pub fn conninfo(&self, database: &str) -> String {
        self.conninfo_as(SUPERUSER, database)
    }

    /// How a role reaches a database through the socket, as a libpq string.
    #[must_use]
    pub fn conninfo_as(&self, role: &str, database: &str) -> String {
        let host = self.home.path.to_string_lossy();
        format!("host={} port={} user={} dbname={}", value(&host), self.port, value(role), value(database))
    }

    /// Runs a script of SQL as the superuser, up to its first error; gives what it answers, one row a line, `|` between columns.
    ///
    /// # Errors
    /// What the server says.
    pub fn sql(&self, database: &str, script: &str) -> Result<String> {
        let mut run = self.programs.command("psql", self.account);
        run.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-", "-d"]).arg(self.conninfo(database));
        let input = self.home.path.join(format!("script-{}", SCRIPTS.fetch_add(1, Ordering::Relaxed)));
        let written = fs::write(&input, script).and_then(|()| File::open(&input));
        let _ = fs::remove_file(&input);
        run.stdin(written.map_err(|cause| Error::machine("write a script of SQL", cause))?);
        finish(run, "run SQL", &self.cancel).map(|answer| answer.trim_end().to_owned())
    }

    /// Ends it as an administrator would: sessions are closed, everything is written.
    pub fn stop(&mut self) {
        self.end(Signal::INT);
    }

    /// Ends it like a crash.
    pub fn kill(&mut self) {
        self.end(Signal::KILL);
    }

    fn end(&mut self, signal: Signal) {
        let Some(mut server) = self.running.take() else { return };
        let pid = i32::try_from(server.id()).ok().and_then(Pid::from_raw);
        let began = Instant::now();
        let mut signals = [signal, Signal::QUIT, Signal::KILL].into_iter();
        let mut next = began;
        // Until it is collected, no other process has its pid.
        while matches!(server.try_wait(), Ok(None)) && began.elapsed() < STOP_LIMIT * 3 {
            if Instant::now() >= next {
                if let (Some(pid), Some(signal)) = (pid, signals.next()) {
                    let _ = kill_process(pid, signal);
                }
                next += STOP_LIMIT;
            }
            std::thread::sleep(LOOK);
        }
        // The guard has nothing left to do.
        if let Some(mut guard) = server.stdin.take() {
            let _ = guard.write_all(b"ended\n");
        }
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        self.end(Signal::QUIT);
    }
}

/// Removes what a server left at a path whose owner was killed.
///
/// # Errors
/// When it cannot be removed.
pub fn clear(at: &Path) -> Result<()> {
    home::clear(at).map_err(|cause| Error::machine(format_args!("remove {}", at.display()), cause))
}

/// A port of loopback on which nothing listens at this moment.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let address = listener.and_then(|listener| listener.local_addr());
    address.map(|address| address.port()).map_err(|cause| Error::machine("find a free port", cause))
}

/// A path as a value of `postgresql.conf`, between single quotes.
fn quoted(path: &Path) -> Result<String> {
    let text = path.to_str().filter(|text| !text.contains([',', '"', '\n']));
    let text =
        text.ok_or_else(|| Error::machine(format_args!("use {}", path.display()), "PostgreSQL cannot name it"))?;
    Ok(text.replace('\\', "\\\\").replace('\'', "''"))
}

/// A value of a libpq string.
fn value(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests;
