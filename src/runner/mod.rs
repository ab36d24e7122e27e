//! Executes a run: a detached process that is the only writer of its journal, and reads but never changes a target.

pub mod act;
pub mod adapters;
pub mod cgroup;
pub mod control;
pub mod engine;
pub mod failpoint;
pub mod identity;
pub mod lock_targets;
pub mod locks;
pub mod notify;
pub mod ofd;
pub mod pinned;
pub mod policy;
pub mod preflight;
pub mod presence;
pub mod protocol;
pub mod quarantine;
pub mod rehearse;
pub mod reread;
mod reserved;
pub mod retention;
pub mod rundir;
pub mod shim;
pub mod survivors;
