//! A file system in user space whose server can be stopped, like a file server that is gone: a process that reads it then waits.
//!
//! It is mounted in a mount namespace of its own, so that no other test sees it; what is to see it is started there.

use crate::support::estate::{Estate, Printed, finish, wait_for};
use crate::support::pty::Pty;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// A mirror of a directory, served by bindfs; gone when it is dropped.
pub struct Mirror {
    dir: tempfile::TempDir,
    server: Child,
}

impl Mirror {
    /// Mounts it; needs root.
    #[track_caller]
    pub fn mount() -> Self {
        let dir = tempfile::Builder::new().prefix("mw-").tempdir().unwrap();
        for below in ["source", "m"] {
            fs::create_dir(dir.path().join(below)).unwrap();
        }
        // Nothing is kept in the kernel, so that each look reaches the server.
        let server = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "bindfs", "-f"])
            .args(["-o", "attr_timeout=0,entry_timeout=0,negative_timeout=0"])
            .args([dir.path().join("source"), dir.path().join("m")])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mirror = Self { dir, server };
        let table = || fs::read_to_string(format!("/proc/{}/mountinfo", mirror.server.id())).unwrap_or_default();
        wait_for("a mount by bindfs", || table().contains(&mirror.at("")).then_some(()));
        mirror
    }

    /// A path in it.
    pub fn at(&self, below: &str) -> String {
        self.dir.path().join("m").join(below).display().to_string().trim_end_matches('/').to_owned()
    }

    /// The same path behind it, which always answers.
    pub fn behind(&self, below: &str) -> PathBuf {
        self.dir.path().join("source").join(below)
    }

    /// Stops the server: from now on nothing answers.
    #[track_caller]
    pub fn stop(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    #[track_caller]
    pub fn go_on(&self) {
        self.signal("-CONT");
    }

    #[track_caller]
    fn signal(&self, signal: &str) {
        let mut command = Command::new("kill");
        command.args([signal, &self.server.id().to_string()]);
        finish(command).exits(0);
    }

    /// The estate's program where it sees the mount, without the variables of these names.
    pub fn midwatch(&self, estate: &Estate, without: &[&str], args: &[&str]) -> Printed {
        let inner = estate.command(args);
        let mut command = Command::new("nsenter");
        command.args(self.enter()).arg(inner.get_program()).args(inner.get_args()).env_clear();
        let variables = inner.get_envs().filter_map(|(name, value)| Some((name, value?)));
        command.envs(variables.filter(|(name, _)| !without.iter().any(|other| name == other)));
        finish(command)
    }

    /// The same on a terminal.
    pub fn terminal(&self, estate: &Estate, without: &[&str], args: &[&str], size: (u16, u16)) -> Pty {
        let inner = estate.command(args);
        let mut arguments = self.enter();
        arguments.push(inner.get_program().to_str().unwrap().to_owned());
        arguments.extend(args.iter().map(|arg| (*arg).to_owned()));
        let settings = inner.get_envs().filter_map(|(name, value)| Some((name.to_str()?, value?.to_str()?)));
        let settings: Vec<_> = settings.filter(|(name, _)| !without.contains(name)).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        Pty::spawn("nsenter", &arguments, &settings, size)
    }

    fn enter(&self) -> Vec<String> {
        ["--target", &self.server.id().to_string(), "--mount", "--"].map(str::to_owned).into()
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        // The mount ends with its server, and a process that still waits in it gets an error.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
