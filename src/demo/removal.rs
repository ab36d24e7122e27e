//! Removing directories in which processes that are ending still write.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long the processes of a killed server may go on writing: its guard gives them 5 s.
const LIMIT: Duration = Duration::from_secs(15);
/// How long to wait before the next try.
const RETRY: Duration = Duration::from_millis(20);

/// Removes a directory with all it holds; one that is not there is removed.
///
/// The processes of a server that just ended may still write in it, and the server's guard may be removing it, too.
///
/// # Errors
/// When it cannot be removed, or is still being filled after [`LIMIT`].
pub fn remove(directory: &Path) -> io::Result<()> {
    let began = Instant::now();
    loop {
        let removed = fs::remove_dir_all(directory);
        let Err(cause) = &removed else { return removed };
        match cause.kind() {
            ErrorKind::NotFound if fs::symlink_metadata(directory).is_err() => return Ok(()),
            ErrorKind::NotFound | ErrorKind::DirectoryNotEmpty if began.elapsed() < LIMIT => std::thread::sleep(RETRY),
            _ => return removed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn a_directory_that_is_still_being_filled_goes_in_the_end() {
        let above = tempfile::tempdir().unwrap();
        let directory = above.path().join("home");
        fs::create_dir(&directory).unwrap();
        let (full, is_full) = channel();
        let writer = std::thread::spawn({
            let directory = directory.clone();
            move || {
                // As `initdb` does: a tree of many files, until its directory is gone.
                for number in 0_u64.. {
                    let below = directory.join(format!("{}", number % 64));
                    let _ = fs::create_dir(&below);
                    let _ = fs::write(below.join(number.to_string()), "x");
                    if number == 5_000 {
                        full.send(()).unwrap();
                    }
                    if number > 20_000 || !directory.exists() {
                        return;
                    }
                }
            }
        });
        is_full.recv().unwrap();
        remove(&directory).unwrap();
        writer.join().unwrap();
        assert!(!directory.exists());
    }

    #[test]
    fn what_is_no_directory_stays() {
        let above = tempfile::tempdir().unwrap();
        let file = above.path().join("file");
        fs::write(&file, "x").unwrap();
        assert_eq!(remove(&file).unwrap_err().kind(), ErrorKind::NotADirectory);
        assert!(file.exists());
        remove(&above.path().join("none")).unwrap();
    }
}
