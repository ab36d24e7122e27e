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

    /// Fills it, but for so many KiB.
    pub fn fill_but(&self, kib: u64) {
        self.fill();
        let filler = File::options().write(true).open(&self.filler).unwrap();
        filler.set_len(filler.metadata().unwrap().len() - (kib << 10)).unwrap();
    }

    /// Frees the space again.
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

/// An ext4 on an image of its own: what the image holds is what the device would hold if the power went now.
pub struct Plate {
    at: tempfile::TempDir,
    mounted: PathBuf,
    image: PathBuf,
}

impl Plate {
    /// Makes one; prints the reason if no file system may be made and mounted here.
    pub fn new() -> Option<Self> {
        let at = tempfile::Builder::new().prefix("midwatch-plate-").tempdir().unwrap();
        let image = at.path().join("image");
        File::create(&image).unwrap().set_len(24 << 20).unwrap();
        let made = Command::new("mkfs.ext4").args(["-q", "-F"]).arg(&image).output();
        if !made.is_ok_and(|output| output.status.success()) {
            eprintln!("no ext4 can be made here (mkfs.ext4 of e2fsprogs can): no power cut was tried");
            return None;
        }
        Self::mount(at, image)
    }

    /// Mounts an image that was copied, for a look.
    pub fn of(image: &Path) -> Option<Self> {
        Self::mount(tempfile::Builder::new().prefix("midwatch-plate-").tempdir().unwrap(), image.to_owned())
    }

    fn mount(at: tempfile::TempDir, image: PathBuf) -> Option<Self> {
        let mounted = at.path().join("mounted");
        std::fs::create_dir(&mounted).unwrap();
        let output = Command::new("mount").args(["-o", "loop"]).arg(&image).arg(&mounted).output().unwrap();
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr).into_owned();
            eprintln!("no image can be mounted here (root with loop devices can): no power cut was tried: {why}");
            return None;
        }
        Some(Self { at, mounted, image })
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.mounted
    }

    /// Copies the image as it lies on its device now.
    pub fn copy(&self, number: usize) -> PathBuf {
        let copy = self.at.path().join(format!("image-{number}"));
        std::fs::copy(&self.image, &copy).unwrap();
        copy
    }

    /// Puts a copy in its place, as after a restart.
    #[track_caller]
    pub fn becomes(&mut self, image: &Path) {
        let run = |command: &mut Command| {
            let output = command.output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        };
        run(Command::new("umount").arg(&self.mounted));
        run(Command::new("mount").args(["-o", "loop"]).arg(image).arg(&self.mounted));
        self.image = image.to_owned();
    }
}

impl Drop for Plate {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.mounted).output();
    }
}
