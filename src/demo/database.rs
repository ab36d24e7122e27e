//! The demo's database: a private PostgreSQL with something to look at, made beside everything else.
//!
//! Its address is known from the first moment, so that the estate file can name it; the server and what is in it come up while the
//! console is open already.

use crate::demo::postgres::{Cancel, PrivatePostgres, Setup, clear as clear_server, programs};
use crate::domain::error::{Error, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

/// The database, and its name in the estate.
pub const NAME: &str = "novacron";
/// The role that only looks, and the one that owns the tables.
const WATCH: &str = "midwatch_watch";
const ACT: &str = "midwatch_act";
/// The server's home below the demo's directory, and the file that says why there is none.
const HOME: &str = "postgres";
const FAILED: &str = "postgres.failed";

/// The roles and the database: run once, in the server's own database.
const ROLES: &str = include_str!("database/roles.sql");
/// What is in the database, each run in turn as the owner of the tables.
const CONTENT: [&str; 3] =
    [include_str!("database/tables.sql"), include_str!("database/bloat.sql"), include_str!("database/settle.sql")];

/// A database that lives as long as this value.
#[derive(Debug)]
pub struct Database {
    /// How the role that only looks reaches it, as a libpq string.
    pub watch: String,
    /// How the role that owns the tables reaches it.
    pub act: String,
    cancel: Cancel,
    /// Dropped to end it.
    wanted: Option<Sender<()>>,
    maker: Option<JoinHandle<()>>,
}

impl Database {
    /// Begins to make it; `None` where PostgreSQL is not installed.
    ///
    /// # Errors
    /// It is installed, and no place can be made for it.
    pub fn start(dir: &Path) -> Result<Option<Self>> {
        if programs::unavailable().is_some() {
            return Ok(None);
        }
        // Autovacuum would tidy up what is there to be found.
        let setup = Setup { settings: "autovacuum = off\n".to_owned(), ..Setup::default() };
        let server = PrivatePostgres::settle(&dir.join(HOME), &setup)?;
        let (watch, act) = (server.conninfo_as(WATCH, NAME), server.conninfo_as(ACT, NAME));
        let cancel = server.cancel();
        let (wanted, needed) = channel();
        let failed = dir.join(FAILED);
        let maker = std::thread::Builder::new().name("database".to_owned());
        let maker = maker.spawn(move || keep(server, &setup, &needed, &failed));
        let maker = maker.map_err(|cause| Error::machine("start a thread", cause))?;
        Ok(Some(Self { watch, act, cancel, wanted: Some(wanted), maker: Some(maker) }))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.cancel.cancel();
        drop(self.wanted.take());
        // The server and its directory go with the thread that owns them.
        let _ = self.maker.take().map(JoinHandle::join);
    }
}

/// Makes the server and what is in it, and keeps it until no one needs it.
fn keep(mut server: PrivatePostgres, setup: &Setup, needed: &Receiver<()>, failed: &PathBuf) {
    if let Err(error) = make(&mut server, setup) {
        // The row of the database shows that nothing listens; this shows why.
        let _ = fs::write(failed, format!("{error}\n"));
    }
    let _ = needed.recv();
}

fn make(server: &mut PrivatePostgres, setup: &Setup) -> Result<()> {
    server.make(setup)?;
    server.sql("postgres", ROLES)?;
    for script in CONTENT {
        server.sql(NAME, &format!("SET ROLE {ACT};\n{script}"))?;
    }
    Ok(())
}

/// Removes what the database of a keeper that was killed has left below a demo's directory.
///
/// # Errors
/// When it cannot be removed.
pub fn clear(dir: &Path) -> Result<()> {
    clear_server(&dir.join(HOME))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn it_comes_up_for_both_roles_and_goes_with_its_value() {
        let dir = tempfile::tempdir().unwrap();
        let Some(database) = Database::start(dir.path()).unwrap() else {
            assert!(programs::unavailable().is_some());
            return;
        };
        let programs = programs::Programs::find().unwrap();
        let ask = |conninfo: &str, question: &str| {
            let psql = std::process::Command::new(programs.directory.join("psql"));
            let mut psql = psql;
            let output = psql.args(["-XAtc", question, "-d", conninfo]).output().unwrap();
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        let began = Instant::now();
        while ask(&database.watch, "SELECT count(*) > 0 FROM pg_stat_user_tables WHERE n_dead_tup > 0") != "t" {
            assert!(began.elapsed() < Duration::from_secs(60), "{:?}", fs::read_to_string(dir.path().join(FAILED)));
            std::thread::sleep(Duration::from_millis(20));
        }
        let owned = "SELECT bool_and(pg_get_userbyid(relowner) = 'midwatch_act') FROM pg_class \
            WHERE relnamespace = 'public'::regnamespace";
        assert_eq!(ask(&database.act, owned), "t");
        assert_eq!(ask(&database.watch, "DELETE FROM tasks"), "", "the role that looks cannot act");
        assert_eq!(ask(&database.act, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"), "f");
        drop(database);
        assert!(fs::symlink_metadata(dir.path().join(HOME)).is_err());
    }

    #[test]
    fn one_that_is_not_wanted_any_more_ends_at_once() {
        let dir = tempfile::tempdir().unwrap();
        drop(Database::start(dir.path()).unwrap());
        assert!(fs::symlink_metadata(dir.path().join(HOME)).is_err());
    }
}
