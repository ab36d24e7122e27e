//! A small file system of its own, for what happens when one is full or read-only.

use crate::support::estate::finish;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A tmpfs, unmounted when it is dropped.
pub struct Disk {
    at: tempfile::TempDir,
    filler: PathBuf,
}

impl Disk {
    /// Mounts a file system of so many KiB; needs root.
    #[track_caller]
    pub fn mount(kib: u32) -> Self {
        assert!(rustix::process::geteuid().is_root(), "only root can mount the small disk that this test fills");
        let at = tempfile::Builder::new().prefix("midwatch-disk-").tempdir().unwrap();
        let filler = at.path().join("filler");
        let options = format!("size={kib}k,mode=0700");
        mount(&["-t", "tmpfs", "-o", &options, "midwatch-test"], at.path());
        Self { at, filler }
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        self.at.path()
    }

    /// Fills it to the last byte.
    pub fn fill(&self) {
        let mut file = File::options().append(true).create(true).open(&self.filler).unwrap();
        for size in [64 << 10, 4096, 512, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
    }

    /// Makes room again.
    pub fn empty(&self) {
        std::fs::remove_file(&self.filler).unwrap();
    }

    /// Makes it read-only.
    #[track_caller]
    pub fn freeze(&self) {
        mount(&["-o", "remount,ro"], self.path());
    }
}

#[track_caller]
fn mount(options: &[&str], at: &Path) {
    let mut command = Command::new("mount");
    command.args(options).arg(at);
    finish(command).exits(0);
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}
