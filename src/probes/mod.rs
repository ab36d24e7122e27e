//! Sources of readings, one file each; a probe reads one target and changes nothing.

pub mod backups;
pub mod bloat;
pub mod blocking;
pub(crate) mod cause;
pub mod certs;
pub mod clock;
pub(crate) mod contact;
pub(crate) mod dial;
#[cfg(test)]
pub(crate) mod endless;
pub mod estate;
mod fstab;
mod handshake;
pub mod host;
pub mod http;
pub mod kube;
pub mod logind;
pub mod mountinfo;
pub mod mounts;
pub mod panics;
mod permission;
pub mod postgres;
pub mod redis;
pub mod renewal;
mod roots;
pub mod schedule;
mod sentence;
pub mod store;
pub mod target;
pub mod units;
mod verifier;

pub use schedule::{Prober, read_all};
pub use target::{Every, HostPart, Mount, Target};
