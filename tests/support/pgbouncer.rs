//! A real PgBouncer before a private PostgreSQL.

use crate::support::estate::wait_for;
use midwatch::demo::postgres::PrivatePostgres;
use std::fs::{self, File, Permissions};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tokio_postgres::{NoTls, SimpleQueryMessage};

/// The setting in PgBouncer's manual for drivers that send these startup parameters.
pub const IGNORING: &str = "ignore_startup_parameters = options,extra_float_digits\n";

/// A pooler with one server connection, which it hands from client to client. It lives as long as this value.
pub struct PgBouncer {
    running: Child,
    port: u16,
    _place: tempfile::TempDir,
}

impl PgBouncer {
    /// Starts one in a pooling mode, and waits until it listens.
    pub fn start(postgres: &PrivatePostgres, mode: &str, more: &str) -> Self {
        let place = tempfile::tempdir().unwrap();
        fs::set_permissions(place.path(), Permissions::from_mode(0o755)).unwrap();
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let users = place.path().join("users.txt");
        fs::write(&users, "\"postgres\" \"\"\n").unwrap();
        let settings = format!(
            "[databases]\n* = host={} port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = trust\nauth_file = {}\npool_mode = {mode}\ndefault_pool_size = 1\n{more}",
            postgres.socket_directory().display(),
            postgres.port(),
            users.display(),
        );
        let file = place.path().join("pgbouncer.ini");
        fs::write(&file, settings).unwrap();
        let log = File::create(place.path().join("log")).unwrap();
        let mut command = Command::new(program());
        command.arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).current_dir("/");
        // It refuses root, as PostgreSQL does: the account of the server serves both.
        if rustix::process::geteuid().is_root() {
            let owner = fs::metadata(postgres.data()).unwrap();
            command.uid(owner.uid()).gid(owner.gid());
        }
        let mut running = command.spawn().unwrap();
        wait_for("a PgBouncer that listens", || {
            assert!(running.try_wait().unwrap().is_none(), "{}", fs::read_to_string(place.path().join("log")).unwrap());
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()
        });
        Self { running, port, _place: place }
    }

    /// The way through it, as a libpq string.
    pub fn conninfo(&self) -> String {
        format!("host=127.0.0.1 port={} user=postgres dbname=postgres sslmode=disable", self.port)
    }

    /// What an application finds that gets the pooler's one server connection: each column of one row.
    pub async fn seen(&self, sql: &str) -> Vec<String> {
        let (client, connection) = tokio_postgres::connect(&self.conninfo(), NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        let rows = client.simple_query(sql).await.unwrap();
        let row = rows.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        let row = row.unwrap();
        let seen = (0..row.len()).map(|place| row.get(place).unwrap_or_default().to_owned()).collect();
        drop(client);
        let _ = connection.await;
        seen
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _ = self.running.kill();
        let _ = self.running.wait();
    }
}

/// Debian puts it where only root's path leads.
fn program() -> &'static Path {
    let places = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/usr/local/bin/pgbouncer"].map(Path::new);
    places.into_iter().find(|place| place.exists()).expect("PgBouncer is not installed: apt-get install pgbouncer")
}
