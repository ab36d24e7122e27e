//! Every source at once: the real program on an estate that has one of each, with private servers behind it.

pub mod bus;
mod check;
mod cpu;
mod endpoint;
mod keys;
mod losing;
mod masked;
mod mounted;
mod past;
mod secrets;
mod stalled;
mod units;
mod wallboard;

use crate::support::estate::{Estate, Printed, finish, wait_for};
use crate::support::pty::Pty;
use bus::Bus;
use endpoint::{Endpoint, Tls, freeze};
use midwatch::demo::postgres::{PrivatePostgres, Setup};
use midwatch::demo::redis::PrivateRedis;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

/// The passwords: bytes that nothing else has.
const PG_PASSWORD: &str = "xyzzy-Elephant-4471";
const REDIS_PASSWORD: &str = "plugh-Camel-9983";

/// Longer than anything that a source keeps a console waiting for.
const LONG: Duration = Duration::from_secs(60);

/// An estate with one of each source.
pub struct World {
    pub estate: Estate,
    pub postgres: PrivatePostgres,
    pub redis: PrivateRedis,
    pub web: Endpoint,
    pub tls: Tls,
    pub bus: Bus,
}

/// Where a server of these tests lives: a short path.
fn place() -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("midwatch-faults-{}-{number}", std::process::id()))
}

/// A server with a role that needs its password over loopback, and a table of which two thirds are nothing.
fn postgres() -> PrivatePostgres {
    let access = "host all watch 127.0.0.1/32 scram-sha-256\n".to_owned();
    let settings = "autovacuum = off\n".to_owned();
    let server = PrivatePostgres::start(&place(), &Setup { tcp: true, access, settings, ..Setup::default() }).unwrap();
    let roles = format!("CREATE ROLE watch LOGIN PASSWORD '{PG_PASSWORD}' IN ROLE pg_monitor, pg_read_all_data;");
    server.sql("postgres", &roles).unwrap();
    server.sql("postgres", "CREATE DATABASE shop;").unwrap();
    let table = "CREATE TABLE orders (id int PRIMARY KEY, note text);
        INSERT INTO orders SELECT n, repeat('x', 100) FROM generate_series(1, 20000) n;
        DELETE FROM orders WHERE id % 3 <> 0;";
    server.sql("shop", table).unwrap();
    // In a session of its own: the first one tells what it has deleted when it ends.
    server.sql("shop", "VACUUM ANALYZE orders;").unwrap();
    server
}

/// A server whose user `watch` needs a password.
fn redis() -> PrivateRedis {
    let password = format!(">{REDIS_PASSWORD}");
    let server = PrivateRedis::start(&place(), &["--user", "watch", "on", &password, "~*", "&*", "+@all"]).unwrap();
    server.fill().unwrap();
    server
}

/// Writes a file of so many bytes that is so many hours old.
fn aged(path: &Path, bytes: usize, hours: u64) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, vec![b'b'; bytes]).unwrap();
    let at = SystemTime::now() - Duration::from_secs(hours * 3600);
    fs::File::options().write(true).open(path).unwrap().set_modified(at).unwrap();
}

impl World {
    /// Starts all of it.
    pub fn start() -> Self {
        let estate = Estate::default();
        let (postgres, redis) = (postgres(), redis());
        let tls = Tls::start(&estate.tree(""));
        let bus = Bus::start(&estate.tree(""));
        let estate = estate.with("DBUS_SYSTEM_BUS_ADDRESS", &bus.address()).with("CACHE_PASSWORD", REDIS_PASSWORD);
        let world = Self { estate, postgres, redis, web: Endpoint::http(), tls, bus };
        world.write_files();
        world.write_estate(&world.entries());
        world
    }

    fn write_files(&self) {
        let secret = self.estate.beside("pg.secret");
        fs::write(&secret, format!("{PG_PASSWORD}\n")).unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
        for day in 0..5 {
            aged(&self.estate.tree(&format!("backups/fresh/set-{day}.dump")), 4096, 1 + day * 24);
            aged(&self.estate.tree(&format!("backups/stale/set-{day}.dump")), 4096, 60 + day * 24);
        }
        fs::create_dir_all(self.estate.tree("backups/none")).unwrap();
    }

    /// The estate file with these entries.
    pub fn write_estate(&self, entries: &str) {
        let text = format!("schema = 1\nname = \"faults\"\nenvironment = \"other\"\n{entries}");
        fs::write(self.estate.beside("midwatch.toml"), text).unwrap();
    }

    /// The entries of every server.
    pub fn servers(&self) -> String {
        let (secret, root) = (self.estate.beside("pg.secret"), self.tls.root.display());
        let (redis, port) = (self.redis.url(), self.postgres.port());
        let (web, tls) = (self.web.address, self.tls.endpoint.address);
        let unit = bus::UNIT;
        format!(
            r#"
[secrets]
pg = "file:{}"
cache = "env:CACHE_PASSWORD"
[[service]]
name = "web"
url = "http://{web}/health"
timeout = "1s"
every = "1s"
[[unit]]
name = "{unit}"
[[postgres]]
name = "main"
watch = "host=127.0.0.1 port={port} user=watch dbname=shop connect_timeout=2 password=secret:pg"
[[redis]]
name = "cache"
url = "{redis}?user=watch"
password = "secret:cache"
[[certificate]]
name = "served"
connect = "{tls}"
server_name = "fine.test"
ca = "{root}"
"#,
            secret.display()
        )
    }

    /// The entries of everything.
    pub fn entries(&self) -> String {
        let tree = self.estate.tree("");
        let tree = tree.to_str().unwrap().trim_end_matches('/');
        let (tls, root) = (self.tls.endpoint.address, self.tls.root.display());
        let (fine, expired) = (self.tls.fine.display(), self.tls.expired.display());
        let mut text = self.servers();
        text.push_str(&format!(
            r#"
[[certificate]]
name = "served-expired"
connect = "{tls}"
server_name = "expired.test"
ca = "{root}"
[[certificate]]
name = "file"
file = "{fine}"
[[certificate]]
name = "file-expired"
file = "{expired}"
[[mount]]
path = "{tree}"
"#
        ));
        for set in ["fresh", "stale", "none"] {
            let max = "max_age = \"26h\"";
            text.push_str(&format!("[[backup]]\nname = \"{set}\"\nfiles = \"{tree}/backups/{set}/*.dump\"\n{max}\n"));
        }
        text
    }

    /// Ends every server.
    pub fn lose(&mut self) {
        self.postgres.stop();
        self.redis.kill();
        self.web.stop();
        self.tls.endpoint.stop();
        self.bus.stop();
    }

    /// Stops every server where it is, or lets it go on.
    pub fn freeze(&self, frozen: bool) {
        let servers = [self.postgres.pid(), self.redis.pid(), self.bus.pid()];
        servers.into_iter().flatten().for_each(|pid| freeze(pid, frozen));
        for endpoint in [&self.web, &self.tls.endpoint] {
            endpoint.hang(frozen);
        }
    }

    /// Starts every server again, where it was before.
    pub fn come_back(&mut self) {
        self.postgres.run().unwrap();
        self.redis.run().unwrap();
        self.web.come_back();
        self.tls.endpoint.come_back();
        self.bus.come_back();
    }

    /// Midwatch in a terminal, on this estate.
    pub fn open(&self, arguments: &[&str], size: (u16, u16)) -> Pty {
        self.open_with(arguments, &[], size)
    }

    /// The same with more variables.
    pub fn open_with(&self, arguments: &[&str], more: &[(&str, &str)], size: (u16, u16)) -> Pty {
        let command = self.estate.command(&[]);
        let text = |text: &std::ffi::OsStr| text.to_str().unwrap().to_owned();
        let own: Vec<(String, String)> =
            command.get_envs().filter_map(|(name, value)| Some((text(name), text(value?)))).collect();
        let own = own.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let environment: Vec<_> = own.chain(more.iter().copied()).collect();
        Pty::spawn(crate::support::estate::BINARY, arguments, &environment, size)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // What stands still does not end.
        self.freeze(false);
    }
}
