//! gzip, run as a program between two open files.

use crate::domain::ids::Hasher;
use crate::domain::{Digest, Error};
use crate::runner::adapters::exec;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::FileExt;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How many bytes are read at once.
const PIECE: usize = 256 << 10;

/// The shortest run of zeros that becomes a hole: a page, which is the block of most file systems.
const BLOCK: u64 = 4096;

/// How often a compression is checked.
const GLANCE: Duration = Duration::from_millis(10);

/// Why there is no result.
pub(super) enum Halt {
    /// It was stopped.
    Stopped,
    /// It cannot be done, or the compressed file is damaged.
    Failed(String),
}

impl From<io::Error> for Halt {
    fn from(cause: io::Error) -> Self {
        Self::Failed(cause.to_string())
    }
}

/// Checks that gzip is installed.
///
/// # Errors
/// When there is none.
pub(super) fn is_there() -> Result<(), Error> {
    exec::resolve("gzip").map(drop)
}

fn command(arguments: &[&str]) -> Result<Command, Halt> {
    let program = exec::resolve("gzip").map_err(|error| Halt::Failed(error.message))?;
    let mut command = Command::new(program);
    command.args(arguments).env_clear().current_dir("/").stderr(Stdio::null());
    Ok(command)
}

/// Compresses one file into another, without the name and the time of the first.
pub(super) fn pack(from: &File, to: &File, cancel: &AtomicBool) -> Result<(), Halt> {
    let mut from = from.try_clone()?;
    from.rewind()?;
    let mut child = command(&["-9", "-n", "-c"])?.stdin(from).stdout(to.try_clone()?).spawn()?;
    loop {
        if cancel.load(Ordering::Relaxed) {
            end(&mut child);
            return Err(Halt::Stopped);
        }
        match child.try_wait()? {
            None => std::thread::sleep(GLANCE),
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(Halt::Failed(format!("gzip: {status}"))),
        }
    }
}

/// Returns the content of a compressed file, piece by piece, to its end; a damaged file is an error.
pub(super) fn unpack(
    from: &File,
    cancel: &AtomicBool,
    piece: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> Result<(), Halt> {
    let mut from = from.try_clone()?;
    from.rewind()?;
    let mut child = command(&["-d", "-c"])?.stdin(from).stdout(Stdio::piped()).spawn()?;
    let Some(mut pipe) = child.stdout.take() else { return Err(Halt::Failed("gzip gives nothing".to_owned())) };
    let read = through(&mut pipe, cancel, piece);
    drop(pipe);
    if read.is_err() {
        end(&mut child);
        return read;
    }
    match child.wait()? {
        status if status.success() => Ok(()),
        _ => Err(Halt::Failed("it is not whole: gzip cannot read it to its end".to_owned())),
    }
}

fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

fn through(
    from: &mut dyn Read,
    cancel: &AtomicBool,
    piece: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> Result<(), Halt> {
    let mut buffer = vec![0; PIECE];
    loop {
        if cancel.load(Ordering::Relaxed) {
            return Err(Halt::Stopped);
        }
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => piece(buffer.get(..count).unwrap_or_default())?,
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            Err(cause) => return Err(cause.into()),
        }
    }
}

/// Reads a file to its end, piece by piece, unpacked or as it is.
pub(super) fn each(
    file: &File,
    packed: bool,
    cancel: &AtomicBool,
    piece: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> Result<(), Halt> {
    if packed {
        return unpack(file, cancel, piece);
    }
    let mut file = file.try_clone()?;
    file.rewind()?;
    through(&mut file, cancel, piece)
}

/// The length and the digest of a file's content, unpacked or as it is.
pub(super) fn digest(file: &File, packed: bool, cancel: &AtomicBool) -> Result<(u64, Digest), Halt> {
    let (mut hasher, mut length) = (Hasher::default(), 0);
    each(file, packed, cancel, &mut |piece| {
        hasher.update(piece);
        length += piece.len() as u64;
        Ok(())
    })?;
    Ok((length, hasher.finish()))
}

/// Unpacks one file into another, with holes where the first one had them: zeros need no disk space then.
pub(super) fn copy_out(from: &File, to: &mut File, holes: bool, cancel: &AtomicBool) -> Result<(), Halt> {
    if !holes {
        return unpack(from, cancel, &mut |piece| to.write_all(piece));
    }
    let mut length = 0_u64;
    unpack(from, cancel, &mut |piece| {
        // Pieces of a pipe have any length: each block is cut at a multiple of its size in the file.
        let mut rest = piece;
        while !rest.is_empty() {
            let left = BLOCK - length % BLOCK;
            let (block, after) = rest.split_at(rest.len().min(usize::try_from(left).unwrap_or(rest.len())));
            if block.iter().any(|byte| *byte != 0) {
                to.write_all_at(block, length)?;
            }
            length += block.len() as u64;
            rest = after;
        }
        Ok(())
    })?;
    to.set_len(length)?;
    Ok(())
}
